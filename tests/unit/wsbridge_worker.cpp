// Workers and commands, with real small processes that answer, hang, die and lie.
#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/wait.h>

#include "libcommon/base/time.h"
#include "tests/support/io_loop.h"
#include "tools/wsbridge/worker/pool.h"

using namespace wl;
using namespace wl::wsbridge;
using namespace std::chrono_literals;
using tests::IoLoop;
using worker::Call;
namespace net = boost::asio;

namespace {

using Strings = std::vector<std::string>;
constexpr int64_t kLong = 20 * base::kSecond;

/// What it does is the first word of a request.
constexpr const char* kWorker = R"(
import json, os, sys, threading, time
lock = threading.Lock()
def say(**line):
    with lock:
        sys.stdout.write(json.dumps(line) + '\n'); sys.stdout.flush()
cancelled = set()
def work(id, argv, owner):
    what = argv[0]
    if what == 'echo':
        for word in argv[1:]: say(id=id, record={'word': word})
        if owner: say(id=id, record={'owner': owner})
        say(id=id, end=True, status=0)
    elif what == 'pid':
        say(id=id, record={'pid': os.getpid()}, end=True, status=0)
    elif what == 'status': say(id=id, end=True, status=int(argv[1]))
    elif what == 'raw': sys.stdout.write(argv[1].replace('ID', id)); sys.stdout.flush()
    elif what == 'hang': time.sleep(3600)
    elif what == 'wait':
        say(id=id, record={'pid': os.getpid()})
        while id not in cancelled: time.sleep(0.01)
        say(id=id, record={'late': True}); say(id=id, end=True, status=1)
    elif what == 'slow': time.sleep(float(argv[1])); say(id=id, record={'word': argv[1]}, end=True, status=0)
    elif what == 'die': os._exit(3)
    elif what == 'close': sys.stdout.flush(); os.close(1); time.sleep(3600)
    elif what == 'flood':
        for _ in range(1000): sys.stdout.write('x' * 1000000)
    elif what == 'many':
        for n in range(int(argv[1])): say(id=id, record={'n': n, 'x': 'x' * 1000})
        say(id=id, end=True, status=0)
for line in sys.stdin:
    request = json.loads(line)
    if request.get('cancel'): cancelled.add(request['id']); continue
    threading.Thread(target=work, args=(request['id'], request['argv'], request.get('owner')), daemon=True).start()
)";

WorkerSpec spec_of(const std::string& program = kWorker) {
  WorkerSpec spec;
  spec.name = "test";
  spec.command = {"python3", "-c", program};
  return spec;
}

struct Answered {
  Strings records{};
  int status = -99;
  std::chrono::milliseconds taken{};
};

net::awaitable<Answered> answer_of(Call& call) {
  const auto start = std::chrono::steady_clock::now();
  Answered answered;
  for (;;) {
    const std::optional<std::string> record = co_await call.next();
    if (!record) break;
    answered.records.push_back(*record);
  }
  answered.status = call.status();
  answered.taken =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  co_return answered;
}

struct Tested {
  explicit Tested(const WorkerSpec& spec = spec_of())
      : held(std::make_shared<worker::Pool>(loop.executor(), spec, log)) {
    ::signal(SIGPIPE, SIG_IGN);
    REQUIRE(log.configure({.file = directory.path() / "log"}));
  }
  ~Tested() {
    loop.run(stopped(pool));
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  }
  static net::awaitable<int> stopped(worker::Pool& pool) {
    co_await pool.stop();
    co_return 0;
  }
  std::unique_ptr<Call> start(Argv argv, int64_t timeout_ns = kLong, std::string owner = {}) {
    auto call = pool.call(std::move(argv), std::move(owner), timeout_ns);
    REQUIRE(call != nullptr);
    return call;
  }
  Answered finish(const std::unique_ptr<Call>& call) { return loop.run(answer_of(*call)); }
  Answered ask(Argv argv, int64_t timeout_ns = kLong, std::string owner = {}) {
    return finish(start(std::move(argv), timeout_ns, std::move(owner)));
  }
  [[nodiscard]] Strings logged() const { return tests::lines_of(directory.path() / "log"); }

  tests::TempDirectory directory{};
  IoLoop loop{};
  base::Log log{"test"};
  std::shared_ptr<worker::Pool> held;
  worker::Pool& pool = *held;
};

}  // namespace

TEST_CASE("a worker answers: records, status, owner; one process for all", "[wsbridge]") {
  Tested test;
  CHECK(test.pool.counts().busy == 0);
  const Answered one = test.ask({"echo", "a", "b\n\"c\""}, kLong, "7");
  CHECK(one.records == Strings{R"({"word": "a"})", R"({"word": "b\n\"c\""})", R"({"owner": "7"})"});
  CHECK(one.status == 0);
  const Answered first = test.ask({"pid"});
  CHECK(first.records == test.ask({"pid"}).records);
  for (int status = 0; status <= 3; ++status)
    CHECK(test.ask({"status", std::to_string(status)}).status == status);
  CHECK(test.ask({"status", "77"}).status == 1);
  CHECK(test.pool.counts().calls == 8);
  CHECK(test.pool.counts().failed == 2);
  CHECK(test.pool.counts().restarts == 0);
  CHECK(test.logged().empty());
}

TEST_CASE("one request at a time, others wait; more than the queue holds are refused", "[wsbridge]") {
  WorkerSpec spec = spec_of();
  spec.queue = 2;
  Tested test(spec);
  const auto one = test.start({"slow", "0.3"});
  const auto two = test.start({"slow", "0.2"});
  const auto three = test.start({"echo", "c"});
  CHECK(test.pool.call({"echo"}, "", kLong) == nullptr);
  CHECK(test.pool.counts().busy == 1);
  CHECK(test.pool.counts().waiting == 2);
  CHECK(test.pool.counts().refused == 1);
  CHECK(test.finish(three).records.size() == 1);
  CHECK(test.finish(one).status == 0);
  CHECK(test.finish(two).status == 0);
  CHECK(test.pool.counts().waiting == 0);
  CHECK(test.ask({"echo"}).status == 0);
}

TEST_CASE("several processes and several requests for each", "[wsbridge]") {
  WorkerSpec spec = spec_of();
  spec.count = 2;
  spec.concurrency = 3;
  Tested test(spec);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 6; ++i) calls.push_back(test.start({"slow", "0.5"}));
  CHECK(test.pool.counts().busy == 6);
  const auto start = std::chrono::steady_clock::now();
  for (const auto& call : calls) CHECK(test.finish(call).status == 0);
  CHECK(std::chrono::steady_clock::now() - start < 2s);
  CHECK(test.pool.counts().busy == 0);
}

TEST_CASE("a call takes too long: it ends at once, its worker gets 2 s to end it", "[wsbridge]") {
  Tested test;
  SECTION("the worker heeds the cancel, and goes on") {
    const Answered late = test.ask({"wait"}, base::kSecond / 2);
    CHECK(late.status == Call::kTimeout);
    CHECK(late.taken < 1500ms);
    const Answered next = test.ask({"echo", "a"});
    CHECK(next.records == Strings{R"({"word": "a"})"});
    CHECK(test.pool.counts().restarts == 0);
  }
  SECTION("it does not: another process takes its place") {
    CHECK(test.ask({"hang"}, base::kSecond / 5).status == Call::kTimeout);
    const Answered next = test.ask({"echo", "a"});
    CHECK(next.status == 0);
    CHECK(next.taken > 1500ms);
    CHECK(next.taken < 4s);
    CHECK(test.pool.counts().restarts == 1);
    CHECK(test.logged().back().ends_with(
        "worker test: does not end what was cancelled; another process takes its place"));
  }
  SECTION("while it waits for its turn") {
    const auto first = test.start({"slow", "1"});
    CHECK(test.ask({"echo"}, base::kSecond / 5).status == Call::kTimeout);
    CHECK(test.finish(first).status == 0);
    CHECK(test.pool.counts().timeouts == 1);
  }
  CHECK(test.pool.counts().busy == 0);
}

TEST_CASE("a call that is dropped is cancelled, its late answers are nobody's", "[wsbridge]") {
  Tested test;
  {
    const auto call = test.start({"wait"});
    test.loop.settle();
  }
  CHECK(test.ask({"echo", "a"}).records == Strings{R"({"word": "a"})"});
  {
    const auto waits = test.start({"slow", "0.3"});
    const auto dropped_first = test.start({"echo"});
  }
  CHECK(test.ask({"echo", "b"}).records == Strings{R"({"word": "b"})"});
  const auto call = test.start({"wait"});
  test.loop.settle();
  call->cancel();
  const Answered cancelled = test.finish(call);
  CHECK(cancelled.status == Call::kLost);
  CHECK(cancelled.taken < 200ms);
  CHECK(test.ask({"echo"}).status == 0);
  CHECK(test.pool.counts().restarts == 0);
  CHECK(test.logged().empty());
}

TEST_CASE("a worker that dies loses its calls and is replaced", "[wsbridge]") {
  WorkerSpec spec = spec_of();
  spec.concurrency = 2;
  Tested test(spec);
  const auto other = test.start({"wait"});
  test.loop.settle();
  CHECK(test.ask({"die"}).status == Call::kLost);
  const Answered lost = test.finish(other);
  CHECK(lost.status == Call::kLost);
  CHECK(lost.records.size() == 1);
  CHECK(test.ask({"echo", "a"}).status == 0);
  CHECK(test.pool.counts().restarts == 1);
  CHECK(test.ask({"close"}).status == Call::kLost);
  CHECK(test.ask({"echo", "a"}).status == 0);
  CHECK(test.logged()[0].ends_with("worker test: its stdout ended; another process takes its place"));
}

TEST_CASE("a worker that dies while it is idle is started again", "[wsbridge]") {
  Tested test;
  const Answered first = test.ask({"pid"});
  ::kill(std::stoi(first.records[0].substr(8)), SIGKILL);
  test.loop.settle();
  const Answered second = test.ask({"pid"});
  CHECK(second.status == 0);
  CHECK(second.records != first.records);
}

TEST_CASE("what is no answer", "[wsbridge]") {
  Tested test;
  for (const char* garbage :
       {"hello\n", "\n", "{\"id\":\"4711\",\"record\":{}}\n", "{\"id\":\"ID\",\"record\":1}\n",
        "{\"id\":\"ID\"\n", "\xff\xfe\n", "{\"id\":\"ID\",\"end\":true,\"status\":0}\nx\n"}) {
    INFO(garbage);
    const auto call = test.start({"raw", garbage});
    std::string text = garbage;
    const int status = test.finish(call).status;
    CHECK(status == (text.ends_with("}\nx\n") ? 0 : Call::kLost));
    test.loop.settle(300ms);
    CHECK(test.ask({"echo"}).status == 0);
  }
  CHECK(test.pool.counts().restarts == 7);
  CHECK(test.logged()[0].ends_with(
      "worker test: wrote what is no answer: hello; another process takes its place"));
}

TEST_CASE("1 GB without a line's end: the worker is replaced, memory stays", "[wsbridge]") {
  Tested test;
  CHECK(test.ask({"echo"}).status == 0);
  const size_t before = tests::resident_bytes();
  const Answered flood = test.ask({"flood"});
  CHECK(flood.status == Call::kLost);
  CHECK(tests::resident_bytes() < before + (size_t{16} << 20) + tests::kMemorySlack);
  CHECK(test.ask({"echo"}).status == 0);
  CHECK(test.logged()[0].find("wrote a line of more than 16 MiB") != std::string::npos);
}

TEST_CASE("records that nobody takes hold their worker up", "[wsbridge]") {
  Tested test;
  CHECK(test.ask({"echo"}).status == 0);
  const size_t before = tests::resident_bytes();
  const auto call = test.start({"many", "50000"});
  test.loop.settle(1500ms);
  CHECK(tests::resident_bytes() < before + tests::kMemorySlack);
  CHECK(test.pool.counts().busy == 1);
  const Answered all = test.finish(call);
  CHECK(all.status == 0);
  REQUIRE(all.records.size() == 50'000);
  CHECK(all.records.back().starts_with("{\"n\": 49999,"));
  {
    const auto dropped = test.start({"many", "50000"});
    test.loop.settle(500ms);
  }
  CHECK(test.ask({"echo", "a"}).records == Strings{R"({"word": "a"})"});
}

TEST_CASE("a worker that cannot be started, or always dies, is not started without pause", "[wsbridge]") {
  SECTION("no such command") {
    WorkerSpec spec = spec_of();
    spec.command = {"no-such-command-here"};
    Tested test(spec);
    CHECK(test.ask({"echo"}).status == Call::kLost);
    CHECK(test.ask({"echo"}).status == Call::kLost);
    CHECK(test.logged()[0].ends_with("worker test: no-such-command-here: no such file or directory"));
  }
  SECTION("dies at once") {
    WorkerSpec spec = spec_of("import sys; sys.exit(1)");
    Tested test(spec);
    int lost = 0;
    const auto until = std::chrono::steady_clock::now() + 15s;
    bool refused = false;
    while (!refused && std::chrono::steady_clock::now() < until) {
      const auto call = test.pool.call({"echo"}, "", kLong);
      refused = call == nullptr;
      if (call != nullptr && test.finish(call).status == Call::kLost) ++lost;
    }
    CHECK(refused);
    CHECK(lost >= 3);
    CHECK(lost <= 6);
  }
}

TEST_CASE("stop: calls are lost, no process stays", "[wsbridge]") {
  Tested test;
  const auto call = test.start({"wait"});
  const auto second = test.start({"echo"});
  test.loop.settle();
  const std::optional<std::string> record = test.loop.run(call->next());
  const int pid = std::stoi(record->substr(8));
  test.loop.run(Tested::stopped(test.pool));
  CHECK(tests::gone_within(pid, 100ms));
  CHECK(test.finish(call).status == Call::kLost);
  CHECK(test.finish(second).status == Call::kLost);
  CHECK(test.pool.call({"echo"}, "", kLong) == nullptr);
}

TEST_CASE("a call may outlive its pool, and a loop that goes takes the processes with it", "[wsbridge]") {
  base::Log log("test");
  std::unique_ptr<Call> call;
  {
    IoLoop loop;
    call = std::make_shared<worker::Pool>(loop.executor(), spec_of(), log)->call({"wait"}, "", kLong);
    loop.settle();
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  call.reset();
}

TEST_CASE("a worker whose stdout goes elsewhere gets its request, and is named", "[wsbridge]") {
  const auto directory = tests::TempDirectory();
  const std::string file = directory.path() / "requests";
  WorkerSpec spec = spec_of();
  spec.command = {"sh", "-c", "exec cat > \"$0\"", file};
  Tested test(spec);
  CHECK(test.ask({"echo", "a"}).status == Call::kLost);
  test.loop.settle(500ms);
  CHECK(tests::lines_of(file) == Strings{R"({"id":"1","argv":["echo","a"]})"});
  CHECK(test.logged()[0].ends_with("worker test: its stdout ended; another process takes its place"));
}

TEST_CASE("200 workers that die leave neither descriptor nor process", "[wsbridge]") {
  WorkerSpec spec = spec_of();
  spec.command = {"sh", "-c", "read line; echo error >&2; echo '{\"id\":\"1\"}'"};
  IoLoop loop;
  base::Log log("test");
  REQUIRE(log.configure({.file = "/dev/null"}));
  size_t before = 0;
  for (int i = 0; i < 201; ++i) {
    const auto pool = std::make_shared<worker::Pool>(loop.executor(), spec, log);
    const auto call = pool->call({"echo"}, "", kLong);
    CHECK(loop.run(answer_of(*call)).status == Call::kLost);
    loop.run(Tested::stopped(*pool));
    loop.settle(2ms);
    if (i == 0) before = tests::open_descriptors();
  }
  loop.settle(300ms);
  CHECK(tests::open_descriptors() <= before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

namespace {

Answered command(const Argv& argv, bool raw = false, int64_t timeout_ns = kLong,
                 const std::string& owner = {}) {
  IoLoop loop;
  base::Log log("test");
  REQUIRE(log.configure({.file = "/dev/null"}));
  Answered answered;
  {
    auto call = worker::run_command(loop.executor(), argv, owner, timeout_ns, raw, log);
    REQUIRE(call.has_value());
    answered = loop.run(answer_of(**call));
  }
  for (int i = 0; i < 300 && ::waitpid(-1, nullptr, WNOHANG) != -1; ++i) loop.settle(10ms);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  return answered;
}

}  // namespace

TEST_CASE("a command for one request", "[wsbridge]") {
  const Answered good = command(
      {"sh", "-c", "echo '{\"a\":1}'; echo '{\"o\":\"'$WIRELINE_OWNER'\"}'; exit 3"}, false, kLong, "7");
  CHECK(good.records == Strings{"{\"a\":1}", "{\"o\":\"7\"}"});
  CHECK(good.status == 3);
  CHECK(command({"sh", "-c", "exit 99"}).status == 1);
  CHECK(command({"sh", "-c", "kill -9 $$"}).status == Call::kLost);
  CHECK(command({"echo", "$(id)"}).status == Call::kLost);
  CHECK(command({"sh", "-c", "trap '' TERM; echo '{}'; sleep 60"}, false, base::kSecond / 2).status ==
        Call::kTimeout);
  const Answered raw = command({"sh", "-c", "printf 'a\\0b\\n'; exit 2"}, true);
  CHECK(raw.records == Strings{std::string("a\0b\n", 4)});
  CHECK(raw.status == 2);
  size_t bytes = 0;
  for (const std::string& piece : command({"head", "-c", "5000000", "/dev/zero"}, true).records)
    bytes += piece.size();
  CHECK(bytes == 5'000'000);
  CHECK(command({"head", "-c", "100000000", "/dev/zero"}).status == Call::kLost);
}

TEST_CASE("a command that does not exist, one whose call is dropped or cancelled", "[wsbridge]") {
  IoLoop loop;
  base::Log log("test");
  const auto none = worker::run_command(loop.executor(), {"no-such-command-here"}, "", kLong, false, log);
  REQUIRE(!none.has_value());
  CHECK(none.error().text == "no-such-command-here: no such file or directory");
  int pid = 0;
  {
    auto call = worker::run_command(loop.executor(), {"sh", "-c", "echo '{\"pid\":'$$'}'; exec sleep 60"}, "",
                                    kLong, false, log);
    pid = std::stoi(loop.run((*call)->next())->substr(7));
  }
  loop.settle();
  CHECK(tests::gone_within(pid, 500ms));
  auto call = worker::run_command(loop.executor(), {"sleep", "60"}, "", kLong, true, log);
  net::steady_timer timer(loop.executor(), 100ms);
  timer.async_wait([&](auto) { (*call)->cancel(); });
  const Answered cancelled = loop.run(answer_of(**call));
  CHECK(cancelled.status == Call::kLost);
  CHECK(cancelled.taken < 1s);
}
