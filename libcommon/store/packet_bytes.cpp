#include "libcommon/store/packet_bytes.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/time.h"

namespace wl::store {
namespace {

/// A page's packets lie far apart, an export's one behind the other.
constexpr size_t kLeastAhead = size_t{4} << 10, kMostAhead = size_t{256} << 10;

}  // namespace

base::Result<PacketBytes> PacketBytes::open(const Capture& capture) {
  const std::string& path = capture.original;
  base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return base::fail(path + ": " + base::errno_text(errno));
  const int64_t modified = info.st_mtim.tv_sec * base::kSecond + info.st_mtim.tv_nsec;
  if (capture.original_ns != 0 && modified != capture.original_ns)
    return base::fail(path + ": has changed since it was taken in without a copy",
                      "pcapingest add takes it in anew");
  return PacketBytes(path, std::move(file), static_cast<uint64_t>(info.st_size));
}

base::Result<std::span<const uint8_t>> PacketBytes::read(uint64_t offset, uint32_t size) {
  if (offset > size_ || size > size_ - offset)
    return base::fail(path_ + ": ends at byte " + std::to_string(size_) + ", before the packet at byte " +
                          std::to_string(offset) + " does",
                      "pcapingest verify");
  const uint64_t end = begin_ + buffer_.size();
  if (offset < begin_ || offset + size > end) {
    const bool near = offset >= begin_ && offset < end + kMostAhead;
    ahead_ = near ? std::min(std::max(ahead_ * 2, kLeastAhead), kMostAhead) : kLeastAhead;
    const auto filled = fill(offset, std::max<size_t>(size, std::min<uint64_t>(ahead_, size_ - offset)));
    if (!filled) return std::unexpected(filled.error());
  }
  return std::span<const uint8_t>(buffer_).subspan(offset - begin_, size);
}

base::Result<void> PacketBytes::fill(uint64_t offset, size_t size) {
  buffer_.resize(size);
  begin_ = offset;
  for (size_t at = 0; at < size;) {
    const ssize_t got = ::pread(file_.get(), buffer_.data() + at, size - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      buffer_.clear();
      return base::fail(path_ + ": " +
                        (got < 0 ? base::errno_text(errno) : "became shorter while it was read"));
    }
    at += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace wl::store
