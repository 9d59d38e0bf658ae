#pragma once
// Coroutines run to their end on a loop of the test's own, with a limit of time.
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <signal.h>
#include <unistd.h>

namespace wl::tests {

class IoLoop {
 public:
  IoLoop() { boost::asio::steady_timer opens_what_the_loop_needs(io_); }
  [[nodiscard]] boost::asio::any_io_executor executor() { return io_.get_executor(); }

  template <class T>
  T run(boost::asio::awaitable<T> work, std::chrono::seconds limit = std::chrono::seconds(60)) {
    std::optional<T> result;
    std::exception_ptr failure;
    bool done = false;
    boost::asio::co_spawn(io_, std::move(work), [&](std::exception_ptr error, T value) {
      failure = error;
      result = std::move(value);
      done = true;
    });
    const auto until = std::chrono::steady_clock::now() + limit;
    io_.restart();
    while (!done && std::chrono::steady_clock::now() < until) io_.run_one_for(std::chrono::seconds(1));
    if (!done) throw std::runtime_error("a coroutine did not end in time");
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }

  /// Lets what was begun go on.
  void settle(std::chrono::milliseconds time = std::chrono::milliseconds(200)) {
    io_.restart();
    io_.run_for(time);
  }

 private:
  boost::asio::io_context io_{1};
};

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "wireline-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline size_t open_descriptors() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

inline size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

/// What a test's memory may grow by that is not its own doing; AddressSanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr size_t kMemorySlack = size_t{300} << 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr size_t kMemorySlack = size_t{300} << 20;
#else
inline constexpr size_t kMemorySlack = size_t{8} << 20;
#endif
#else
inline constexpr size_t kMemorySlack = size_t{8} << 20;
#endif

/// True when no process `pid` runs any more (one that nobody reaped counts as gone).
inline bool gone_within(int pid, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  do {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    if (!(in >> number >> name >> state) || state == "Z") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

}  // namespace wl::tests
