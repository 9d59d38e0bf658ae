#include "libcommon/record/stream_writer.h"

#include <string>
#include <vector>

#include "libcommon/base/utf8.h"
#include "libcommon/ndjson/text.h"

namespace wl::record {
namespace {

constexpr size_t kHeadRoom = 128;
constexpr size_t kCountsRoom = 8 * (24 + ndjson::kMaxNumber);

size_t list_room(std::span<const std::string> texts) {
  size_t room = 2;
  for (const std::string& text : texts) room += ndjson::string_room(text) + 1;
  return room;
}

char* put_list(char* out, std::span<const std::string> texts) {
  *out++ = '[';
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) *out++ = ',';
    out = ndjson::put_string(out, texts[i]);
  }
  *out++ = ']';
  return out;
}

/// Arguments and paths may be any bytes.
std::vector<std::string> as_text(std::span<const std::string> values) {
  std::vector<std::string> texts;
  for (const std::string& value : values) texts.push_back(base::wire_text(value));
  return texts;
}

char* put_counts(char* out, const StreamCounts& counts) {
  const auto put = [&](std::string_view key, uint64_t value) {
    if (value == StreamCounts::kNotKept) return;
    out = ndjson::put_u64(ndjson::put(out, key), value);
  };
  put(R"(,"records":)", counts.records);
  put(R"(,"packets":)", counts.packets);
  put(R"(,"bytes":)", counts.bytes);
  put(R"(,"lost":)", counts.lost);
  put(R"(,"kernel_dropped":)", counts.kernel_dropped);
  put(R"(,"interface_dropped":)", counts.interface_dropped);
  put(R"(,"reader_dropped":)", counts.reader_dropped);
  put(R"(,"skipped":)", counts.skipped);
  return out;
}

}  // namespace

char* StreamWriter::begin(std::string_view type, size_t room) {
  char* at = ndjson::put(out_.reserve(kHeadRoom + room), R"({"type":")");
  at = ndjson::put(ndjson::put(at, type), R"(","ts":)");
  return time_.write(at, base::wall_clock_ns(), 6);
}

void StreamWriter::finish(char* at) { out_.commit(ndjson::put(at, "}\n")); }

void StreamWriter::meta(std::string_view tool, std::string_view version, std::span<const std::string> sources,
                        std::span<const std::string> options) {
  const std::vector<std::string> source_texts = as_text(sources);
  const std::vector<std::string> option_texts = as_text(options);
  const size_t room = ndjson::string_room(tool) + ndjson::string_room(version) + list_room(source_texts) +
                      list_room(option_texts) + 64;
  char* at = begin("meta", room);
  at = ndjson::put_string(ndjson::put(at, R"(,"tool":)"), tool);
  at = ndjson::put_string(ndjson::put(at, R"(,"version":)"), version);
  at = put_list(ndjson::put(at, R"(,"source":)"), source_texts);
  finish(put_list(ndjson::put(at, R"(,"options":)"), option_texts));
}

void StreamWriter::stats(const StreamCounts& counts) {
  finish(put_counts(begin("stats", kCountsRoom), counts));
}

void StreamWriter::end(std::string_view reason, base::Exit status, const StreamCounts& counts) {
  char* at = begin("end", kCountsRoom + ndjson::string_room(reason) + 32);
  at = ndjson::put_string(ndjson::put(at, R"(,"reason":)"), reason);
  at = ndjson::put_u32(ndjson::put(at, R"(,"status":)"), static_cast<uint32_t>(status));
  finish(put_counts(at, counts));
}

}  // namespace wl::record
