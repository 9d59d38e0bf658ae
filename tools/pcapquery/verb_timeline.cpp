#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/base/units.h"
#include "libcommon/cli/options.h"
#include "tools/pcapquery/bins.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 4> kKeys{{
    {"ts", Kind::time, "", "beginning of the bin", true},
    {"until", Kind::time, "", "end of the bin, which is not in it", true},
    {"packets", Kind::u64, "packets", "in the bin", true},
    {"bytes", Kind::u64, "bytes", "of these, on the wire", true},
}};
constexpr record::RecordType kType{"timeline", "a bin of time in which there were packets", kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

constexpr uint64_t kMostBins = 300;

class Timeline final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    cli::add_duration(app, "--window", bin_ns_, "length of a window; 0s: one of which 300 hold everything");
  }

  base::Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    int64_t bin = bin_ns_;
    if (bin == 0) {
      const auto found = bin_for(query, kMostBins);
      if (!found) return std::unexpected(found.error());
      bin = *found;
    }
    return query.answer(kType, bins_of(bin));
  }

 private:
  int64_t bin_ns_ = 0;
};

}  // namespace

extern const VerbInfo kTimeline;
const VerbInfo kTimeline{"timeline", "packets and bytes over time", Takes::captures, kTypes,
                         make_verb<Timeline>};

}  // namespace wl::pcapquery
