#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <sys/stat.h>

#include "tools/wsbridge/process/child.h"

namespace wl::wsbridge::process {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

class Given final : public Input {
 public:
  Given(net::any_io_executor executor, base::Fd from) : executor_(executor), pollable_(executor) {
    error_code error;
    pollable_.assign(from.get(), error);
    if (error) {
      file_ = std::move(from);  // a file never makes us wait, and epoll does not take it
    } else {
      (void)from.release();
    }
  }

  net::awaitable<size_t> read_some(std::span<char> into) override {
    if (file_) {
      co_await net::post(executor_, net::use_awaitable);  // others have their turn between two pieces
      const ssize_t n = ::read(file_.get(), into.data(), std::min(into.size(), size_t{64} << 10));
      co_return n > 0 ? static_cast<size_t>(n) : 0;
    }
    error_code error;
    auto token = net::redirect_error(net::use_awaitable, error);
    const auto buffer = net::buffer(into.data(), into.size());
    const size_t n = co_await pollable_.async_read_some(buffer, token);
    co_return n;
  }

  void close() override {
    error_code ignored;
    pollable_.close(ignored);
    file_.reset();
  }

 private:
  net::any_io_executor executor_;
  net::posix::stream_descriptor pollable_;
  base::Fd file_{};
};

}  // namespace

base::Result<std::unique_ptr<Input>> Input::of(net::any_io_executor executor, int fd) {
  struct stat about{};
  const int failed = ::fstat(fd, &about) != 0 ? errno : S_ISDIR(about.st_mode) ? EISDIR : 0;
  if (failed != 0) return base::fail("standard input: " + base::errno_text(failed));
  base::Fd own;
  // Opened anew, so that only our reads do not wait, not those of others who share the pipe or terminal.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (!S_ISREG(about.st_mode)) own.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!own) own.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own) return base::fail("standard input: " + base::errno_text(errno));
  return std::make_unique<Given>(executor, std::move(own));
}

}  // namespace wl::wsbridge::process
