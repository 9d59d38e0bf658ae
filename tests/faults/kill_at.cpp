// For LD_PRELOAD by the fault tests: counts the calls that change a file system, or ask a server, and at one
// of them the process dies, or the call fails.
//   KILL_AT=N       SIGKILL in place of the N-th call; KILL_HALF=1: half of a write, all of a send is done
//   FAIL_AT=N       the N-th call fails with FAIL_ERRNO; FAIL_ON=1: so do those after it that need room
//   FAULT_COUNT=F   the number of calls goes into the new file F when the process exits
// Calls on the standard streams are not counted. Straight to the kernel: no other libc call is made on the
// way.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

long number_from(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
}

struct Plan {
  const long kill_at = number_from("KILL_AT"), fail_at = number_from("FAIL_AT");
  const bool half = number_from("KILL_HALF") == 1, goes_on = number_from("FAIL_ON") == 1;
  const int error = static_cast<int>(number_from("FAIL_ERRNO"));
  std::atomic<long> calls = 0;
};

Plan& plan() {
  static Plan plan;
  return plan;
}

enum class Does { write, grow, shrink };

void die() { (void)syscall(SYS_kill, getpid(), SIGKILL); }

/// Counts a call; false: it fails. `half` does the half of it.
template <class Half>
bool passes(Does does, const Half& half) {
  Plan& now = plan();
  const long call = ++now.calls;
  if (call == now.kill_at) {
    if (now.half && does == Does::write) half();
    die();
  }
  const bool later = now.goes_on && call > now.fail_at && does != Does::shrink;
  if (now.fail_at == 0 || (call != now.fail_at && !later)) return true;
  errno = now.error;
  return false;
}

bool passes(Does does) {
  return passes(does, [] {});
}

bool is_standard(int fd) { return fd <= STDERR_FILENO; }

mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(more, unsigned)) : 0;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0 && syscall(SYS_faccessat, folder, path, F_OK) != 0 && !passes(Does::grow))
    return -1;
  return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}

ssize_t write_at(int fd, const void* bytes, size_t size, off_t at) {
  const auto put = [&](size_t part) { return syscall(SYS_pwrite64, fd, bytes, part, at); };
  return is_standard(fd) || passes(Does::write, [&] { put(size / 2); }) ? put(size) : -1;
}

[[gnu::destructor]] void tell() {
  const char* const path = std::getenv("FAULT_COUNT");
  if (path == nullptr) return;
  const std::string text = std::to_string(plan().calls) + "\n";
  const long file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  (void)syscall(SYS_write, file, text.data(), text.size());
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  const auto put = [&](size_t part) { return syscall(SYS_write, fd, bytes, part); };
  return is_standard(fd) || passes(Does::write, [&] { put(size / 2); }) ? put(size) : -1;
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) { return write_at(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) { return write_at(fd, bytes, size, at); }
ssize_t writev(int fd, const iovec* parts, int count) {
  return is_standard(fd) || passes(Does::grow) ? syscall(SYS_writev, fd, parts, count) : -1;
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  const auto put = [&] { return syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0); };
  return passes(Does::write, put) ? put() : -1;
}

int fsync(int fd) { return passes(Does::grow) ? static_cast<int>(syscall(SYS_fsync, fd)) : -1; }
int fdatasync(int fd) { return passes(Does::grow) ? static_cast<int>(syscall(SYS_fdatasync, fd)) : -1; }
int ftruncate(int fd, off_t size) noexcept {
  return passes(Does::grow) ? static_cast<int>(syscall(SYS_ftruncate, fd, size)) : -1;
}
int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (!passes(Does::grow)) return -1;
  return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return renameat2(from_folder, from, to_folder, to, 0);
}
int rename(const char* from, const char* to) noexcept { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char* path, int flags) noexcept {
  return passes(Does::shrink) ? static_cast<int>(syscall(SYS_unlinkat, folder, path, flags)) : -1;
}
int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  if (!passes(Does::shrink)) return -1;
  const long done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  return static_cast<int>(done == 0 ? done : syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}

int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return passes(Does::grow) ? static_cast<int>(syscall(SYS_mkdirat, folder, path, mode)) : -1;
}
int mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  if (!passes(Does::grow)) return -1;
  return static_cast<int>(syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
int link(const char* from, const char* to) noexcept { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(folder, path, flags, mode);
}

}  // extern "C"
