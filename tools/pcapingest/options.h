#pragma once
// The verbs of pcapingest and their flags.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libcommon/base/time.h"
#include "libcommon/catalog/database.h"
#include "libcommon/cli/run.h"
#include "libcommon/store/store.h"

namespace wl::pcapingest {

enum class Progress : uint8_t { automatic, always, never };

/// What `prune` keeps; 0: everything.
struct Retention {
  uint64_t max_bytes = 0;
  int64_t max_age_ns = 0;
  int64_t grace_ns = store::Store::kGraceNs;  ///< how long the bytes of what was deleted stay
  [[nodiscard]] bool any() const { return max_bytes != 0 || max_age_ns != 0; }
};

struct Options {
  std::function<base::Exit(cli::Context&)> run{};  ///< does what the verb says

  // of all verbs
  catalog::Location location{};
  std::string owner{};
  base::TimeFormat time = base::TimeFormat::rfc3339;
  bool quiet = false;
  bool error_records = false;

  // add, watch
  std::vector<std::string> paths{};  ///< of delete and verify: files
  std::string project{};
  std::string name{};
  bool no_copy = false;
  uint64_t jobs = 0;
  Progress progress = Progress::automatic;
  uint64_t roll_bytes = uint64_t{256} << 20;
  int64_t roll_ns = 300 * base::kSecond;
  int64_t wait_ns = 0;  ///< 0: to the end

  Retention retention{};
  bool dry_run = false;

  std::string action{};  ///< of project: create, list, delete
  bool follow = false;   ///< of imports

  /// Whose imports these are.
  [[nodiscard]] std::string importer() const { return owner.empty() ? "local" : owner; }
};

extern const cli::Tool kTool;

/// `options` must outlive the app.
void declare(CLI::App& app, Options& options);

}  // namespace wl::pcapingest
