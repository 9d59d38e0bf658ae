// Every capture of the test data against what tshark says of each packet.
#include <charconv>
#include <fstream>
#include <map>
#include <memory>

#include <catch2/catch.hpp>
#include <zlib.h>

#include "libcommon/capture/open.h"
#include "tests/support/capture_bytes.h"
#include "tests/support/data_folder.h"

namespace fs = std::filesystem;
using namespace wl::test;

namespace {

/// Time, length and captured length of a packet.
struct Row {
  std::optional<int64_t> time_ns;
  uint32_t length = 0;
  size_t captured = 0;
  bool operator==(const Row&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.time_ns.value_or(-1) << " ns, " << row.length << " bytes, " << row.captured
             << " captured";
}

std::string unzipped(const fs::path& path) {
  const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rb"), gzclose);
  std::string text;
  std::vector<char> block(1 << 16);
  for (int size = 1; file && size > 0;) {
    size = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (size > 0) text.append(block.data(), static_cast<size_t>(size));
  }
  return text;
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "seconds.fraction", where a fraction of ten digits is that many nanoseconds.
std::optional<int64_t> time_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  const size_t dot = text.find('.');
  const auto ns =
      static_cast<int64_t>(number(text.substr(0, dot)) * 1'000'000'000 + number(text.substr(dot + 1)));
  return negative ? -ns : ns;
}

std::vector<Row> truth_of(const fs::path& path) {
  const std::string text = unzipped(path);
  std::string_view rest = text;
  std::vector<Row> rows;
  for (bool head = true; !rest.empty(); head = false) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string_view field[4];
    for (std::string_view& f : field) {
      f = line.substr(0, line.find('\t'));
      line.remove_prefix(std::min(line.size(), f.size() + 1));
    }
    if (!head) rows.push_back({time_of(field[1]), static_cast<uint32_t>(number(field[2])), number(field[3])});
  }
  return rows;
}

std::vector<Row> rows_of(const Reading& reading) {
  std::vector<Row> rows;
  for (const Packet& packet : reading.packets)
    rows.push_back({packet.time_ns, packet.length, packet.data.size()});
  return rows;
}

template <class Check>
size_t for_each_capture(const fs::path& part, Check check) {
  size_t files = 0;
  const fs::path truth = part / "truth";
  for (const auto& entry : fs::recursive_directory_iterator(truth)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), truth).string();
    const std::string capture = name.substr(0, name.size() - std::string_view(".tsv.gz").size());
    const Reading reading = read_all(wl::capture::open_file((part / "pcaps" / capture).string()));
    INFO(capture << ": " << reading.error);
    check(capture, reading, truth_of(entry.path()));
    ++files;
  }
  return files;
}

}  // namespace

TEST_CASE("capture data: every packet's time, length and captured length are tshark's") {
  const auto folder = data_folder();
  if (!folder) return;
  size_t packets = 0;
  const size_t files =
      for_each_capture(*folder, [&](const std::string&, const Reading& got, const std::vector<Row>& want) {
        CHECK(got.error == "");
        CHECK(got.packets.size() == want.size());
        const std::vector<Row> rows = rows_of(got);
        const auto differ = std::ranges::mismatch(rows, want);
        if (differ.in1 != rows.end() && differ.in2 != want.end()) CHECK(*differ.in1 == *differ.in2);
        packets += want.size();
      });
  CHECK(files == 647);
  CHECK(packets == 177292);
}

TEST_CASE("capture data: damaged captures give every packet that tshark reads, and fail where it does") {
  const auto folder = data_folder();
  if (!folder) return;
  std::map<std::string, bool> failing;
  std::ifstream manifest(*folder / "malformed" / "MANIFEST.tsv");
  for (std::string line; std::getline(manifest, line);) {
    std::vector<std::string> fields(1);
    for (const char c : line) c == '\t' ? (void)fields.emplace_back() : fields.back().push_back(c);
    failing[fields[0]] = fields.size() > 11 && fields[11] != "0";
  }
  for_each_capture(*folder / "malformed",
                   [&](const std::string& name, const Reading& got, const std::vector<Row>& want) {
                     REQUIRE(got.packets.size() >= want.size());
                     for (size_t i = 0; i < want.size(); ++i) {
                       // tshark prints a time before 1970 for a fraction that overflows 32 bits.
                       if (want[i].time_ns.value_or(0) < 0) continue;
                       CHECK(rows_of(got)[i] == want[i]);
                     }
                     if (failing.at(name)) {
                       CHECK(got.error.find(name + ": byte ") != std::string::npos);
                       CHECK(got.error.find('\n') == std::string::npos);
                     }
                   });
}
