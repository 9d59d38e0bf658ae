#pragma once
// From a capture to its parts: decoded once, written as Parquet files.
#include <functional>
#include <string>
#include <vector>

#include "libcommon/base/error.h"

namespace wl::store {

struct IngestOptions {
  std::string folder;  ///< an empty directory, where the parts are to be
  std::string copy{};  ///< a new file for the original's bytes, uncompressed; empty: no copy is made
  bool copy_only_compressed = false;  ///< what is not compressed is not copied
  /// Called about each 100 ms with the bytes and packets read so far; true: give up.
  std::function<bool(uint64_t bytes, uint64_t packets)> progress{};
};

/// A part: one Parquet file with rows of one table.
struct Part {
  std::string name{};  ///< "packets-000.parquet"
  std::string sha256{};
  uint64_t bytes = 0;
};

struct Ingested {
  std::string sha256{};  ///< of the original, uncompressed
  uint64_t bytes = 0;
  bool compressed = false;
  uint64_t packets = 0;
  uint64_t data_bytes = 0;  ///< on the wire
  int64_t first_ns = 0, last_ns = 0;
  bool timed = false;   ///< some packet has a time
  std::string links{};  ///< names of the link types, in order of the interfaces, ',' between
  std::string fault{};  ///< why not all of it could be read; empty: it could
  std::vector<Part> parts{};
  uint64_t stored_bytes = 0;  ///< of parts and copy
};

/// Name of the file beside the parts that has their SHA-256, as sha256sum(1) writes and checks them.
inline constexpr const char* kManifest = "parts.sha256";

/// Reads the capture and writes parts, manifest and copy; all of them are synced, the directory too. Needs
/// memory for two batches of packets, for the flows (FlowTable) and for DuckDB, whatever the capture's size.
/// What is readable of a damaged capture is kept, and `fault` says what was the matter. A file that is no
/// capture at all is a failure (Exit::usage).
[[nodiscard]] base::Result<Ingested> ingest(const std::string& path, const IngestOptions& options);

}  // namespace wl::store
