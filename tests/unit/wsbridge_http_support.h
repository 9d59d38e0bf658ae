#pragma once
// The HTTP server on a loopback port with a site of its own, and clients that speak over raw sockets.
#include <atomic>
#include <chrono>
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
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/files.h"
#include "tools/wsbridge/http/server.h"

namespace wl::test_http {

using namespace std::chrono_literals;
using namespace wl::wsbridge::http;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::awaitable;
using Clock = std::chrono::steady_clock;

inline awaitable<void> words(BodySink& sink) {
  for (const std::string_view word : {"one ", "two ", "", "three"}) (void)co_await sink.write(word);
}

/// Never says anything, until its client goes.
inline awaitable<void> silence(BodySink& sink, std::atomic<int>& ended) {
  asio::steady_timer timer(co_await asio::this_coro::executor, 60s);
  sink.gone = [&] { timer.cancel(); };
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  ++ended;
}

/// A large piece and, a while after that was taken, a small one.
inline awaitable<void> pause(BodySink& sink) {
  const std::string large(32 << 20, 'x');
  const bool taken = co_await sink.write(large);
  asio::steady_timer timer(co_await asio::this_coro::executor, 3s);
  co_await timer.async_wait(asio::use_awaitable);
  if (taken) (void)co_await sink.write("the end");
}

inline awaitable<void> echo(Connection& stream) {
  std::array<char, 5> bytes{};
  boost::system::error_code error;
  for (;;) {
    const size_t size = co_await stream.read_some(bytes, error);
    if (error) co_return;
    std::array<asio::const_buffer, 3> parts{asio::buffer("<", 1), asio::buffer(bytes.data(), size),
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
    if (path == "/file")
      response = file_answer(request, base::Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), file);
    if (path == "/pause") response.body = BodyMaker(pause);
    if (path == "/words") response.body = BodyMaker(words);
    if (path == "/shared") response.body = std::make_shared<const std::string>("shared");
    if (path == "/take") response = {.headers = {{"X", "a\r\nInjected: yes"}}, .body = TakeOver(echo)};
    if (path == "/throw") throw std::runtime_error("on purpose");
    if (path == "/empty") response.status = 204;
    if (path == "/silence")
      response.body = BodyMaker([this](BodySink& sink) { return silence(sink, ended); });
    if (path == "/wait") {
      asio::steady_timer timer(co_await asio::this_coro::executor);
      timer.expires_after(std::chrono::milliseconds(std::stoi("0" + request.query)));
      *request.gone = [&] { timer.cancel(); };
      boost::system::error_code error;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (error) ++ended;
      response.body = std::string("waited");
    }
    if (request.upload) {
      upload_path = request.upload->path;
      std::ifstream in(upload_path);
      const std::string content(std::istreambuf_iterator<char>(in), {});
      response.body = request.upload->name + "|" + request.query + "|" + std::to_string(content.size()) +
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
    server = std::make_shared<Server>(io.get_executor(), site, limits, true, log);
    const auto url = server->listen({.address = "127.0.0.1:0"});
    REQUIRE(url);
    port = static_cast<uint16_t>(std::stoi(url->substr(url->rfind(':') + 1)));
  }
  void start() {
    thread = std::thread([this] { io.run(); });
  }
  ~Running() {
    if (thread.joinable()) {
      asio::post(io, [this] { server->close(); });
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
  std::shared_ptr<Server> server;
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

inline std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}
inline constexpr const char* kClose = "Connection: close\r\n";

inline std::string ask(const Running& running, const std::string& request) {
  const Client client(running.port);
  client.send(request);
  return client.read();
}

inline size_t count(std::string_view text, std::string_view what) {
  size_t times = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++times;
  return times;
}

inline bool eventually(const std::function<bool()>& true_now, std::chrono::milliseconds time = 5s) {
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

}  // namespace wl::test_http
