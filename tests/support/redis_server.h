#pragma once
// A redis-server of our own on a free port of loopback, ended with this object.
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/wsbridge/api/redis.h"

class RedisServer {
 public:
  explicit RedisServer(std::string password = "") : password_(std::move(password)) {
    if (::access(kProgram, X_OK) != 0) return;
    port_ = free_port();
    start();
  }
  ~RedisServer() { stop(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// False, with a warning in the report: there is no redis-server on this machine.
  [[nodiscard]] bool present() const {
    if (port_ == 0) WARN("redis-server is not installed: not tested");
    return port_ != 0;
  }
  [[nodiscard]] wl::wsbridge::api::RedisSpec spec() const {
    return {.host = "127.0.0.1", .port = std::to_string(port_), .password = password_, .database = 3};
  }

  void start() {
    const std::string port = std::to_string(port_);
    std::array<const char*, 16> argv{kProgram,    "--port",     port.c_str(), "--bind",
                                     "127.0.0.1", "--save",     "",           "--appendonly",
                                     "no",        "--loglevel", "warning",    nullptr};
    if (!password_.empty()) {
      argv[11] = "--requirepass";
      argv[12] = password_.c_str();
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn(&pid_, kProgram, &actions, nullptr, const_cast<char**>(argv.data()), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 200 && !answers(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  void stop() { end(SIGKILL); }
  /// It keeps its connections and says nothing.
  void freeze() { ::kill(pid_, SIGSTOP); }
  void thaw() { ::kill(pid_, SIGCONT); }

 private:
  static constexpr const char* kProgram = "/usr/bin/redis-server";

  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
  }
  [[nodiscard]] bool answers() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port_);
    const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return there;
  }

  std::string password_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
};
