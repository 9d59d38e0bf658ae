#include <catch2/catch.hpp>

#include "tools/wsbridge/stream/view.h"

namespace {

using wl::wsbridge::stream::Backlog;
using wl::wsbridge::stream::Batch;

std::string take(const Backlog& backlog, uint64_t& from, size_t max) {
  Batch batch;
  from = backlog.take(from, max, batch);
  return batch.text();
}

}  // namespace

TEST_CASE("backlog: every reader gets every message in order, in pieces of any size") {
  Backlog backlog(1 << 20);
  std::string all;
  for (int i = 0; i < 5000; ++i) {
    const std::string message =
        "message " + std::to_string(i) + std::string(static_cast<size_t>(i % 90), '.') + "\n";
    all += message;
    backlog.append(message);
  }
  for (const size_t max : {1u, 100u, 4096u, 100000u, 10000000u}) {
    uint64_t from = 1;
    std::string got;
    while (from != backlog.next()) {
      const std::string piece = take(backlog, from, max);
      REQUIRE_FALSE(piece.empty());
      CHECK((piece.size() <= max || std::count(piece.begin(), piece.end(), '\n') == 1));
      got += piece;
    }
    CHECK(got == all);
    CHECK(take(backlog, from, max).empty());
  }
}

TEST_CASE("backlog: neighbours are one part") {
  Backlog backlog(1 << 20);
  for (int i = 0; i < 100; ++i) backlog.append("0123456789");
  Batch batch;
  CHECK(backlog.take(11, 1 << 20, batch) == 101);
  CHECK(batch.parts.size() == 1);
  CHECK(batch.messages == 90);
  CHECK(batch.bytes == 900);
}

TEST_CASE("backlog: a batch that is full takes no more, one with something takes no more than fits") {
  Backlog backlog(1 << 20);
  backlog.append("four");
  backlog.append("eight...");
  Batch batch;
  CHECK(backlog.take(1, 4, batch) == 2);
  CHECK(backlog.take(2, 4, batch) == 2);
  CHECK(backlog.take(2, 11, batch) == 2);
  CHECK(backlog.take(2, 12, batch) == 3);
}

TEST_CASE("backlog: the newest bytes are kept, and no more than an eighth above that") {
  Backlog backlog(size_t{1} << 20);
  Batch held;
  backlog.append("first");
  CHECK(backlog.take(1, 100, held) == 2);
  for (int i = 0; i < 200000; ++i) {
    backlog.append(std::string(100, 'x'));
    REQUIRE(backlog.bytes() < (size_t{1} << 20) * 9 / 8);
  }
  CHECK(backlog.bytes() >= size_t{1} << 20);
  CHECK(backlog.oldest() > 150000);
  CHECK(backlog.next() == 200002);
  CHECK(held.text() == "first");  // what is on its way stays
}

TEST_CASE("backlog: a message larger than all of it is kept alone") {
  Backlog backlog(1000);
  backlog.append("small");
  backlog.append(std::string(100000, 'x'));
  CHECK(backlog.oldest() == 2);
  uint64_t from = 2;
  CHECK(take(backlog, from, 10).size() == 100000);
  backlog.append("small");
  from = 3;
  CHECK(take(backlog, from, 10) == "small");
}

TEST_CASE("backlog: what is discarded is gone, the rest is there") {
  Backlog backlog(1 << 20);
  for (int i = 0; i < 10000; ++i) backlog.append(std::string(100, 'x'));
  backlog.discard(5001);
  CHECK(backlog.oldest() <= 5001);
  CHECK(backlog.oldest() > 4000);
  backlog.discard(10001);
  CHECK(backlog.bytes() == 0);
  CHECK(backlog.oldest() == 10001);
  backlog.append("next");
  uint64_t from = 10001;
  CHECK(take(backlog, from, 100) == "next");
}
