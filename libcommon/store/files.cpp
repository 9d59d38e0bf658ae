#include "libcommon/store/files.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wl::store {
namespace {

std::unexpected<base::Error> failure(const std::string& path) {
  return base::fail(path + ": " + base::errno_text(errno));
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

base::Result<void> write_all(int fd, std::span<const uint8_t> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(path);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace

base::Result<void> sync(const std::string& path) {
  const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) return failure(path);
  return {};
}

base::Result<void> write_synced(const std::string& path, std::string_view bytes) {
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return failure(path);
  const std::span all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (auto written = write_all(file.get(), all, path); !written) return written;
  if (::fsync(file.get()) != 0) return failure(path);
  return {};
}

base::Result<void> make_folders(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return sync(folder_of(path));
  if (errno == EEXIST) return {};
  if (errno != ENOENT || path.find('/') == std::string::npos) return failure(path);
  if (auto above = make_folders(folder_of(path)); !above) return above;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failure(path);
  return sync(folder_of(path));
}

base::Result<void> move_synced(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failure(to);
  if (auto synced = sync(folder_of(to)); !synced) return synced;
  return sync(folder_of(from));
}

base::Result<void> remove_all(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return base::fail(path + ": " + error.message());
  return {};
}

base::Result<FileDigest> sha256_of(const std::string& path) {
  const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return failure(path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
    return base::fail("SHA-256: not to be had from OpenSSL");
  FileDigest digest;
  std::vector<uint8_t> room(size_t{1} << 18);
  for (;;) {
    const ssize_t size = ::read(file.get(), room.data(), room.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure(path);
    if (size == 0) break;
    EVP_DigestUpdate(context.get(), room.data(), static_cast<size_t>(size));
    digest.bytes += static_cast<uint64_t>(size);
  }
  std::array<uint8_t, 32> bytes{};
  EVP_DigestFinal_ex(context.get(), bytes.data(), nullptr);
  digest.sha256 = hexadecimal(bytes);
  return digest;
}

std::string sha256_of_text(std::string_view text) {
  std::array<uint8_t, 32> bytes{};
  EVP_Digest(text.data(), text.size(), bytes.data(), nullptr, EVP_sha256(), nullptr);
  return hexadecimal(bytes);
}

std::string hexadecimal(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string temporary_pattern() {
  const char* const place = std::getenv("TMPDIR");
  return std::string(place == nullptr || *place == '\0' ? "/tmp" : place) + "/wireline-XXXXXX";
}

std::string random_name(size_t bytes) {
  std::random_device random;
  std::vector<uint8_t> numbers(bytes);
  for (uint8_t& number : numbers) number = static_cast<uint8_t>(random());
  return hexadecimal(numbers);
}

}  // namespace wl::store
