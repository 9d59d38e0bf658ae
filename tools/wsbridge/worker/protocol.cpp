#include "tools/wsbridge/worker/protocol.h"

#include <array>
#include <charconv>

#include "libcommon/base/utf8.h"
#include "libcommon/ndjson/text.h"

namespace wl::wsbridge::worker {

using ndjson::ValueKind;

namespace {

enum Path : uint8_t { kId, kRecord, kEnd, kStatus };

bool is_utf8(std::string_view text) {
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const size_t length = base::utf8_length(at, end);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void append_string(std::string& out, std::string_view text) {
  const std::string clean = is_utf8(text) ? std::string(text) : base::wire_text(text);
  const size_t before = out.size();
  out.resize(before + ndjson::string_room(clean));
  out.resize(static_cast<size_t>(ndjson::put_string(out.data() + before, clean) - out.data()));
}

template <class Number>
bool whole(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end;
}

}  // namespace

std::string request_line(uint64_t id, const Argv& argv, std::string_view owner) {
  std::string line = "{\"id\":\"" + std::to_string(id) + "\",\"argv\":[";
  for (const std::string& word : argv) {
    if (line.back() != '[') line += ',';
    append_string(line, word);
  }
  line += ']';
  if (!owner.empty()) append_string(line += ",\"owner\":", owner);
  return line += "}\n";
}

std::string cancel_line(uint64_t id) { return "{\"id\":\"" + std::to_string(id) + "\",\"cancel\":true}\n"; }

AnswerReader::AnswerReader() : fields_(std::array<std::string, 4>{"id", "record", "end", "status"}) {}

std::optional<Answer> AnswerReader::read(std::string_view line) {
  Answer answer;
  if (!fields_.read(line) || fields_[kId].kind != ValueKind::text || !whole(fields_[kId].text, answer.id))
    return {};
  if (fields_[kRecord].kind == ValueKind::object) answer.record = fields_[kRecord].text;
  answer.end = fields_[kEnd].kind == ValueKind::boolean && fields_[kEnd].text == "true";
  if (answer.end &&
      !(fields_[kStatus].kind == ValueKind::number && whole(fields_[kStatus].text, answer.status)))
    return {};
  if (!answer.end && answer.record.empty()) return {};
  if (answer.status < 0 || answer.status > 3) answer.status = 1;
  return answer;
}

}  // namespace wl::wsbridge::worker
