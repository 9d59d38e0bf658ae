#include "tools/pcapquery/dissect.h"

#include <array>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/utf8.h"
#include "libcommon/capture/writer.h"
#include "libcommon/store/files.h"

extern char** environ;

namespace wl::pcapquery {
namespace {

constexpr size_t kMostText = size_t{4} << 20;

/// A file that goes with the object.
class TemporaryFile {
 public:
  TemporaryFile() {
    path_ = store::temporary_pattern();
    fd_.reset(::mkostemp(path_.data(), O_CLOEXEC));
  }
  ~TemporaryFile() {
    if (fd_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] bool made() const { return static_cast<bool>(fd_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  base::Fd fd_;
};

base::Result<void> write_packet(const std::string& path, const capture::Frame& frame,
                                const std::vector<capture::Interface>& interfaces) {
  auto writer = capture::Writer::open({.path = path});
  if (!writer) return std::unexpected(writer.error());
  if (auto written = (*writer)->write(frame, interfaces); !written) return written;
  return (*writer)->close(interfaces);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> room;
  for (;;) {
    const ssize_t size = ::read(fd, room.data(), room.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    if (text.size() < kMostText) text.append(room.data(), static_cast<size_t>(size));
  }
}

}  // namespace

base::Result<std::string> dissect_with_tshark(const capture::Frame& frame,
                                              const std::vector<capture::Interface>& interfaces) {
  const TemporaryFile file;
  if (!file.made()) return base::fail(file.path() + ": " + base::errno_text(errno));
  if (const auto written = write_packet(file.path(), frame, interfaces); !written)
    return std::unexpected(written.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return base::fail(std::string("pipe: ") + base::errno_text(errno));
  const base::Fd out(ends[0]);
  base::Fd in(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string path = file.path();
  std::array<std::string, 5> words{"tshark", "-n", "-V", "-r", path};
  std::array<char*, 6> argv{};
  for (size_t i = 0; i < words.size(); ++i) argv.at(i) = words.at(i).data();
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, "tshark", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  in.reset();
  if (failed != 0)
    return base::fail(std::string("tshark: ") + base::errno_text(failed), "apt-get install tshark",
                      base::Exit::no);
  std::string text = read_all(out.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return base::fail("tshark: it failed");
  return base::utf8_text(text);
}

}  // namespace wl::pcapquery
