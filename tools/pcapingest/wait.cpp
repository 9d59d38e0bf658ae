#include "tools/pcapingest/wait.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "libcommon/ndjson/output.h"

namespace wl::pcapingest {
namespace {

struct Pipe {
  base::Fd read, write;
};

base::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return base::fail(std::string("pipe: ") + base::errno_text(errno));
  return Pipe{base::Fd(ends[0]), base::Fd(ends[1])};
}

/// Adds what can be read now; closes the pipe at its end.
void read_some(base::Fd& from, std::string& text) {
  std::array<char, 4096> room;
  const ssize_t size = ::read(from.get(), room.data(), room.size());
  if (size > 0) text.append(room.data(), static_cast<size_t>(size));
  if (size == 0 || (size < 0 && errno != EINTR)) from.reset();
}

void write_out(int fd, const std::string& text) {
  ndjson::Output out(fd);
  out.write(text);
  out.finish();
}

/// The process that was started: waits for the one that imports.
class Waiter {
 public:
  Waiter(pid_t import, base::Fd out, base::Fd errors, base::Fd early)
      : import_(import), out_(std::move(out)), errors_(std::move(errors)), early_(std::move(early)) {}

  base::Exit wait(int64_t wait_ns) {
    const int64_t end = base::steady_clock_ns() + wait_ns;
    while (out_ || errors_) {
      const int64_t left = end - base::steady_clock_ns();
      if (left <= 0 && !early_ && !early_text_.empty()) {  // its end was read: it is whole
        write_out(STDOUT_FILENO, early_text_);
        return base::Exit::ok;
      }
      look(left > 0 ? static_cast<int>(left / base::kMillisecond) + 1 : -1);
    }
    write_out(STDOUT_FILENO, out_text_);
    int status = 0;
    while (::waitpid(import_, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? static_cast<base::Exit>(WEXITSTATUS(status)) : base::Exit::failed;
  }

 private:
  void look(int timeout_ms) {
    std::array<pollfd, 3> wanted{
        {{out_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}, {early_.get(), POLLIN, 0}}};
    if (::poll(wanted.data(), wanted.size(), timeout_ms) <= 0) return;
    std::string errors;
    if (wanted[0].revents != 0) read_some(out_, out_text_);
    if (wanted[1].revents != 0) read_some(errors_, errors);
    if (wanted[2].revents != 0) read_some(early_, early_text_);
    write_out(STDERR_FILENO, errors);
  }

  pid_t import_;
  base::Fd out_, errors_, early_;
  std::string out_text_, early_text_;
};

}  // namespace

base::Result<std::variant<Detached, base::Exit>> fork_import(int64_t wait_ns) {
  auto out = make_pipe(), errors = make_pipe(), early = make_pipe();
  for (const auto* pipe : {&out, &errors, &early})
    if (!*pipe) return std::unexpected(pipe->error());
  const pid_t import = ::fork();
  if (import < 0) return base::fail(std::string("fork: ") + base::errno_text(errno));
  if (import > 0) {
    for (auto* pipe : {&out, &errors, &early}) (*pipe)->write.reset();
    return Waiter(import, std::move(out->read), std::move(errors->read), std::move(early->read))
        .wait(wait_ns);
  }
  ::setsid();
  const base::Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(nothing.get(), STDIN_FILENO);
  ::dup2(out->write.get(), STDOUT_FILENO);
  ::dup2(errors->write.get(), STDERR_FILENO);
  return Detached{std::move(early->write)};
}

}  // namespace wl::pcapingest
