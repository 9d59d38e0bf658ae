#include "tools/netwindow/run.h"

#include <memory>

#include "libcommon/base/signals.h"
#include "libcommon/cli/run.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/ndjson/reader.h"
#include "tools/netwindow/packets.h"

namespace wl::netwindow {
namespace {

// The clock is asked once for so many lines: far less than 100 ms of work.
constexpr uint64_t kLinesPerTick = 4096;

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

/// Feeds the input with the lines of a descriptor.
class Pump {
 public:
  Pump(Input& input, ndjson::Output& out, base::Log& log, bool strict)
      : input_(input), out_(out), log_(log), strict_(strict), skipped_(log, "line") {}

  [[nodiscard]] base::Exit run(int fd) {
    ndjson::LineReader reader(fd);
    ndjson::Line line;
    while (out_.good() && !(strict_ && skipped_.count() != 0)) {
      const auto state = reader.next(line);
      if (!state) {
        log_.error("stdin: " + state.error().line());
        failed_ = true;
        break;
      }
      if (*state == ndjson::LineState::end) break;
      handle(*state, line);
    }
    input_.finish();
    skipped_.finish();
    return failed_ || skipped_.count() != 0 ? base::Exit::failed : base::Exit::ok;
  }

 private:
  void handle(ndjson::LineState state, const ndjson::Line& line) {
    if (state == ndjson::LineState::idle) {
      input_.idle(base::wall_clock_ns());
      out_.flush();
      return;
    }
    if (line.number % kLinesPerTick == 0) out_.tick(base::steady_clock_ns());
    if (state == ndjson::LineState::too_long) {
      skip(line, "longer than 16 MiB");
    } else if (!blank(line.text) && !input_.take(line.text)) {
      skip(line, input_.complaint());
    }
  }
  void skip(const ndjson::Line& line, const std::string& reason) {
    skipped_.add("stdin:" + std::to_string(line.number) + ": " + reason);
  }
  static bool blank(std::string_view text) { return text.empty() || text == "\r"; }

  Input& input_;
  ndjson::Output& out_;
  base::Log& log_;
  bool strict_;
  bool failed_ = false;
  base::SkipReport skipped_;
};

}  // namespace

base::Exit run(const Options& options, cli::Context& context) {
  base::Signals::ignore_first_stop();
  const WindowClock clock{.length = options.window, .lateness = options.lateness};
  const Limits limits{
      .keys = options.max_keys, .flows_per_key = options.max_flows, .by_count = options.generic()};
  const Shape shape = make_shape(options);
  const base::Services services = base::Services::load();
  ndjson::Output out(context.out);
  Names names;
  Aside aside;
  Report report(out, shape, names, options.whole);
  Windows windows(clock, limits, [&](Window& window) { report.write(window, aside); });
  const Stage stage{clock, windows, aside, names, context.log};
  auto input = PacketInput::make(stage, options.by, services);
  if (!input) {
    context.log.error(input.error());
    return input.error().exit;
  }
  const base::Exit exit = Pump(**input, out, context.log, options.strict).run(context.in);
  report.write_rest(aside);
  out.flush();
  if (out.state() == ndjson::WriteState::failed) {
    context.log.error(out.error());
    return base::Exit::failed;
  }
  return exit;
}

}  // namespace wl::netwindow
