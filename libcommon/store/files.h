#pragma once
// What the store does with files and directories: each step durable, each failure naming its path.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"

namespace wl::store {

/// fsync of a file or a directory.
[[nodiscard]] base::Result<void> sync(const std::string& path);
/// A new file with these bytes, synced.
[[nodiscard]] base::Result<void> write_synced(const std::string& path, std::string_view bytes);
/// A directory with all that are missing above it, mode 0700; the ones that were made are synced.
[[nodiscard]] base::Result<void> make_folders(const std::string& path);
/// rename(2), and fsync of both directories. What is at `to` is replaced, if it is a file.
[[nodiscard]] base::Result<void> move_synced(const std::string& from, const std::string& to);
/// A file, or a directory with all that is in it. What is not there is no failure.
[[nodiscard]] base::Result<void> remove_all(const std::string& path);

/// What mkdtemp(3) and mkstemp(3) take: a name of ours in $TMPDIR, else in /tmp.
[[nodiscard]] std::string temporary_pattern();

struct FileDigest {
  std::string sha256{};  ///< 64 hexadecimal digits
  uint64_t bytes = 0;
};
[[nodiscard]] base::Result<FileDigest> sha256_of(const std::string& path);

/// Of the text itself.
[[nodiscard]] std::string sha256_of_text(std::string_view text);
[[nodiscard]] std::string hexadecimal(std::span<const uint8_t> bytes);
/// 2 × `bytes` hexadecimal digits from the system's randomness, which is waited for.
[[nodiscard]] std::string random_name(size_t bytes);

}  // namespace wl::store
