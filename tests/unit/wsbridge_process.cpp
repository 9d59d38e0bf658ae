// Pipelines, their lines and their ends, with real small processes.
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/support/io_loop.h"
#include "tools/wsbridge/process/child.h"

using namespace wl;
using namespace wl::wsbridge;
using namespace std::chrono_literals;
using process::Argv;
using process::Child;
using tests::IoLoop;
namespace net = boost::asio;

namespace {

Argv sh(const std::string& text) { return {"sh", "-c", text}; }

struct Ran {
  std::vector<std::string> lines{};
  uint64_t too_long = 0;
  int status = -1;
  size_t bytes = 0;
};

/// Runs a pipeline to its end.
net::awaitable<Ran> run(std::vector<Argv> pipeline, process::Ends ends, base::Log& log) {
  const auto executor = co_await net::this_coro::executor;
  auto child = Child::start(executor, pipeline, ends, log);
  REQUIRE(child.has_value());
  Ran ran;
  process::Lines lines(**child);
  const std::function<void(std::string_view)> each = [&](std::string_view line) {
    ran.bytes += line.size();
    if (ran.lines.size() < 1000) ran.lines.emplace_back(line);
  };
  for (;;) {
    const bool more = co_await lines.next(each);
    if (!more) break;
  }
  ran.too_long = lines.too_long();
  ran.status = co_await (*child)->wait();
  co_return ran;
}

Ran ran(std::vector<Argv> pipeline, process::Ends ends = {}) {
  IoLoop loop;
  base::Log log("test");
  return loop.run(run(std::move(pipeline), std::move(ends), log));
}

bool alive(int pid) { return ::kill(pid, 0) == 0; }

}  // namespace

TEST_CASE("a pipeline: each one's stdout is the next one's stdin", "[wsbridge]") {
  const Ran got = ran({sh("echo one; echo two; printf three"), {"tr", "a-z", "A-Z"}, {"cat"}});
  CHECK(got.lines == std::vector<std::string>{"ONE", "TWO", "THREE"});
  CHECK(got.status == 0);
}

TEST_CASE("the status is that of the last command", "[wsbridge]") {
  CHECK(ran({sh("exit 3")}).status == 3);
  CHECK(ran({sh("exit 3"), {"cat"}}).status == 0);
  CHECK(ran({sh("kill -9 $$")}).status == 137);
  ::signal(SIGCHLD, SIG_IGN);
  CHECK(ran({sh("exit 3")}).status == 3);
}

TEST_CASE("a command that does not exist is named, and nothing is left", "[wsbridge]") {
  IoLoop loop;
  base::Log log("test");
  loop.settle();
  const size_t before = tests::open_descriptors();
  const std::vector<Argv> pipeline{{"sleep", "60"}, {"no-such-command-here", "-x"}};
  const auto child = Child::start(loop.executor(), pipeline, {}, log);
  REQUIRE(!child.has_value());
  CHECK(child.error().text == "no-such-command-here: no such file or directory");
  CHECK(tests::open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("lines: empty ones, long ones, one without an end", "[wsbridge]") {
  const Ran got = ran({{"python3", "-c",
                        "import sys; w=sys.stdout.write\n"
                        "w('\\na\\n'+'b'*(16<<20)+'\\n'+'c'*((16<<20)+1)+'\\nd\\n'+'e'*70000000)"}});
  REQUIRE(got.lines.size() == 4);
  CHECK(got.lines[0].empty());
  CHECK(got.lines[1] == "a");
  CHECK(got.lines[2] == std::string(process::Lines::kMaxLine, 'b'));
  CHECK(got.lines[3] == "d");
  CHECK(got.too_long == 2);
}

TEST_CASE("1 GB without a line's end does not fill memory", "[wsbridge]") {
  const size_t before = tests::resident_bytes();
  const Ran got = ran({{"head", "-c", "1000000000", "/dev/zero"}});
  CHECK(got.lines.empty());
  CHECK(got.too_long == 1);
  CHECK(tests::resident_bytes() < before + (size_t{16} << 20) + tests::kMemorySlack);
}

TEST_CASE("many lines come whole and in order", "[wsbridge]") {
  const Ran got = ran({{"seq", "1", "300000"}, {"cat"}}, {.pipe_bytes = 1 << 20});
  CHECK(got.lines.size() == 1000);
  CHECK(got.lines[999] == "1000");
  CHECK(got.bytes == 1688895 + 0);
}

TEST_CASE("what a child gets: clean signals, three descriptors, a group of its own, the owner",
          "[wsbridge]") {
  const int leaked = ::open("/dev/null", O_RDONLY);  // not O_CLOEXEC, as Asio's sockets
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const Ran got = ran({{"python3", "-c",
                        "import os,signal\n"
                        "print(sorted(map(int,os.listdir('/proc/self/fd')))[:4])\n"
                        "s=dict(l.split(':\\t') for l in open('/proc/self/status'))\n"
                        "print(int(s['SigBlk'],16), int(s['SigIgn'],16) & 1<<14)\n"
                        "print(os.getpgid(0)==os.getpid(), os.getpgid(0)!=os.getpgid(os.getppid()))\n"
                        "print(os.environ['WIRELINE_OWNER'], os.read(0,1))"}},
                      {.owner = "7"});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaked);
  REQUIRE(got.lines.size() == 4);
  CHECK(got.lines[0] == "[0, 1, 2, 3]");  // 3: the listing itself
  CHECK(got.lines[1].starts_with("0 "));
  CHECK(got.lines[2] == "True True");
  CHECK(got.lines[3] == "7 b''");
}

TEST_CASE("stderr goes to the log line by line, long lines cut, the last words too", "[wsbridge]") {
  const auto directory = tests::TempDirectory();
  const std::string file = directory.path() / "log";
  IoLoop loop;
  base::Log log("test");
  REQUIRE(log.configure({.file = file}));
  const std::string text =
      "printf 'one\\n\\ntwo\\n' >&2; head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\nlast' >&2";
  (void)loop.run(run({sh(text)}, {.name = "traffic"}, log));
  loop.settle();
  const std::vector<std::string> lines = tests::lines_of(file);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].ends_with("test: traffic: one"));
  CHECK(lines[1].ends_with("test: traffic: two"));
  CHECK(lines[2].ends_with("test: traffic: " + std::string(4096, 'x')));
  CHECK(lines[3].ends_with("test: traffic: last"));
}

namespace {

/// Starts `text`, waits for its first line (a pid), stops it, and says how long that took.
net::awaitable<std::pair<int, std::chrono::milliseconds>> stop_after_pid(std::string text, base::Log& log) {
  const auto executor = co_await net::this_coro::executor;
  const std::vector<Argv> pipeline{sh(text)};
  auto child = Child::start(executor, pipeline, {}, log);
  REQUIRE(child.has_value());
  process::Lines lines(**child);
  int pid = 0;
  const std::function<void(std::string_view)> each = [&](std::string_view line) {
    pid = std::stoi(std::string(line));
  };
  co_await lines.next(each);
  REQUIRE(alive(pid));
  const auto start = std::chrono::steady_clock::now();
  co_await (*child)->stop(500ms);
  const auto taken = std::chrono::steady_clock::now() - start;
  co_return std::pair{pid, std::chrono::duration_cast<std::chrono::milliseconds>(taken)};
}

}  // namespace

TEST_CASE("stop: SIGTERM to all of the group, then SIGKILL", "[wsbridge]") {
  IoLoop loop;
  base::Log log("test");
  SECTION("a grandchild that heeds SIGTERM") {
    const auto [pid, taken] = loop.run(stop_after_pid("sleep 60 & echo $!; wait", log));
    CHECK(taken < 1500ms);
    CHECK(tests::gone_within(pid, 1s));
  }
  SECTION("a command that does not heed it") {
    const auto [pid, taken] =
        loop.run(stop_after_pid("trap '' TERM; echo $$; while :; do sleep 1; done", log));
    CHECK(taken >= 500ms);
    CHECK(taken < 1500ms);
    CHECK(tests::gone_within(pid, 1s));
  }
  SECTION("a grandchild that does not heed it, whose parent does") {
    const std::string text =
        R"(sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & trap 'exit 0' TERM; wait)";
    const auto [pid, taken] = loop.run(stop_after_pid(text, log));
    CHECK(taken >= 500ms);
    CHECK(tests::gone_within(pid, 1s));
  }
}

namespace {

net::awaitable<int> drop_after_pid(std::string text, base::Log& log) {
  const auto executor = co_await net::this_coro::executor;
  const std::vector<Argv> pipeline{sh(text)};
  auto child = Child::start(executor, pipeline, {}, log);
  process::Lines lines(**child);
  int pid = 0;
  const std::function<void(std::string_view)> each = [&](std::string_view line) {
    pid = std::stoi(std::string(line));
  };
  co_await lines.next(each);
  co_return pid;
}

net::awaitable<size_t> many(base::Log& log) {
  size_t lines = 0;
  for (int i = 0; i < 200; ++i) {
    const std::vector<Argv> pipeline{sh("echo out; echo err >&2; exec sleep 0"), {"cat"}};
    const process::Ends ends{.name = "many"};
    const Ran one = co_await run(pipeline, ends, log);
    lines += one.lines.size();
  }
  co_return lines;
}

}  // namespace

TEST_CASE("a child that is dropped dies with its group", "[wsbridge]") {
  IoLoop loop;
  base::Log log("test");
  const int pid = loop.run(drop_after_pid("trap '' TERM; sleep 60 & echo $!; wait", log));
  CHECK(tests::gone_within(pid, 1s));
}

TEST_CASE("with its last command a pipeline is over, whoever still holds its stdout", "[wsbridge]") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(ran({sh("sleep 60 & echo one")}).lines == std::vector<std::string>{"one"});
  CHECK(std::chrono::steady_clock::now() - start < 900ms);
  CHECK(ran({sh("trap '' TERM; sleep 60"), sh("(trap '' TERM; sleep 60) & echo one; exit 4")}).status == 4);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("200 pipelines leave neither descriptor nor zombie", "[wsbridge]") {
  IoLoop loop;
  base::Log log("test");
  REQUIRE(log.configure({.level = base::LogLevel::error}));
  (void)loop.run(run({sh("true")}, {}, log));
  loop.settle();
  const size_t before = tests::open_descriptors();
  CHECK(loop.run(many(log)) == 200);
  loop.settle();
  CHECK(tests::open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

namespace {

net::awaitable<std::string> echoed(base::Log& log) {
  const auto executor = co_await net::this_coro::executor;
  const std::vector<Argv> pipeline{{"cat"}};
  auto child = Child::start(executor, pipeline, {.write_input = true}, log);
  const std::string text = "hello\nworld\n";
  const bool written = co_await (*child)->write(text);
  (*child)->close_input();
  process::Lines lines(**child);
  std::string all = written ? "" : "not written";
  const std::function<void(std::string_view)> each = [&](std::string_view line) {
    all += std::string(line) + '|';
  };
  for (bool more = true; more;) more = co_await lines.next(each);
  co_return all;
}

net::awaitable<bool> written_to_the_dead(base::Log& log) {
  const auto executor = co_await net::this_coro::executor;
  const std::vector<Argv> pipeline{{"true"}};
  auto child = Child::start(executor, pipeline, {.write_input = true}, log);
  co_await (*child)->wait();
  const std::string text(1 << 20, 'x');
  co_return co_await (*child)->write(text);
}

net::awaitable<std::string> all_of(int fd) {
  const auto executor = co_await net::this_coro::executor;
  auto input = process::Child::reading(executor, fd);
  REQUIRE(input.has_value());
  process::Lines lines(**input);
  std::string all;
  const std::function<void(std::string_view)> each = [&](std::string_view line) {
    all += std::string(line) + '|';
  };
  for (bool more = true; more;) more = co_await lines.next(each);
  co_return all;
}

}  // namespace

TEST_CASE("what is written reaches stdin", "[wsbridge]") {
  ::signal(SIGPIPE, SIG_IGN);
  IoLoop loop;
  base::Log log("test");
  CHECK(loop.run(echoed(log)) == "hello|world|");
  CHECK_FALSE(loop.run(written_to_the_dead(log)));
}

TEST_CASE("input of any kind: a file from where it stands, a pipe, /dev/null", "[wsbridge]") {
  const auto directory = tests::TempDirectory();
  const std::string file = directory.path() / "in";
  std::ofstream(file) << "passed\none\ntwo";
  IoLoop loop;
  const base::Fd in(::open(file.c_str(), O_RDONLY));
  ::lseek(in.get(), 7, SEEK_SET);
  CHECK(loop.run(all_of(in.get())) == "one|two|");

  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  REQUIRE(::write(ends[1], "a\nb", 3) == 3);
  ::close(ends[1]);
  CHECK(loop.run(all_of(ends[0])) == "a|b|");
  CHECK((::fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
  ::close(ends[0]);

  const base::Fd null(::open("/dev/null", O_RDONLY));
  CHECK(loop.run(all_of(null.get())).empty());
  const base::Fd folder(::open("/", O_RDONLY | O_DIRECTORY));
  CHECK(!process::Child::reading(loop.executor(), folder.get()).has_value());
}

TEST_CASE("split_command reads words, quotes and pipes as a shell", "[wsbridge]") {
  using All = std::vector<Argv>;
  const auto split = [](std::string_view text) { return process::split_command(text).value_or(All{}); };
  CHECK(split("netsniff -i eth0 | netwindow --whole") ==
        All{{"netsniff", "-i", "eth0"}, {"netwindow", "--whole"}});
  CHECK(split("  a\t'b c'  \"d 'e'\" ") == All{{"a", "b c", "d 'e'"}});
  CHECK(split("a 'x'\"y\"z\\ w ''") == All{{"a", "xyz w", ""}});
  CHECK(split(R"(jq -c '.a | "$x"' "q\"\\\n")") == All{{"jq", "-c", R"(.a | "$x")", R"(q"\\n)"}});
  CHECK(split("a|b|c") == All{{"a"}, {"b"}, {"c"}});
  CHECK(split("a \\| \\$x \"\\$y\" b#c d~ tcp[13]&") == All{});
  CHECK(split("a \\| \\$x \"\\$y\" b#c d~ tcp[13]\n") == All{{"a", "|", "$x", "$y", "b#c", "d~", "tcp[13]"}});
}

TEST_CASE("split_command refuses what only a shell would do", "[wsbridge]") {
  for (const std::string text : {"a $x",     "a `b`",     "a; b",  "a & b", "a < b", "a > b", "a *",  "a ?",
                                 "a \"$x\"", "a \"`b`\"", "a (b)", "a ~",   "a # b", "a\nb",  "a 'b", "a \"b",
                                 "a \\",     "",          "  ",    "| a",   "a |",   "a || b"}) {
    INFO(text);
    CHECK(!process::split_command(text).has_value());
  }
  CHECK(!process::split_command(std::string_view("a\0b", 3)).has_value());
  CHECK(process::split_command("a > b").error().text == "> has no meaning here, no shell runs this");
}
