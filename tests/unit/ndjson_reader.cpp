#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"
#include "libcommon/ndjson/reader.h"

using namespace wl;
using ndjson::LineState;

namespace {

base::Fd memory_file(const std::string& content) {
  base::Fd fd(::memfd_create("reader-test", 0));
  REQUIRE(::write(fd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

struct Got {
  LineState state;
  std::string text;
  uint64_t number;
  bool operator==(const Got&) const = default;
};

std::vector<Got> all(int fd, size_t max_line) {
  ndjson::LineReader reader(fd, max_line);
  ndjson::Line line;
  std::vector<Got> got;
  for (;;) {
    const auto state = reader.next(line);
    REQUIRE(state.has_value());
    if (*state == LineState::end) return got;
    if (*state == LineState::idle) continue;
    got.push_back({*state, *state == LineState::line ? std::string(line.text) : "", line.number});
  }
}

}  // namespace

TEST_CASE("lines of a file", "[ndjson]") {
  const auto file = memory_file("one\n\ntwo\r\nlast");
  CHECK(all(file.get(), 100) == std::vector<Got>{{LineState::line, "one", 1},
                                                 {LineState::line, "", 2},
                                                 {LineState::line, "two\r", 3},
                                                 {LineState::line, "last", 4}});
  CHECK(all(memory_file("").get(), 100).empty());
  CHECK(all(memory_file("\n").get(), 100).size() == 1);
}

TEST_CASE("a line that is too long is passed over, wherever it lies", "[ndjson]") {
  const size_t limit = 1 << 20;
  for (const size_t size : {limit, limit + 1, limit * 3, limit * 3 + 17}) {
    const std::string middle(size, 'x');
    const auto inside = all(memory_file("a\n" + middle + "\nb\n").get(), limit);
    REQUIRE(inside.size() == 3);
    CHECK(inside[1].state == (size <= limit ? LineState::line : LineState::too_long));
    CHECK(inside[1].text == (size <= limit ? middle : ""));
    CHECK(inside[1].number == 2);
    CHECK(inside[2] == Got{LineState::line, "b", 3});
    const auto at_end = all(memory_file("a\n" + middle).get(), limit);
    REQUIRE(at_end.size() == 2);
    CHECK(at_end[1].state == inside[1].state);
  }
}

TEST_CASE("lines of every length come out whole", "[ndjson]") {
  std::string content;
  std::vector<std::string> wanted;
  for (size_t i = 0; i < 3000; ++i) {
    wanted.push_back(std::string(i * 7919 % 2000, static_cast<char>('a' + i % 26)));
    content += wanted.back() + "\n";
  }
  const auto got = all(memory_file(content).get(), 1 << 20);
  REQUIRE(got.size() == wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    REQUIRE(got[i].text == wanted[i]);
    REQUIRE(got[i].number == i + 1);
  }
}

TEST_CASE("a pipe that has nothing says so, and waits then", "[ndjson]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const base::Fd in(ends[0]);
  base::Fd out(ends[1]);
  ndjson::LineReader reader(in.get());
  ndjson::Line line;
  CHECK(reader.next(line) == LineState::idle);
  const int64_t before = base::steady_clock_ns();
  CHECK(reader.next(line) == LineState::idle);
  CHECK(base::steady_clock_ns() - before > 80 * base::kMillisecond);
  REQUIRE(::write(out.get(), "a\nhal", 5) == 5);
  CHECK(reader.next(line) == LineState::line);
  CHECK(line.text == "a");
  CHECK(reader.next(line) == LineState::idle);
  REQUIRE(::write(out.get(), "f", 1) == 1);
  out.reset();
  CHECK(reader.next(line) == LineState::line);
  CHECK(line.text == "half");
  CHECK(reader.next(line) == LineState::end);
}

TEST_CASE("what cannot be read is an error", "[ndjson]") {
  ndjson::LineReader reader(9999);
  ndjson::Line line;
  CHECK_FALSE(reader.next(line).has_value());
}
