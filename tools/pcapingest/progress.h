#pragma once
// How far an import is, for who asks meanwhile: incoming/<ingest>/progress, JSON, replaced as a whole.
// Nothing rests on it, so it is not synced, and what cannot be written is not.
#include <cstdint>
#include <optional>
#include <string>

namespace wl::pcapingest {

struct Progressing {
  std::string file_id{};  ///< empty: not known before the end
  std::string owner{};
  std::string name{};
  std::string reason{};  ///< why it failed; empty: it did not
  uint64_t bytes = 0;    ///< read so far
  uint64_t total_bytes = 0;
  uint64_t packets = 0;
  int64_t started_ns = 0;  ///< since 1970

  bool operator==(const Progressing&) const = default;
};

/// `folder`: incoming/<ingest>.
void write_progress(const std::string& folder, const Progressing& progress);
/// Nothing: there is none, or it is no such file.
[[nodiscard]] std::optional<Progressing> read_progress(const std::string& folder);

}  // namespace wl::pcapingest
