// Views: one record for all, whatever the client; what happens to those who lag.
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "libcommon/base/log.h"
#include "tools/wsbridge/stream/view.h"
#include "tools/wsbridge/websocket/codec.h"

namespace {

using namespace wl::wsbridge;
using namespace wl::wsbridge::stream;

struct Options {
  bool timestamp = false;
  Slow slow = Slow::drop;
  size_t backlog_bytes = size_t{4} << 20;
  std::string mine{}, user{};
};

/// A feed that is not started: its records are given by hand.
struct Fixture {
  explicit Fixture(const Options& options = {}, std::string key = {}, const std::string& program = {}) {
    spec.name = "test";
    spec.key = std::move(key);
    spec.restart = Restart::never;
    spec.pipeline = {{"printf", R"({"k":"a","n":1}\n{"k":"b","n":2}\n{"k":"a","n":3}\n)"}};
    (void)log.configure({.file = "/dev/null"});
    feed = std::make_shared<Feed>(io.get_executor(), spec, log);
    if (!program.empty()) compiled.emplace(std::move(shape::Program::compile(program).value()));
    const SubscriptionSpec wanted{.slow = options.slow, .mine = options.mine, .timestamp = options.timestamp};
    view = std::make_shared<View>(feed, wanted, options.user, compiled ? &*compiled : nullptr,
                                  options.backlog_bytes, log);
  }
  ~Fixture() {
    view.reset();
    feed.reset();
    io.restart();
    io.run();
  }
  void play() {
    feed->start();
    io.run_for(std::chrono::seconds(10));
  }
  void give(std::string json) {
    const size_t size = json.size();
    json.append(wl::ndjson::kPadding, '\0');
    feed->take(std::string_view(json).substr(0, size));
    feed->settle(0);
  }
  void give_numbers(int from, int to) {
    for (int n = from; n <= to; ++n) give(R"({"n":)" + std::to_string(n) + "}");
  }
  auto join(Framing framing = Framing::lines, size_t history = 0) {
    return Subscription::join(view, framing, history, [this] { ++woken; });
  }

  boost::asio::io_context io{1};
  wl::base::Log log{"test"};
  StreamSpec spec{};
  std::optional<shape::Program> compiled{};
  std::shared_ptr<Feed> feed{};
  std::shared_ptr<View> view{};
  int woken = 0;
};

std::string take(Subscription& subscription, size_t max = size_t{64} << 20) {
  Batch batch;
  REQUIRE(subscription.take(max, batch));
  return batch.text();
}

/// The messages in a server's WebSocket frames, as lines.
std::string unframe(std::string_view bytes) {
  websocket::Inflater inflater;
  std::string lines, message;
  while (!bytes.empty()) {
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes.at(i))); };
    size_t size = byte(1), head = 2;
    if (size == 126) size = byte(2) << 8 | byte(3), head = 4;
    REQUIRE(byte(1) < 127);
    message = bytes.substr(head, size);
    if (byte(0) == 0xc1) REQUIRE_FALSE(inflater.inflate(bytes.substr(head, size), 1 << 20, message));
    lines += message + "\n";
    bytes.remove_prefix(head + size);
  }
  return lines;
}

}  // namespace

TEST_CASE("view: all framings carry the same messages") {
  Fixture fixture({}, {}, "{a: .n, text: \"" + std::string(200, '-') + "\"}");
  const auto lines = fixture.join(), text = fixture.join(Framing::text),
             small = fixture.join(Framing::deflated);
  fixture.give_numbers(1, 50);
  CHECK(fixture.woken == 150);
  const std::string wanted = take(*lines), deflated = take(*small);
  CHECK(std::count(wanted.begin(), wanted.end(), '\n') == 50);
  CHECK(wanted.starts_with("{\"a\":1,\"text\":\"-"));
  CHECK(unframe(take(*text)) == wanted);
  CHECK(unframe(deflated) == wanted);
  CHECK(deflated.size() < wanted.size() / 3);
  CHECK(take(*lines).empty());
}

TEST_CASE("view: a program may give none or several, and fail") {
  Fixture fixture({}, {}, "if .n == 2 then error(\"no\") elif .n == 3 then empty else .n, [.n] end");
  const auto client = fixture.join();
  fixture.give_numbers(1, 4);
  CHECK(take(*client) == "1\n[1]\n4\n[4]\n");
}

TEST_CASE("view: who joins gets history, in every framing") {
  Fixture fixture;
  fixture.play();
  const auto two = fixture.join(Framing::lines, 2);
  CHECK(two->ended() == false);
  CHECK(take(*two) == "{\"k\":\"b\",\"n\":2}\n{\"k\":\"a\",\"n\":3}\n");
  CHECK(two->ended());
  fixture.give_numbers(4, 5);
  CHECK(take(*fixture.join(Framing::lines, 0)).empty());
  CHECK(take(*fixture.join(Framing::lines, 1)) == "{\"n\":5}\n");
  CHECK(unframe(take(*fixture.join(Framing::text, 3))) == "{\"k\":\"a\",\"n\":3}\n{\"n\":4}\n{\"n\":5}\n");
  CHECK(take(*fixture.join(Framing::lines, 1000)).starts_with("{\"k\":\"a\",\"n\":1}\n"));
  CHECK(take(*two) == "{\"n\":4}\n{\"n\":5}\n");
}

TEST_CASE("view: conflate gives who joins the newest of each key") {
  Fixture fixture({.slow = Slow::conflate}, "k");
  fixture.play();
  CHECK(take(*fixture.join(Framing::lines, 1)) == "{\"k\":\"b\",\"n\":2}\n{\"k\":\"a\",\"n\":3}\n");
}

TEST_CASE("view: drop says exactly what was missed, and memory stays flat") {
  Fixture fixture({.backlog_bytes = 100'000});
  const auto stalled = fixture.join(), quick = fixture.join();
  uint64_t got = 0;
  for (int n = 1; n <= 100'000; ++n) {
    fixture.give(R"({"n":)" + std::to_string(n) + "}");
    Batch batch;
    REQUIRE(quick->take(kMaxPiece, batch));
    got += batch.messages;
    REQUIRE(batch.dropped == 0);
  }
  CHECK(got == 100'000);
  Batch batch;
  REQUIRE(stalled->take(size_t{64} << 20, batch));
  CHECK(batch.bytes < 120'000);
  CHECK(batch.dropped + batch.messages == 100'000);
  CHECK(batch.text().starts_with(R"({"type":"gap","from":1,"to":)" + std::to_string(batch.dropped) +
                                 "}\n{\"n\":" + std::to_string(batch.dropped + 1) + "}\n"));
}

TEST_CASE("view: conflate gives the newest of each key and counts what it left out") {
  Fixture fixture({.slow = Slow::conflate}, "k");
  const auto client = fixture.join(), other = fixture.join();
  fixture.give(R"({"k":"a","n":1})");
  CHECK(take(*other) == "{\"k\":\"a\",\"n\":1}\n");
  fixture.give(R"({"k":"b","n":2})");
  fixture.give(R"({"k":"a","n":3})");
  fixture.give(R"({"k":7,"n":4})");
  fixture.give(R"({"k":"a","n":5})");
  Batch batch;
  REQUIRE(client->take(kMaxPiece, batch));
  CHECK(batch.text() ==
        "{\"type\":\"skipped\",\"count\":2}\n{\"k\":\"b\",\"n\":2}\n{\"k\":7,\"n\":4}\n{\"k\":\"a\",\"n\":5}"
        "\n");
  CHECK(batch.conflated == 2);
  CHECK(batch.messages == 3);
  CHECK(take(*other).starts_with("{\"type\":\"skipped\",\"count\":1}\n{\"k\":\"b\""));
  CHECK(take(*client).empty());
}

TEST_CASE("view: conflate without a key gives the newest record") {
  Fixture fixture({.slow = Slow::conflate});
  const auto client = fixture.join();
  fixture.give_numbers(1, 1000);
  CHECK(take(*client) == "{\"type\":\"skipped\",\"count\":999}\n{\"n\":1000}\n");
}

TEST_CASE("view: conflate of many keys comes in pieces and bounds its memory") {
  Fixture fixture({.slow = Slow::conflate, .backlog_bytes = 1'000'000}, "k");
  const auto client = fixture.join();
  for (int k = 0; k < 20'000; ++k)
    fixture.give(R"({"k":)" + std::to_string(k) + R"(,"t":")" + std::string(90, '.') + "\"}");
  uint64_t messages = 0, conflated = 0, pieces = 0;
  for (Batch batch; client->take(kMaxPiece, batch) && batch.bytes != 0; batch.clear()) {
    CHECK(batch.bytes < 2 * kMaxPiece);
    messages += batch.messages;
    conflated += batch.conflated;
    ++pieces;
  }
  CHECK(messages + conflated == 20'000);
  CHECK(messages > 9'000);
  CHECK(messages < 11'000);
  CHECK(pieces > 3);
}

TEST_CASE("view: cut ends who lags, and nobody else") {
  Fixture fixture({.slow = Slow::cut, .backlog_bytes = 10'000});
  const auto stalled = fixture.join(), quick = fixture.join();
  for (int n = 1; n <= 10'000; ++n) {
    fixture.give_numbers(n, n);
    REQUIRE_FALSE(take(*quick).empty());
  }
  Batch batch;
  CHECK_FALSE(stalled->take(kMaxPiece, batch));
}

TEST_CASE("view: block has one reader, waits for it and loses nothing") {
  Fixture fixture({.slow = Slow::block, .backlog_bytes = 10'000});
  auto reader = fixture.join();
  CHECK(fixture.join() == nullptr);
  std::string wanted, got;
  int given = 0;
  while (given < 20'000) {
    while (!fixture.view->full() && given < 20'000) {
      wanted += "{\"n\":" + std::to_string(++given) + "}\n";
      fixture.give_numbers(given, given);
    }
    const std::string piece = take(*reader, 3000);
    REQUIRE_FALSE(piece.empty());
    got += piece;
  }
  for (std::string piece = take(*reader, 3000); !piece.empty(); piece = take(*reader, 3000)) got += piece;
  CHECK(got == wanted);
  reader.reset();
  CHECK_FALSE(fixture.view->full());
  CHECK(fixture.join() != nullptr);
}

TEST_CASE("view: timestamps") {
  using Catch::Matchers::Matches;
  const std::string time = R"("timestamp":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"\})";
  CHECK_THAT(with_timestamp(R"({"a":1})"), Matches(R"(\{"a":1,)" + time));
  CHECK_THAT(with_timestamp(" { } "), Matches(R"( \{ )" + time));
  CHECK_THAT(with_timestamp(R"({"a":{"timestamp":1}})"), Matches(R"(\{"a":\{"timestamp":1\},)" + time));
  CHECK(with_timestamp(R"({"timestamp":1})") == R"({"timestamp":1})");
  CHECK(with_timestamp("[1]") == "[1]");
  CHECK(with_timestamp("7").size() == 1);
  CHECK(with_timestamp("").empty());
  Fixture fixture({.timestamp = true, .backlog_bytes = 1000});
  const auto client = fixture.join();
  fixture.give_numbers(1, 1000);
  CHECK_THAT(take(*client), Matches(R"((\{[^\n]*,)" + time + R"(\n)+)"));
}

TEST_CASE("view: a user's own records, old and new, and nobody else's") {
  for (const Slow slow : {Slow::drop, Slow::conflate}) {
    Fixture fixture({.slow = slow, .mine = "owner", .user = "u1"}, "id");
    const std::string hers = R"({"id":1,"owner":"u1"})";
    fixture.give(hers);
    fixture.give(R"({"id":2,"owner":"u2","name":"\"owner\":\"u1\""})");
    const auto client = fixture.join(Framing::lines, 10);
    CHECK(take(*client) == hers + "\n");
    for (const char* const text :
         {R"({"id":3,"owner":"u2"})", R"({"id":4,"name":"u1"})", R"({"id":5,"owner":["u1"]})",
          R"({"id":6,"of":{"owner":"u1"}})", R"({"id":7,"owner":"u11"})"})
      fixture.give(text);
    CHECK(take(*client).empty());
    fixture.give(R"({"id":8,"owner":"u1"})");
    CHECK(take(*client) == "{\"id\":8,\"owner\":\"u1\"}\n");
  }
}

TEST_CASE("view: who is no user has nothing of their own") {
  Fixture fixture({.mine = "owner"});
  fixture.give(R"({"owner":""})");
  const auto client = fixture.join(Framing::lines, 10);
  fixture.give(R"({"owner":"u1"})");
  CHECK(take(*client).empty());
}
