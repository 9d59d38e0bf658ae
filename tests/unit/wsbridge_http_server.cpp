// The HTTP server on loopback ports, spoken to over raw sockets.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "libcommon/base/fd.h"
#include "tools/wsbridge/api/static_files.h"
#include "tools/wsbridge/http/server.h"
#include "tools/wsbridge/http/stream.h"
#include "tools/wsbridge/http/target.h"

namespace {

using namespace std::chrono_literals;
using namespace wl;
using namespace wl::wsbridge::http;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::awaitable;
using Clock = std::chrono::steady_clock;

class Words final : public BodySource {
 public:
  awaitable<std::optional<std::string>> next() override {
    constexpr std::array<const char*, 3> kWords{"one ", "two ", "three"};
    std::optional<std::string> word;
    if (at_ < kWords.size()) word = kWords.at(at_++);
    co_return word;
  }

 private:
  size_t at_ = 0;
};

/// Never says anything, until its client goes.
class Silence final : public BodySource {
 public:
  Silence(asio::any_io_executor executor, std::atomic<int>& ended)
      : timer_(std::move(executor)), ended_(ended) {}
  ~Silence() override { ++ended_; }
  awaitable<std::optional<std::string>> next() override {
    boost::system::error_code error;
    timer_.expires_after(60s);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return std::nullopt;
  }
  void gone() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
  std::atomic<int>& ended_;
};

awaitable<void> echo(Stream& stream) {
  std::array<char, 5> bytes{};
  boost::system::error_code error;
  for (;;) {
    const size_t size = co_await stream.read_some(bytes, error);
    if (error) co_return;
    const std::array<asio::const_buffer, 3> parts{asio::buffer("<", 1), asio::buffer(bytes.data(), size),
                                                  asio::buffer(">", 1)};
    co_await stream.write(parts, error);
  }
}

class Site final : public Handler {
 public:
  awaitable<Admission> admit(const Request& request) override {
    Admission admission;
    if (request.path == "/refused") admission.refusal = Response{.status = 401, .body = std::string("no")};
    if (request.method == "POST") admission.max_bytes = 1000;
    if (request.path == "/upload") admission = {.max_bytes = 100'000, .upload_field = "file"};
    co_return admission;
  }
  awaitable<Response> handle(Request& request) override {
    Response response;
    const std::string& path = request.path;
    if (path == "/echo") response.body = request.method + " " + request.query + " " + request.body;
    if (path == "/file") response.body = FileBody{.path = file};
    if (path == "/words") response.body = std::make_unique<Words>();
    if (path == "/shared") response.body = std::make_shared<const std::string>("shared");
    if (path == "/take") response = {.headers = {{"X", "a\r\nInjected: yes"}}, .body = TakeOver(echo)};
    if (path == "/throw") throw std::runtime_error("on purpose");
    if (path == "/empty") response.status = 204;
    if (path == "/silence") {
      response.body = std::make_unique<Silence>(co_await asio::this_coro::executor, ended);
    }
    if (path == "/wait") {
      asio::steady_timer timer(co_await asio::this_coro::executor);
      timer.expires_after(std::chrono::milliseconds(std::stoi("0" + request.query)));
      request.gone = [&] { timer.cancel(); };
      boost::system::error_code error;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (error) ++ended;
      response.body = std::string("waited");
    }
    if (request.upload) {
      upload_path = request.upload->path();
      std::ifstream in(upload_path);
      const std::string content(std::istreambuf_iterator<char>(in), {});
      response.body = request.upload->name() + "|" + request.query + "|" + std::to_string(content.size()) +
                      "|" + content.substr(0, 5);
    }
    co_return response;
  }
  std::string file{};
  std::string upload_path{};
  std::atomic<int> ended = 0;
};

/// A server in a thread of its own, and a folder for its temporary files.
class Running {
 public:
  explicit Running(wsbridge::LimitSpec limits = {}) {
    std::string name = (fs::temp_directory_path() / "wl-http-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    ::setenv("TMPDIR", folder.c_str(), 1);
    REQUIRE(log.configure({.file = folder / "log"}));
    server = std::make_unique<Server>(io.get_executor(), site, ServerOptions{limits, true}, log);
    const auto url = server->listen({.address = "127.0.0.1:0"});
    REQUIRE(url);
    port = static_cast<uint16_t>(std::stoi(url->substr(url->rfind(':') + 1)));
  }
  void start() {
    thread = std::thread([this] { io.run(); });
  }
  ~Running() {
    if (thread.joinable()) {
      asio::post(io, [this] { server.reset(); });
      thread.join();
    }
    server.reset();
    ::unsetenv("TMPDIR");
    fs::remove_all(folder);
  }
  template <class Get>
  auto on_server(Get get) {
    std::promise<decltype(get())> answer;
    asio::post(io, [&] { answer.set_value(get()); });
    return answer.get_future().get();
  }
  void drain(std::chrono::milliseconds grace) {
    std::promise<void> stopped;
    asio::co_spawn(
        io,
        [](Server& one, std::chrono::milliseconds time, std::promise<void>& done) -> awaitable<void> {
          co_await one.stop(time);
          done.set_value();
        }(*server, grace, stopped),
        asio::detached);
    stopped.get_future().get();
  }
  /// Files that uploads left, anywhere below the folder.
  [[nodiscard]] size_t uploads() const {
    size_t count = 0;
    for (const auto& one : fs::recursive_directory_iterator(folder))
      count += one.path().string().find("upload-") != std::string::npos;
    return count;
  }

  asio::io_context io{1};
  base::Log log{"test"};
  Site site;
  std::unique_ptr<Server> server;
  std::thread thread;
  fs::path folder;
  uint16_t port = 0;
};

class Client {
 public:
  explicit Client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  explicit Client(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un to{.sun_family = AF_UNIX, .sun_path = {}};
    unix_path.copy(static_cast<char*>(to.sun_path), sizeof to.sun_path - 1);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t done = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(done));
    }
    return true;
  }
  /// Reads until `end` was there, or the connection's end when it is empty; "…timeout" where neither came.
  std::string read(std::string_view end = {}, std::chrono::milliseconds time = 5s) const {
    std::string text;
    const auto until = Clock::now() + time;
    std::array<char, 65536> block;
    while (end.empty() || text.find(end) == std::string::npos) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
      pollfd one{fd_.get(), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) == 0) return text + "…timeout";
      const ssize_t got = ::recv(fd_.get(), block.data(), block.size(), 0);
      if (got <= 0) break;
      text.append(block.data(), static_cast<size_t>(got));
    }
    return text;
  }
  void end_output() const { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

 private:
  base::Fd fd_;
};

std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}
constexpr const char* kClose = "Connection: close\r\n";

std::string ask(const Running& running, const std::string& request) {
  const Client client(running.port);
  client.send(request);
  return client.read();
}

size_t count(std::string_view text, std::string_view what) {
  size_t times = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++times;
  return times;
}

bool eventually(const std::function<bool()>& true_now, std::chrono::milliseconds time = 5s) {
  const auto until = Clock::now() + time;
  while (!true_now()) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

TEST_CASE("http server: an answer and its headers") {
  Running running;
  running.start();
  const std::string answer = ask(running, get("/echo?a=1", kClose));
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  CHECK_THAT(
      answer,
      Contains(
          " GMT\r\nServer: wireline\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"));
  CHECK_THAT(answer, Contains("\r\nX-Frame-Options: DENY\r\n") && Contains("\r\nConnection: close\r\n"));
  CHECK_THAT(answer, EndsWith("\r\nContent-Length: 8\r\nConnection: close\r\n\r\nGET a=1 "));
  CHECK_THAT(ask(running, get("/shared", kClose)), EndsWith("\r\n\r\nshared"));
  const std::string empty = ask(running, get("/empty", kClose));
  CHECK_THAT(empty, StartsWith("HTTP/1.1 204 No Content\r\n") && !Contains("Content-Length"));
  CHECK_THAT(ask(running, get("/throw", kClose)), StartsWith("HTTP/1.1 500 "));
  std::ifstream log(running.folder / "log");
  const std::string lines(std::istreambuf_iterator<char>(log), {});
  CHECK_THAT(lines,
             Contains("GET /echo 200 ") && Contains("ms 127.0.0.1\n") && Contains("/throw: on purpose"));
  CHECK_THAT(lines, !Contains("a=1"));
}

TEST_CASE("http server: requests one behind the other are answered in their order, wherever they are cut") {
  Running running;
  running.start();
  const std::string requests =
      get("/echo?1") + "\r\nPOST /echo?2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
      "POST /echo?3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" +
      get("/wait?30") + get("/words") + get("/echo?4", kClose) + get("/echo?never");
  std::string expected;
  for (size_t cut = 0; cut < requests.size(); cut += cut < 2 ? 1 : 7) {
    const Client client(running.port);
    client.send(requests.substr(0, cut));
    if (cut % 2 == 0) std::this_thread::sleep_for(1ms);
    client.send(requests.substr(cut));
    const std::string answers = client.read();
    INFO(cut << answers);
    const size_t first = answers.find("GET 1 "), second = answers.find("POST 2 abc"),
                 third = answers.find("POST 3 def");
    const size_t fourth = answers.find("waited"), fifth = answers.find("5\r\nthree\r\n0\r\n\r\n"),
                 last = answers.find("GET 4 ");
    REQUIRE(last != std::string::npos);
    REQUIRE((first < second && second < third && third < fourth && fourth < fifth && fifth < last));
    REQUIRE(count(answers, "HTTP/1.1 200 OK") == 6);
  }
}

TEST_CASE("http server: HTTP/1.0, HEAD, and bodies made while they are sent") {
  Running running;
  running.start();
  CHECK_THAT(ask(running, "GET /echo HTTP/1.0\r\n\r\n"),
             Contains("Connection: close\r\n") && EndsWith("GET  "));
  const std::string two =
      "GET /echo?1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /words HTTP/1.0\r\nConnection: "
      "keep-alive\r\n\r\n";
  CHECK_THAT(ask(running, two),
             Contains("Connection: keep-alive\r\n") && EndsWith("Connection: close\r\n\r\none two three"));
  CHECK_THAT(ask(running, get("/words", kClose)),
             Contains("Transfer-Encoding: chunked\r\n") &&
                 EndsWith("\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"));
  const std::string heads =
      "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nHEAD /words HTTP/1.1\r\nHost: x\r\n\r\nHEAD /take "
      "HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answers = ask(running, heads);
  CHECK(count(answers, "HTTP/1.1 200 OK") == 3);
  CHECK_THAT(answers, Contains("Content-Length: 5\r\n") && !Contains("GET") && !Contains("one") &&
                          EndsWith("\r\n\r\n"));
}

TEST_CASE("http server: what is refused is said so, and nothing behind it is read") {
  Running running;
  running.start();
  const auto refused = [&](const std::string& request) {
    const std::string answer = ask(running, request + get("/echo?smuggled", kClose));
    CHECK_THAT(answer, !Contains("smuggled"));
    CHECK_THAT(answer, Contains("\r\nConnection: close\r\n"));
    return answer.substr(std::string("HTTP/1.1 ").size(), 3);
  };
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  CHECK(refused(post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") == "400");
  CHECK(refused(post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "400");
  CHECK(refused(post + "Transfer-Encoding: xchunked\r\n\r\n") == "501");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n") == "400");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n") == "400");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\n3E9\r\n" + std::string(1001, 'x') +
                "\r\n0\r\n\r\n") == "413");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(70'000, 'x')) == "400");
  CHECK(refused(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')) == "413");
  CHECK(refused(post + "Content-Length: 3\r\nExpect: magic\r\n\r\n") == "417");
  CHECK(refused("GET /echo HTTP/1.1\nHost: x\n\n") == "400");
  CHECK(refused("GET /echo HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n") == "400");
  CHECK(refused("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n") == "414");
  CHECK(refused("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n") == "431");
  CHECK(refused("GET /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "413");
  CHECK(refused("GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n") == "413");
  CHECK(refused("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc") == "401");
  CHECK(running.on_server([&] { return running.server->counts().answers[4]; }) == 15);
  CHECK_THAT(ask(running, get("/refused") + get("/echo?next", kClose)),
             Contains(" 401 ") && EndsWith("next "));
  const std::string small = ask(
      running, "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" + get("/echo?next", kClose));
  CHECK_THAT(small, Contains("GET  HTTP/1.1 200") && EndsWith("next "));
  const std::string big =
      ask(running, "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(20 << 20, 'a'));  // 20 MB
  CHECK_THAT(big, StartsWith("HTTP/1.1 431 "));
}

TEST_CASE("http server: who asks first is told to go on, or is spared the sending") {
  Running running;
  running.start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ";
  const Client client(running.port);
  client.send(head + "3\r\nConnection: close\r\n\r\n");
  CHECK(client.read("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK_THAT(client.read(), EndsWith("POST  abc"));
  const Client other(running.port);
  other.send(head + "1001\r\n\r\n");
  CHECK_THAT(other.read("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_CASE("http server: files, conditions and ranges") {
  Running running;
  running.site.file = running.folder / "data";
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i % 10007) + ",";
  std::ofstream(running.site.file) << content;
  running.start();
  const auto file = [&](const std::string& headers) { return ask(running, get("/file", headers + kClose)); };
  const std::string whole = file("");
  CHECK_THAT(whole, StartsWith("HTTP/1.1 200 OK\r\n") && Contains("Accept-Ranges: bytes\r\n"));
  CHECK(whole.substr(whole.find("\r\n\r\n") + 4) == content);
  const auto header = [&](const std::string& name) {
    const size_t at = whole.find("\r\n" + name + ": ") + name.size() + 4;
    return whole.substr(at, whole.find('\r', at) - at);
  };
  const std::string etag = header("ETag"), date = header("Last-Modified");
  const std::string total = std::to_string(content.size());
  CHECK_THAT(file("If-None-Match: " + etag + "\r\n"),
             StartsWith("HTTP/1.1 304 ") && EndsWith("\r\n\r\n") && Contains(etag));
  CHECK_THAT(file("If-Modified-Since: " + date + "\r\n"), StartsWith("HTTP/1.1 304 "));
  CHECK_THAT(file("If-None-Match: \"x\"\r\nIf-Modified-Since: " + date + "\r\n"),
             StartsWith("HTTP/1.1 200 "));
  const std::string part = file("Range: bytes=100000-300000\r\n");
  CHECK_THAT(part,
             StartsWith("HTTP/1.1 206 ") && Contains("Content-Range: bytes 100000-300000/" + total + "\r\n"));
  CHECK(part.substr(part.find("\r\n\r\n") + 4) == content.substr(100'000, 200'001));
  CHECK_THAT(file("Range: bytes=-3\r\n"),
             StartsWith("HTTP/1.1 206 ") && EndsWith("\r\n\r\n" + content.substr(content.size() - 3)));
  CHECK_THAT(file("Range: bytes=99999999-\r\n"),
             StartsWith("HTTP/1.1 416 ") && Contains("Content-Range: bytes */" + total + "\r\n"));
  CHECK_THAT(file("Range: bytes=0-1\r\nIf-Range: " + etag + "\r\n"), StartsWith("HTTP/1.1 206 "));
  CHECK_THAT(file("Range: bytes=0-1\r\nIf-Range: " + date + "\r\n"), StartsWith("HTTP/1.1 206 "));
  CHECK_THAT(file("Range: bytes=0-1\r\nIf-Range: \"x\"\r\n"), StartsWith("HTTP/1.1 200 "));
  const std::string head = ask(running, "HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK_THAT(head, Contains("Content-Length: " + total + "\r\n") && EndsWith("\r\n\r\n"));
  running.site.file = running.folder;
  CHECK_THAT(file(""), StartsWith("HTTP/1.1 404 "));
}

TEST_CASE("http server: a connection is taken over with what lies behind its head") {
  Running running;
  running.start();
  const Client client(running.port);
  client.send(get("/take") + "ahead of it");
  const std::string answer = client.read("<t>");
  CHECK_THAT(answer, Contains("\r\nX: a  Injected: yes\r\n") && EndsWith("\r\n\r\n<ahead>< of i><t>"));
  client.send("more");
  CHECK(client.read(">") == "<more>");
  client.end_output();
  CHECK(client.read().empty());
}

TEST_CASE("http server: uploads go to a file that goes with the request") {
  Running running;
  running.start();
  const auto post = [&](const std::string& type, const std::string& body) {
    return ask(running, "POST /upload?q=1 HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
                            "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body);
  };
  const auto form = [](const std::string& parts) { return parts + "\r\n--B--\r\n"; };
  const auto part = [](const std::string& what, const std::string& content) {
    return "\r\n--B\r\nContent-Disposition: form-data; " + what + "\r\n\r\n" + content;
  };
  const std::string kType = "multipart/form-data; boundary=B";
  const std::string big(100'000, 'z');
  CHECK_THAT(post("text/x", big), EndsWith("\r\n\r\n|q=1|100000|zzzzz"));
  CHECK_THAT(post(kType, form(part("name=a", "x&y") + part("name=file; filename=\"../c:\\d/e f\"", big))),
             EndsWith("\r\n\r\ne f|q=1&a=x%26y|100000|zzzzz"));
  CHECK_FALSE(fs::exists(running.site.upload_path));
  CHECK_THAT(post("text/x", big + "z"), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(post(kType, form(part("name=file", big + "z"))), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(post(kType, form(part("name=a", big))), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(post(kType, form(part("name=a", "1"))), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(post(kType, part("name=file", "1")), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(post(kType, form(part("name=file", "1") + part("name=file", "2"))), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(post("multipart/mixed; boundary=B", form(part("name=file", "1"))), StartsWith("HTTP/1.1 400 "));
  CHECK(eventually([&] { return running.uploads() == 0; }));

  Client client(running.port);
  client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + std::string(20'000, 'x'));
  CHECK(eventually([&] { return running.uploads() == 1; }));
  client.close();
  CHECK(eventually([&] { return running.uploads() == 0; }));
}

TEST_CASE("http server: the site hears of a client that has gone") {
  Running running;
  running.start();
  Client waiting(running.port), silent(running.port);
  waiting.send(get("/wait?60000"));
  silent.send(get("/silence"));
  CHECK_THAT(silent.read("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  std::this_thread::sleep_for(700ms);
  CHECK(running.site.ended == 0);
  waiting.close();
  silent.close();
  CHECK(eventually([&] { return running.site.ended == 2; }));
  CHECK(eventually(
      [&] { return running.on_server([&] { return running.server->counts().connections; }) == 0; }));
}

TEST_CASE("http server: more clients than allowed are told so, and the others served") {
  wsbridge::LimitSpec limits;
  limits.clients = 2;
  Running running(limits);
  running.start();
  Client first(running.port);
  const Client second(running.port), third(running.port);
  CHECK_THAT(third.read(), StartsWith("HTTP/1.1 503 ") && Contains("Retry-After: 1\r\n"));
  for (const Client* client : {static_cast<const Client*>(&first), &second}) {
    client->send(get("/echo"));
    CHECK_THAT(client->read("GET  "), StartsWith("HTTP/1.1 200 "));
  }
  first.close();
  CHECK(eventually([&] { return ask(running, get("/echo", kClose)).starts_with("HTTP/1.1 200"); }));
  CHECK(running.on_server([&] { return running.server->counts().refused; }) >= 1);
}

TEST_CASE("http server: slow clients are let go") {
  wsbridge::LimitSpec limits;
  limits.idle_ns = base::kSecond;
  Running running(limits);
  running.site.file = running.folder / "big";
  std::ofstream(running.site.file) << std::string(32 << 20, 'x');
  running.start();
  const auto begun = Clock::now();
  const Client head(running.port), body(running.port), idle(running.port), reader(running.port);
  idle.send(get("/echo"));
  head.send("GET / HTTP/1.1\r\nHost: x\r\n");
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  reader.send(get("/file"));
  CHECK_THAT(idle.read(), EndsWith("GET  "));
  CHECK(Clock::now() - begun < 4s);
  // Who reads nothing of a large answer is let go as well, and what it has cannot be the whole.
  std::this_thread::sleep_for(2s);
  CHECK(reader.read().size() < (32U << 20));
  bool head_there = true, body_there = true;
  std::chrono::duration<double> head_time{}, body_time{};
  while ((head_there || body_there) && Clock::now() - begun < 20s) {
    std::this_thread::sleep_for(300ms);
    if (head_there && !head.read("x", 5ms).ends_with("timeout"))
      head_there = false, head_time = Clock::now() - begun;
    if (body_there && !body.read("x", 5ms).ends_with("timeout"))
      body_there = false, body_time = Clock::now() - begun;
    head.send("a");
    body.send("a");
  }
  INFO(head_time.count() << " s, " << body_time.count() << " s");
  CHECK((head_time > 8s && head_time < 13s));
  CHECK((body_time > 8s && body_time < 13s));
}

TEST_CASE("http server: stopping finishes what runs and closes what is idle") {
  Running running;
  running.start();
  const Client idle(running.port), busy(running.port), endless(running.port);
  idle.send(get("/echo"));
  CHECK_THAT(idle.read("GET  "), EndsWith("GET  "));
  busy.send(get("/wait?600") + get("/echo?never"));
  endless.send(get("/take"));
  endless.read("\r\n\r\n");
  const auto begun = Clock::now();
  running.drain(1500ms);
  const auto took = Clock::now() - begun;
  CHECK((took > 1400ms && took < 2500ms));
  CHECK(idle.read().empty());
  CHECK_THAT(busy.read(), Contains("Connection: close\r\n") && EndsWith("waited"));
  CHECK(endless.read().empty());
  const int refused = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{.sin_family = AF_INET,
                 .sin_port = htons(running.port),
                 .sin_addr = {htonl(INADDR_LOOPBACK)},
                 .sin_zero = {}};
  CHECK(::connect(refused, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0);
  ::close(refused);
}

TEST_CASE("http server: addresses it listens on") {
  Running running;
  const std::string path = running.folder / "socket";
  CHECK(running.server->listen({.address = "unix:" + path}) == "unix:" + path);
  CHECK_FALSE(running.server->listen({.address = "unix:" + std::string(200, 'x')}));
  CHECK_THAT(*running.server->listen({.address = "[::1]:0"}), StartsWith("http://[::1]:"));
  for (const char* wrong : {"", "8000", ":8000", "127.0.0.1:x", "999.0.0.1:80", "192.0.2.1:0"}) {
    INFO(wrong);
    const auto result = running.server->listen({.address = wrong});
    REQUIRE_FALSE(result);
    CHECK(result.error().exit == base::Exit::usage);
  }
  const auto taken = running.server->listen({.address = "127.0.0.1:" + std::to_string(running.port)});
  REQUIRE_FALSE(taken);
  CHECK_THAT(taken.error().text, Contains("in use"));
  const auto tls =
      running.server->listen({.address = "127.0.0.1:0", .certificate = "/nowhere", .key = "/nowhere"});
  REQUIRE_FALSE(tls);
  CHECK_THAT(tls.error().text, StartsWith("/nowhere: "));
  running.start();
  const Client client(path);
  client.send(get("/echo?unix", kClose));
  CHECK_THAT(client.read(), EndsWith("GET unix "));
}

/// Writes a certificate of our own for localhost and its key; both into one file.
void make_certificate(const std::string& path) {
  EVP_PKEY* const key = ::EVP_EC_gen("P-256");
  X509* const certificate = ::X509_new();
  ::X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  ::X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  ::X509_set_pubkey(certificate, key);
  ::X509_sign(certificate, key, ::EVP_sha256());
  FILE* const file = ::fopen(path.c_str(), "w");
  ::PEM_write_X509(file, certificate);
  ::PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  ::fclose(file);
  ::X509_free(certificate);
  ::EVP_PKEY_free(key);
}

TEST_CASE("http server: TLS, from 1.2 on") {
  (void)::signal(SIGPIPE, SIG_IGN);
  Running running;
  running.site.file = running.folder / "data";
  std::ofstream(running.site.file) << std::string(1'000'000, 'y');
  const std::string pem = running.folder / "pem";
  make_certificate(pem);
  const auto url = running.server->listen({.address = "127.0.0.1:0", .certificate = pem, .key = pem});
  REQUIRE(url);
  REQUIRE_THAT(*url, StartsWith("https://127.0.0.1:"));
  running.start();
  const auto ask_tls = [&](const std::string& request, int version) {
    const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(::SSL_CTX_new(::TLS_client_method()),
                                                                      ::SSL_CTX_free);
    ::SSL_CTX_set_security_level(context.get(), 0);
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    ::SSL_CTX_set_max_proto_version(context.get(), version);
    const std::unique_ptr<BIO, decltype(&::BIO_free_all)> bio(::BIO_new_ssl_connect(context.get()),
                                                              ::BIO_free_all);
    ::BIO_set_conn_hostname(bio.get(), url->substr(8).c_str());
    if (::BIO_do_handshake(bio.get()) != 1) return std::string("no handshake");
    ::BIO_write(bio.get(), request.data(), static_cast<int>(request.size()));
    std::string answer;
    std::array<char, 4096> block;
    for (int got = 0; (got = ::BIO_read(bio.get(), block.data(), block.size())) > 0;) {
      answer.append(block.data(), static_cast<size_t>(got));
    }
    return answer;
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CHECK_THAT(ask_tls(get("/echo?1") + get("/echo?2", kClose), version),
               Contains("GET 1 HTTP/1.1 200") && EndsWith("GET 2 "));
    CHECK_THAT(ask_tls(get("/file", kClose), version), EndsWith("\r\n\r\n" + std::string(1'000'000, 'y')));
    CHECK_THAT(ask_tls(get("/words", kClose), version), EndsWith("5\r\nthree\r\n0\r\n\r\n"));
  }
  CHECK(ask_tls(get("/echo"), TLS1_1_VERSION) == "no handshake");
  const Client plain(static_cast<uint16_t>(std::stoi(url->substr(url->rfind(':') + 1))));
  plain.send(get("/echo"));
  CHECK_THAT(plain.read(), !Contains("GET"));
}

TEST_CASE("static files: nothing outside the directory, no hidden file") {
  std::string name = (fs::temp_directory_path() / "wl-static-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const fs::path top = name, root = top / "root";
  fs::create_directories(root / "sub");
  for (const auto& file :
       {top / "secret", root / "index.html", root / "sub/a.js", root / ".env", root / "odd"})
    std::ofstream(file) << "x";
  fs::create_symlink("../secret", root / "out");
  fs::create_symlink(top, root / "up");
  fs::create_symlink(top / "secret", root / "absolute");
  fs::create_symlink("sub/a.js", root / "inside.js");
  const auto files = wsbridge::api::StaticFiles::open(root);
  REQUIRE(files);
  const auto status = [&](const std::string& path) {
    const Request request{.method = "GET", .path = path};
    const auto segments = decode_path(path);
    if (!segments) return std::string("path");
    const Response response = files->answer(request, *segments);
    return std::to_string(response.status) +
           (response.headers.empty() ? "" : " " + response.headers[0].second);
  };
  CHECK(status("/") == "200 text/html; charset=utf-8");
  CHECK(status("/index.html") == "200 text/html; charset=utf-8");
  CHECK(status("/sub/a.js") == "200 text/javascript; charset=utf-8");
  CHECK(status("/inside.js") == "200 text/javascript; charset=utf-8");
  CHECK(status("/odd") == "200 application/octet-stream");
  CHECK(status("/sub") == "301 /sub/");
  for (const char* path :
       {"/sub/", "/none", "/out", "/up/secret", "/absolute", "/.env", "/index.html/", "/index.html/x"}) {
    INFO(path);
    CHECK(status(path) == "404");
  }
  CHECK(status("/%2e%2e/secret") == "path");
  CHECK_FALSE(wsbridge::api::StaticFiles::open(top / "none"));
  fs::remove_all(top);
}

}  // namespace
