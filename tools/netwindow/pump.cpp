#include "tools/netwindow/pump.h"

#include "libcommon/base/signals.h"

namespace wl::netwindow {
namespace {

// The clock is asked once for so many lines: far less than 100 ms of work.
constexpr uint64_t kLinesPerTick = 4096;

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

void Pump::begin(std::string_view version, std::span<const std::string> arguments) {
  const std::string source = "stdin";
  stream_.meta("netwindow", version, {&source, 1}, arguments);
  parts_.out.flush();
  next_stats_ns_ = base::steady_clock_ns() + base::kSecond;
}

void Pump::read(int fd) {
  ndjson::LineReader reader(fd);
  ndjson::Line line;
  while (parts_.out.good() && !(parts_.strict && skipped_.count() != 0)) {
    const auto state = reader.next(line);
    if (!state) {
      parts_.log.error("stdin: " + state.error().line());
      failed_ = true;
      break;
    }
    if (*state == ndjson::LineState::end) break;
    handle(*state, line);
  }
  parts_.input.finish();
  skipped_.finish();
  if (const uint64_t late = parts_.input.late(); late != 0) {
    parts_.log.info(std::to_string(late) + " of " + std::to_string(parts_.input.records()) +
                    " records were late (raise --lateness)");
  }
}

void Pump::handle(ndjson::LineState state, const ndjson::Line& line) {
  if (state == ndjson::LineState::idle) {
    parts_.input.idle(base::wall_clock_ns());
    tick();
    parts_.out.flush();
    return;
  }
  if (++lines_ % kLinesPerTick == 0) tick();
  if (state == ndjson::LineState::too_long) return skip(line, "longer than 16 MiB");
  if (!parts_.input.take(line.text) && !blank(line.text)) skip(line, parts_.input.complaint());
}

void Pump::tick() {
  const int64_t now = base::steady_clock_ns();
  if (parts_.meta && now >= next_stats_ns_) {
    stream_.stats(counts());
    next_stats_ns_ = now + base::kSecond;
  }
  parts_.out.tick(now);
  if (base::Signals::take_counts_request()) {
    parts_.log.info(std::to_string(parts_.input.records()) + " records read, " +
                    std::to_string(parts_.report.records()) + " written, " +
                    std::to_string(skipped_.count()) + " lines skipped");
  }
}

void Pump::skip(const ndjson::Line& line, const std::string& reason) {
  skipped_.add("stdin:" + std::to_string(line.number) + ": " + reason);
}

record::StreamCounts Pump::counts() const {
  record::StreamCounts counts;
  counts.records = parts_.report.records();
  counts.skipped = skipped_.count();
  return counts;
}

base::Exit Pump::end() {
  base::Exit exit = failed_ || skipped_.count() != 0 ? base::Exit::failed : base::Exit::ok;
  const bool stopped = parts_.strict && skipped_.count() != 0;
  if (parts_.meta) stream_.end(failed_ || stopped ? "error" : "end", exit, counts());
  parts_.out.flush();
  if (parts_.out.state() == ndjson::WriteState::failed) {
    parts_.log.error(parts_.out.error());
    exit = base::Exit::failed;
  }
  return exit;
}

}  // namespace wl::netwindow
