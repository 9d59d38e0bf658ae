#include "libcommon/store/original.h"

#include <array>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/capture/compressed.h"
#include "libcommon/capture/read_ahead.h"
#include "libcommon/capture/window.h"
#include "libcommon/store/files.h"

namespace wl::store {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Original::Digest {
  std::unique_ptr<EVP_MD_CTX, FreeDigest> context{EVP_MD_CTX_new()};
};

Original::Original() : digest_(std::make_unique<Digest>()) {}
Original::~Original() = default;

base::Result<std::shared_ptr<Original>> Original::open(const std::string& path, const std::string& copy,
                                                       bool only_compressed) {
  base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return base::fail(path + ": " + base::errno_text(errno));
  struct stat info{};
  if (::fstat(file.get(), &info) == 0 && !S_ISREG(info.st_mode))
    return base::fail(path + ": not a regular file", "pcapingest add - reads a pipe");
  std::array<uint8_t, capture::kCompressionMagicSize> magic{};
  const ssize_t known = ::pread(file.get(), magic.data(), magic.size(), 0);
  auto bytes = capture::bytes_of(std::move(file));
  if (!bytes) return base::with_context(path, bytes.error());
  std::shared_ptr<Original> original(new Original);
  original->compressed_ =
      capture::is_compressed(std::span(magic).first(known > 0 ? static_cast<size_t>(known) : 0));
  if (original->compressed_) {
    capture::Window window(std::move(*bytes), path);
    if (const auto begun = window.fill(magic.size()); !begun) return std::unexpected(begun.error());
    auto uncompressed = capture::decompress(std::move(window));
    if (!uncompressed) return base::with_context(path, uncompressed.error());
    original->source_ = std::move(*uncompressed);
  } else {
    original->source_ = std::move(*bytes);
  }
  if (!copy.empty() && (original->compressed_ || !only_compressed)) {
    auto copied = DirectFile::create(copy);
    if (!copied) return std::unexpected(copied.error());
    original->copy_ = std::move(*copied);
  }
  if (EVP_DigestInit_ex(original->digest_->context.get(), EVP_sha256(), nullptr) != 1)
    return base::fail("SHA-256: not to be had from OpenSSL");
  return original;
}

/// Hands out what Original reads; Original outlives it.
class OriginalBytes final : public capture::ByteSource {
 public:
  explicit OriginalBytes(Original& original) : original_(original) {}
  base::Result<Got> read(std::span<uint8_t> room) override { return original_.read({}, room); }
  base::Result<Got> read_into(const capture::Block& block, std::span<uint8_t> room) override {
    return original_.read(block, room);
  }
  bool can_idle() const override { return false; }

 private:
  Original& original_;
};

std::unique_ptr<capture::ByteSource> Original::bytes() {
  return std::make_unique<capture::ReadAhead>(std::make_unique<OriginalBytes>(*this));
}

base::Result<capture::ByteSource::Got> Original::read(const capture::Block& block, std::span<uint8_t> room) {
  auto got = source_->read(room);
  if (!got) cut_ = got.error().text;
  if (!got || got->state == capture::Fill::end) ended_ = true;
  if (!got || got->size == 0) return got;
  const auto bytes = std::span<const uint8_t>(room.first(got->size));
  size_ += bytes.size();
  EVP_DigestUpdate(digest_->context.get(), bytes.data(), bytes.size());
  if (!copy_ || !write_failure_.text.empty()) return got;
  if (const auto written = copy_->write(block, bytes); !written) write_failure_ = written.error();
  return got;
}

base::Result<void> Original::finish(const std::function<bool()>& give_up) {
  std::vector<uint8_t> room(kBlock);
  while (!ended_ && write_failure_.text.empty()) {
    if (give_up && give_up()) return base::fail("interrupted");
    (void)read({}, room);
  }
  if (!write_failure_.text.empty()) return std::unexpected(write_failure_);
  if (copy_)
    if (const auto finished = copy_->finish(); !finished) return finished;
  std::array<uint8_t, 32> digest{};
  EVP_DigestFinal_ex(digest_->context.get(), digest.data(), nullptr);
  sha256_ = hexadecimal(digest);
  return {};
}

}  // namespace wl::store
