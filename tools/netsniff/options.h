#pragma once
// netsniff's command line.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/time.h"
#include "libcommon/cli/run.h"
#include "libcommon/record/packet.h"

namespace wl::netsniff {

/// How a file's packets are paced.
enum class Replay : uint8_t { max, real, tenfold };
/// What a reader that stalls does to a live capture.
enum class OnSlow : uint8_t { block, drop };
enum class Hex : uint8_t { none, bytes, ascii };
enum class RawFormat : uint8_t { by_name, pcapng, pcap };

struct Options {
  // where packets come from
  std::string interface;
  std::vector<std::string> files;
  bool list_interfaces = false;
  uint64_t snaplen = 262144;
  bool not_promiscuous = false;
  uint64_t buffer_bytes = uint64_t{16} << 20;
  std::string user;

  // which of them
  std::vector<std::string> words;
  std::string filter;
  std::string filter_file;
  std::string where;
  uint64_t limit = 0;
  int64_t duration_ns = 0;

  // what becomes of them
  std::string fields;
  base::TimeFormat time = base::TimeFormat::rfc3339;
  std::optional<uint32_t> payload_bytes;
  bool decap = false;
  std::vector<std::string> local;
  bool table = false;
  Hex hex = Hex::none;
  bool meta = false;
  bool quiet = false;
  Replay replay = Replay::max;
  OnSlow on_slow = OnSlow::block;

  // raw capture
  std::string write;
  RawFormat format = RawFormat::by_name;
  bool print = false;
  uint64_t rotate_bytes = 0;
  int64_t rotate_ns = 0;
  uint64_t rotate_files = 0;

  [[nodiscard]] bool live() const { return !interface.empty(); }
  [[nodiscard]] bool prints_records() const { return write.empty() || print; }
};

extern const cli::Tool kTool;

/// Declares every option once; the app fills `options`, which must outlive it.
void declare(CLI::App& app, Options& options);

/// What the parser cannot see: combinations that make no sense.
[[nodiscard]] base::Result<void> check(const Options& options);

/// The fields to write: --fields with --payload, --local and -t taken into account.
[[nodiscard]] base::Result<record::FieldSet> selected_fields(const Options& options);

/// The BPF expression of the words, -f and -F together; empty: everything.
[[nodiscard]] base::Result<std::string> filter_expression(const Options& options);

}  // namespace wl::netsniff
