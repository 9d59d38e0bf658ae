#include "tools/netwindow/run.h"

#include <memory>
#include <set>

#include "libcommon/base/signals.h"
#include "libcommon/cli/run.h"
#include "libcommon/record/stream_writer.h"
#include "tools/netwindow/generic.h"
#include "tools/netwindow/merge.h"
#include "tools/netwindow/packets.h"
#include "tools/netwindow/pump.h"
#include "tools/netwindow/table_report.h"

namespace wl::netwindow {
namespace {

// Our own windows come when they are over, after their lateness, and through a pipe: so much later may the
// newest of them come in a live stream.
constexpr int64_t kMergeGrace = 5 * base::kSecond;
// So that no sum of times overflows.
constexpr int64_t kMaxSpan = 1000 * 86400 * base::kSecond;

Shape make_shape(const Options& o) {
  Shape shape;
  shape.generic = o.generic();
  shape.merged = o.merge;
  for (const std::string& path : o.sums) shape.sums.push_back("sum_" + flat_name(path));
  shape.top = o.top;
  shape.length = o.window;
  shape.sort = o.sort;
  if (shape.sort.empty())
    shape.sort = !shape.generic ? "bytes" : shape.sums.empty() ? "count" : shape.sums[0];
  return shape;
}

base::Result<void> check(const Options& o, const Shape& shape) {
  const auto usage = [](std::string text, std::string hint) {
    return base::fail(std::move(text), std::move(hint), base::Exit::usage);
  };
  if (o.window <= 0 || o.window > kMaxSpan) return usage("--window: out of range", "1ns to 1000d");
  if (o.lateness > kMaxSpan) return usage("--lateness: out of range", "0s to 1000d");
  if (o.table && o.whole) return usage("--table and --whole exclude each other", "choose one");
  if (o.table && o.meta) return usage("--meta is for NDJSON", "leave out --table");
  if (std::set<std::string>(shape.sums.begin(), shape.sums.end()).size() != shape.sums.size()) {
    return usage("--sum: two of them have the same key", "give each field once");
  }
  if (!sort_value(shape, shape.sort, Key{})) {
    return usage("--sort " + o.sort + ": not a count or sum of the records",
                 shape.generic ? "count, or sum_FIELD of a --sum"
                               : "packets bytes in_packets in_bytes out_packets out_bytes flows");
  }
  return {};
}

base::Result<std::unique_ptr<Input>> make_input(const Options& o, const Stage& stage, const Shape& shape,
                                                const base::Services& services) {
  if (o.merge) return MergeInput::make(stage, shape, o.by);
  if (!o.generic()) return PacketInput::make(stage, o.by, services);
  return GenericInput::make(
      stage, {.time = o.time.empty() ? "ts" : o.time, .sums = o.sums, .by = o.by.empty() ? "none" : o.by});
}

}  // namespace

base::Exit run(const Options& options, cli::Context& context) {
  const auto refuse = [&context](const base::Error& error) {
    context.log.error(error);
    return error.exit;
  };
  base::Signals::ignore_first_stop();
  base::Signals::catch_counts();
  const Shape shape = make_shape(options);
  if (const auto checked = check(options, shape); !checked) return refuse(checked.error());
  const WindowClock clock{options.window, options.lateness, options.merge ? kMergeGrace : 0};
  const Limits limits{options.max_keys, options.max_flows, shape.generic};
  const base::Services services = base::Services::load();

  ndjson::Output out(context.out);
  Names names;
  Aside aside;
  std::unique_ptr<Report> report;
  if (options.table) {
    report = std::make_unique<TableReport>(out, shape, names);
  } else {
    report = std::make_unique<RecordReport>(out, shape, names, options.whole);
  }
  Windows windows(clock, limits, [&](Window& window) { report->write(window, aside); });
  auto input = make_input(options, {clock, windows, aside, names, context.log}, shape, services);
  if (!input) return refuse(input.error());

  Pump pump({**input, *report, out, context.log, options.strict, options.meta});
  if (options.meta) pump.begin(context.version, context.arguments);
  pump.read(context.in);
  report->write_rest(aside);
  return pump.end();
}

}  // namespace wl::netwindow
