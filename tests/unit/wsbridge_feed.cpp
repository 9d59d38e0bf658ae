// Streams: what their listeners get, what is kept, and when their commands run. Real processes.
#include <array>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"
#include "tests/support/io_loop.h"
#include "tools/wsbridge/stream/feed.h"

using namespace wl;
using namespace wl::wsbridge;
using namespace std::chrono_literals;
using stream::Feed;
using stream::FeedState;
using tests::IoLoop;
namespace net = boost::asio;

namespace {

struct Collected : stream::Listener {
  void record(const stream::Text& json, const std::string&) override {
    ++count;
    bytes += json->size();
    if (records.size() < 10'000) records.push_back(*json);
  }
  void settled() override { ++batches; }
  [[nodiscard]] bool full() const override { return is_full; }

  std::vector<std::string> records{};
  size_t count = 0, bytes = 0, batches = 0;
  bool is_full = false;
};

StreamSpec spec_of(const std::string& text, Restart restart = Restart::never) {
  StreamSpec spec;
  spec.name = "test";
  spec.pipeline = {{"sh", "-c", text}};
  spec.restart = restart;
  return spec;
}

/// A feed on a loop of its own, with a listener from the start unless it is on demand.
struct Running {
  explicit Running(const StreamSpec& spec) : held(std::make_shared<Feed>(loop.executor(), spec, log)) {
    REQUIRE(log.configure({.file = directory.path() / "log"}));
    if (!spec.on_demand) feed.add(heard);
    feed.start();
  }
  ~Running() { stop(); }
  void stop() {
    if (!std::exchange(stopped, true)) loop.run(stopped_feed(feed));
  }
  static net::awaitable<int> stopped_feed(Feed& feed) {
    co_await feed.stop();
    co_return 0;
  }
  template <class Condition>
  bool until(Condition condition, std::chrono::milliseconds limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition() && std::chrono::steady_clock::now() < end) loop.settle(10ms);
    return condition();
  }
  bool ends(FeedState state) {
    return until([&] { return feed.counts().state == state; });
  }
  [[nodiscard]] std::vector<std::string> logged() const { return tests::lines_of(directory.path() / "log"); }

  tests::TempDirectory directory{};
  IoLoop loop{};
  base::Log log{"test"};
  Collected heard{};
  std::shared_ptr<Feed> held;
  Feed& feed = *held;
  bool stopped = false;
};

std::vector<std::string> texts(const std::vector<stream::Text>& records) {
  std::vector<std::string> all;
  for (const auto& record : records) all.push_back(*record);
  return all;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("records go to the listeners, other lines are counted and reported", "[wsbridge]") {
  Running run(
      spec_of("echo '{\"a\":1}'; echo no; echo ' {\"b\": [2]}\r'; echo '{\"a\":1}{'; echo '[1]'; echo; "
              "for i in 1 2 3 4 5 6 7 8 9; do echo x; done; printf '{\"c\":3}'"));
  REQUIRE(run.ends(FeedState::ended));
  CHECK(run.heard.records == Strings{"{\"a\":1}", "{\"b\": [2]}", "{\"c\":3}"});
  CHECK(run.feed.counts().records == 3);
  CHECK(run.feed.counts().skipped == 13);
  CHECK(run.feed.counts().bytes == 24);
  CHECK(run.feed.counts().last_ns > base::wall_clock_ns() - 60 * base::kSecond);
  CHECK(*run.feed.last() == "{\"c\":3}");
  const Strings logged = run.logged();
  REQUIRE(logged.size() == 12);
  CHECK(logged[0].ends_with("test: test:2: expected a JSON object"));
  CHECK(logged[1].ends_with("test: test:4: expected a JSON object"));
  CHECK(logged[10].ends_with("test: test: ended with status 0"));
  CHECK(logged[11].ends_with("test: 3 more test lines skipped, 13 in all"));
}

TEST_CASE("lines as records: text of any bytes becomes JSON, JSON stays", "[wsbridge]") {
  StreamSpec spec = spec_of(R"(printf '{"a":1}\nhello "w"\tx\r\n\n\377\\n\n{"a"')");
  spec.text_lines = true;
  Running run(spec);
  REQUIRE(run.ends(FeedState::ended));
  CHECK(run.heard.records == Strings{R"({"a":1})", R"({"type":"line","text":"hello \"w\"\tx"})",
                                     R"({"type":"line","text":""})", R"({"type":"line","text":"\\xff\\\\n"})",
                                     R"({"type":"line","text":"{\"a\""})"});
  CHECK(run.feed.counts().skipped == 0);
}

TEST_CASE("the history is bounded by number and by bytes, the last value stays", "[wsbridge]") {
  StreamSpec spec = spec_of("for i in 1 2 3 4 5; do echo '{\"n\":'$i'}'; done");
  spec.history = 3;
  {
    Running run(spec);
    REQUIRE(run.ends(FeedState::ended));
    CHECK(texts(run.feed.history(10)) == Strings{"{\"n\":3}", "{\"n\":4}", "{\"n\":5}"});
    CHECK(texts(run.feed.history(1)) == Strings{"{\"n\":5}"});
    CHECK(run.feed.history(0).empty());
    run.stop();
    CHECK(*run.feed.last() == "{\"n\":5}");
  }
  spec.history = 0;
  {
    Running run(spec);
    REQUIRE(run.ends(FeedState::ended));
    CHECK(run.feed.history(10).empty());
    CHECK(*run.feed.last() == "{\"n\":5}");
  }
  spec.history = 1000;
  spec.pipeline = {
      {"python3", "-c", "for i in range(40): print('{\"n\":%d,\"x\":\"%s\"}' % (i, 'x' * 1000000))"}};
  Running run(spec);
  REQUIRE(run.ends(FeedState::ended));
  CHECK(run.heard.count == 40);
  const auto kept = texts(run.feed.history(1000));
  CHECK(kept.size() == 16);
  CHECK(kept.front().starts_with("{\"n\":24,"));
}

TEST_CASE("the newest record of each key, in the order of their last change", "[wsbridge]") {
  StreamSpec spec = spec_of(
      "echo '{\"k\":\"a\",\"n\":1}'; echo '{\"k\":2}'; echo '{\"n\":5}'; echo '{\"k\":null}'; "
      "echo '{\"k\":\"a\",\"n\":2}'; echo '{\"k\":\"\\u0062\"}'");
  spec.key = "k";
  {
    Running run(spec);
    REQUIRE(run.ends(FeedState::ended));
    CHECK(texts(run.feed.state()) == Strings{"{\"k\":2}", "{\"k\":\"a\",\"n\":2}", "{\"k\":\"\\u0062\"}"});
  }
  spec.pipeline = {{"python3", "-c", "for i in range(100500): print('{\"k\":%d}' % i)"}};
  Running run(spec);
  REQUIRE(run.ends(FeedState::ended));
  const auto kept = texts(run.feed.state());
  CHECK(kept.size() == 100'000);
  CHECK(kept.front() == "{\"k\":500}");
  CHECK(kept.back() == "{\"k\":100499}");
}

TEST_CASE("restart policies", "[wsbridge]") {
  SECTION("never: ended or failed") {
    Running good(spec_of("echo '{}'"));
    CHECK(good.ends(FeedState::ended));
    Running bad(spec_of("exit 3"));
    CHECK(bad.ends(FeedState::failed));
    CHECK(bad.logged().back().ends_with("test: ended with status 3"));
  }
  SECTION("on failure") {
    Running good(spec_of("echo '{}'", Restart::on_failure));
    CHECK(good.ends(FeedState::ended));
    Running bad(spec_of("echo '{}'; exit 1", Restart::on_failure));
    CHECK(bad.until([&] { return bad.heard.count == 2; }, 4s));
    CHECK(bad.feed.counts().restarts == 1);
  }
  SECTION("always, with longer and longer pauses") {
    Running run(spec_of("echo '{}'", Restart::always));
    CHECK(run.ends(FeedState::waiting));
    CHECK(run.until([&] { return run.heard.count == 3; }, 6s));
    CHECK(run.feed.counts().restarts == 2);
    CHECK(run.logged()[0].find("test: ended with status 0, starts again in ") != std::string::npos);
    run.stop();
    CHECK(run.feed.counts().state == FeedState::ended);
  }
  SECTION("a command that does not exist") {
    StreamSpec spec = spec_of("", Restart::always);
    spec.pipeline = {{"no-such-command-here"}};
    Running run(spec);
    CHECK(run.until([&] { return run.logged().size() == 2; }, 4s));
    CHECK(run.logged()[0].ends_with("test: no-such-command-here: no such file or directory"));
  }
  SECTION("every so often") {
    StreamSpec spec = spec_of("echo '{}'; exit 1", Restart::never);
    spec.every_ns = base::kSecond / 10;
    Running run(spec);
    CHECK(run.until([&] { return run.heard.count == 10; }, 6s));
  }
}

TEST_CASE("on demand: from the first listener until 5 s after the last", "[wsbridge]") {
  StreamSpec spec = spec_of("echo '{\"pid\":'$$'}'; exec sleep 60", Restart::always);
  spec.on_demand = true;
  Running run(spec);
  run.loop.settle();
  CHECK(run.feed.counts().state == FeedState::idle);
  CHECK(run.feed.last() == nullptr);
  for (int i = 0; i < 2; ++i) {
    run.feed.add(run.heard);
    CHECK(run.until([&] { return run.heard.count == size_t(i) + 1; }));
    CHECK(run.feed.counts().state == FeedState::running);
    run.feed.remove(run.heard);
    run.loop.settle(1s);
    run.feed.add(run.heard);  // back in time
    run.loop.settle(5s);
    CHECK(run.feed.counts().state == FeedState::running);
    run.feed.remove(run.heard);
    const auto before = std::chrono::steady_clock::now();
    CHECK(run.ends(FeedState::idle));
    const auto taken = std::chrono::steady_clock::now() - before;
    CHECK(taken > 4500ms);
    CHECK(taken < 6500ms);
    const int pid = std::stoi(run.feed.last()->substr(7));
    CHECK(tests::gone_within(pid, 1s));
  }
  CHECK(run.feed.counts().restarts == 1);
  CHECK(run.logged().empty());
}

TEST_CASE("a full listener holds the command up, and loses nothing", "[wsbridge]") {
  Running run(spec_of("seq -f '{\"n\":%.0f}' 1 2000000"));
  run.heard.is_full = true;
  run.loop.settle(500ms);
  const size_t held = run.heard.count;
  CHECK(held > 0);
  CHECK(held < 500'000);
  run.loop.settle(300ms);
  CHECK(run.heard.count == held);
  run.heard.is_full = false;
  run.feed.resume();
  REQUIRE(run.ends(FeedState::ended));
  CHECK(run.heard.count == 2'000'000);
  CHECK(*run.feed.last() == "{\"n\":2000000}");
  CHECK(run.heard.batches < 20'000);
}

TEST_CASE("stop: the last lines still come", "[wsbridge]") {
  Running run(
      spec_of("trap 'echo \"{\\\"last\\\":1}\"; exit 0' TERM; echo '{}'; while :; do sleep 0.05; done",
              Restart::always));
  REQUIRE(run.until([&] { return run.heard.count == 1; }));
  run.stop();
  CHECK(run.heard.records.back() == "{\"last\":1}");
  CHECK(run.feed.counts().state == FeedState::ended);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a stream that dies again and again leaves nothing behind", "[wsbridge]") {
  StreamSpec spec = spec_of("echo '{}'; echo no; echo error >&2; kill -9 $$", Restart::always);
  spec.every_ns = 1;
  Running run(spec);
  const auto count_is = [&](size_t count) {
    return run.until([&, count] { return run.heard.count >= count; });
  };
  REQUIRE(count_is(20));
  const size_t descriptors = tests::open_descriptors();
  const size_t memory = tests::resident_bytes();
  REQUIRE(count_is(220));
  run.stop();
  CHECK(tests::open_descriptors() <= descriptors);
  CHECK(tests::resident_bytes() < memory + tests::kMemorySlack);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a loop that goes takes the commands with it", "[wsbridge]") {
  base::Log log("test");
  Collected heard;
  int pid = 0;
  {
    IoLoop loop;
    const auto feed =
        std::make_shared<Feed>(loop.executor(), spec_of("echo '{\"pid\":'$$'}'; exec sleep 60"), log);
    feed->add(heard);
    feed->start();
    while (heard.count == 0) loop.settle(10ms);
    pid = std::stoi(heard.records[0].substr(7));
  }
  CHECK(tests::gone_within(pid, 100ms));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("our standard input is a stream that ends once", "[wsbridge]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const base::Fd before(::fcntl(0, F_DUPFD_CLOEXEC, 3));
  ::dup2(ends[0], 0);
  ::close(ends[0]);
  StreamSpec spec = spec_of("");
  spec.pipeline.clear();
  spec.restart = Restart::always;
  Running run(spec);
  REQUIRE(::write(ends[1], "{\"a\":1}\n{\"a\"", 12) == 12);
  CHECK(run.until([&] { return run.heard.count == 1; }));
  CHECK(run.feed.counts().state == FeedState::running);
  SECTION("at its end") {
    REQUIRE(::write(ends[1], ":2}\n", 4) == 4);
    ::close(ends[1]);
    CHECK(run.ends(FeedState::ended));
    CHECK(*run.feed.last() == "{\"a\":2}");
  }
  SECTION("stopped while it waits") {
    run.stop();
    CHECK(run.feed.counts().state == FeedState::ended);
    ::close(ends[1]);
  }
  ::dup2(before.get(), 0);
}

TEST_CASE("how fast records pass", "[.bench]") {
  StreamSpec spec = spec_of("");
  spec.pipeline = {
      {"python3", "-c",
       "import sys\nb=b''.join(b'{\"type\":\"x\",\"n\":%d,\"text\":\"%s\"}\\n' % (i, b'x'*260) for i in "
       "range(10000))\nfor i in range(100): sys.stdout.buffer.write(b)"}};
  const auto start = std::chrono::steady_clock::now();
  Running run(spec);
  REQUIRE(run.ends(FeedState::ended));
  const auto taken = std::chrono::steady_clock::now() - start;
  WARN(run.heard.count << " records in " << std::chrono::duration<double>(taken).count() << " s");
}
