// For tests: asks the store of one capture, which it ingests into a temporary directory.
//
//   store_probe select CAPTURE < filters     one line a filter: how many packets there are, how many pass it,
//                                            and the first that only SQL or only Filter::matches() lets pass
//   store_probe packets CAPTURE FIELDS [FILTER]   the records of its packets, as netsniff writes them
//   store_probe damaged CAPTURE cut|gone|changed  the same with an original that is no longer what it was
//   store_probe page FILE N OFFSET LIMIT FILTER CAPTURE…   how many packets of all captures pass; then the
//                                            page's, "file n": captures are the files 0, 1, …
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>

#include "libcommon/base/services.h"
#include "libcommon/base/utf8.h"
#include "libcommon/capture/open.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/record/field_selection.h"
#include "libcommon/record/packet_writer.h"
#include "libcommon/store/ingest.h"
#include "libcommon/store/packet_query.h"
#include "libcommon/store/stored_packets.h"
#include "libcommon/store/tables.h"

namespace {

using namespace wl;
using Numbers = std::set<uint64_t>;

template <class T>
T expect(base::Result<T> result) {
  if (result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
    if constexpr (std::is_void_v<T>) return;
  }
  std::fprintf(stderr, "store_probe: %s\n", result.error().line().c_str());
  std::exit(1);
}

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "store_probe-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::exit(1);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

store::Capture take_in(const std::string& path, const Folder& folder, const std::string& id) {
  const auto parts = folder.path() / ("file_id=" + id) / "parts";
  const auto original = folder.path() / (id + ".original");
  std::filesystem::create_directories(parts);
  (void)expect(store::ingest(path, {.folder = parts, .copy = original}));
  return {{}, path, parts, original};
}

store::Reader open_parts(const std::string& path, const Folder& folder) {
  return expect(store::Reader::open({take_in(path, folder, "probe")}));
}

/// The packets that each filter matches, from one reading of the capture.
std::vector<Numbers> matched(const std::string& path, const std::vector<filter::Filter>& filters,
                             uint64_t& packets) {
  const auto source = expect(capture::open_file(path));
  const base::Services services = base::Services::load();
  packet::Decoder decoder({store::stored_fields(), false, nullptr, &services});
  const auto packet = std::make_unique<record::Packet>();
  std::vector<Numbers> found(filters.size());
  capture::Frame frame;
  for (packets = 0;; ++packets) {
    const auto next = source->next(frame);
    if (!next || *next == capture::Next::end) return found;
    decoder.decode(frame.data, frame.length, source->interfaces()[frame.interface].link_type, *packet);
    packet->has_time = frame.has_time;
    packet->time_ns = frame.time_ns;
    packet->set_n(packets + 1);
    packet->set_at_offset(frame.offset);
    for (size_t i = 0; i < filters.size(); ++i)
      if (filters[i].matches(*packet)) found[i].insert(packets + 1);
  }
}

Numbers selected(store::Reader& reader, const filter::Filter& filter, bool counted) {
  auto query = expect(store::PacketQuery::open(reader, {.where = &filter}));
  Numbers numbers;
  store::Hits hits;
  while (expect(query.next(hits))) numbers.insert(hits.n.begin(), hits.n.end());
  if (counted && expect(query.count()) != numbers.size()) std::exit(1);
  return numbers;
}

uint64_t first_only(const Numbers& a, const Numbers& b) {
  for (const uint64_t n : a)
    if (!b.contains(n)) return n;
  return 0;
}

int select(const std::string& path) {
  const Folder folder;
  auto reader = open_parts(path, folder);
  std::vector<filter::Filter> filters;
  for (std::string line; std::getline(std::cin, line);)
    filters.push_back(expect(filter::Filter::parse(line)));
  uint64_t packets = 0;
  const auto expected = matched(path, filters, packets);
  for (size_t i = 0; i < filters.size(); ++i) {
    const Numbers rows = selected(reader, filters[i], i % 8 == 0);
    std::cout << packets << ' ' << expected[i].size() << ' ' << first_only(rows, expected[i]) << ' '
              << first_only(expected[i], rows) << '\n';
  }
  return 0;
}

int packets(const std::string& path, const char* fields, const char* where) {
  const Folder folder;
  auto reader = open_parts(path, folder);
  const auto wanted = expect(record::parse_fields(fields));
  const auto filter = expect(filter::Filter::parse(where));
  auto query = expect(store::PacketQuery::open(reader, {.where = &filter}));
  auto stored = expect(store::StoredPackets::open(reader, reader.captures()[0], {.wanted = wanted}));
  record::PacketWriter writer(wanted, base::TimeFormat::rfc3339);
  ndjson::Output out(1);
  store::Hits hits;
  while (expect(query.next(hits))) {
    expect(stored.ask(hits.n));
    for (const uint64_t n : hits.n) {
      if (!expect(stored.next()) || stored.packet().n != n) return 1;
      writer.write(stored.packet(), out);
    }
    if (expect(stored.next())) return 1;
  }
  out.flush();
  return 0;
}

int damaged(const std::string& path, std::string_view how) {
  const Folder folder;
  store::Capture capture = take_in(path, folder, "probe");
  if (how == "cut") std::filesystem::resize_file(capture.original, std::filesystem::file_size(path) / 2);
  if (how == "gone") std::filesystem::remove(capture.original);
  if (how == "changed") capture.original_ns = 1;
  auto reader = expect(store::Reader::open({capture}));
  auto stored = expect(store::StoredPackets::open(reader, capture, {}));
  auto query = expect(store::PacketQuery::open(reader, {}));
  store::Hits hits;
  while (expect(query.next(hits))) {
    expect(stored.ask(hits.n));
    while (expect(stored.next())) std::cout << stored.packet().n << std::endl;
  }
  return 0;
}

int page(std::span<char*> arguments) {
  const Folder folder;
  const auto filter = expect(filter::Filter::parse(arguments[4]));
  std::vector<store::Capture> captures;
  for (const char* const path : arguments.subspan(5))
    captures.push_back(take_in(path, folder, std::to_string(captures.size())));
  auto reader = expect(store::Reader::open(captures));
  const auto number = [&](size_t i) { return std::strtoull(arguments[i], nullptr, 10); };
  auto query = expect(store::PacketQuery::open(
      reader, {.where = &filter},
      {.after_file = arguments[0], .after_n = number(1), .offset = number(2), .limit = number(3)}));
  std::cout << expect(query.count()) << '\n';
  store::Hits hits;
  while (expect(query.next(hits)))
    for (const uint64_t n : hits.n) std::cout << store::Reader::file_key(*hits.capture) << ' ' << n << '\n';
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::string_view(arguments[1]) == "select") return select(arguments[2]);
  if (count >= 4 && std::string_view(arguments[1]) == "packets")
    return packets(arguments[2], arguments[3], count > 4 ? arguments[4] : "");
  if (count == 4 && std::string_view(arguments[1]) == "damaged") return damaged(arguments[2], arguments[3]);
  if (count > 7 && std::string_view(arguments[1]) == "page")
    return page(std::span(arguments, static_cast<size_t>(count)).subspan(2));
  std::fprintf(stderr, "usage: store_probe select|packets|damaged|page …\n");
  return 2;
}
