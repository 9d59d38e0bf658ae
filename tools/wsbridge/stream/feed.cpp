#include "tools/wsbridge/stream/feed.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"

namespace wl::wsbridge::stream {

using process::Clock;
using namespace std::chrono_literals;

namespace {

constexpr auto kGrace = 5s;      // between SIGTERM and SIGKILL
constexpr auto kLastLines = 1s;  // for what a stopped command still wrote
constexpr auto kHealthy = 60s;   // a run so long makes the next back-off short again
constexpr auto kFirstWait = 1s, kLongestWait = 30s;
constexpr size_t kHistoryBytes = size_t{16} << 20;
constexpr size_t kStateBytes = size_t{64} << 20;
constexpr int kPipeBytes = 1 << 20;

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
  return line.substr(0, line.find_last_not_of(kSpace) + 1);
}

std::string line_record(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return R"({"type":"line","text":)" + nlohmann::json(base::wire_text(line)).dump() + "}";
}

}  // namespace

Feed::Feed(Executor executor, const StreamSpec& spec, base::Log& log)
    : executor_(executor),
      spec_(spec),
      log_(log),
      fields_(std::span(&spec.key, spec.key.empty() ? 0 : 1)),
      newest_(kStateBytes),
      delay_(kFirstWait) {}

void Feed::skip(const std::string& reason) {
  ++counts_.skipped;
  skips_.add(spec_.name + ":" + std::to_string(line_number_) + ": " + reason);
}

void Feed::take(std::string_view line) {
  ++line_number_;
  const std::string_view json = trimmed(line);
  const bool object = fields_.read(json);
  if (!object && !spec_.text_lines) return skip("expected a JSON object");
  const Text text = std::make_shared<const std::string>(object ? std::string(json) : line_record(line));
  ++counts_.records;
  counts_.bytes += text->size();
  counts_.last_ns = base::wall_clock_ns();
  history_.push_back(text);
  history_bytes_ += text->size();
  while (history_.size() > 1 && (history_.size() > spec_.history || history_bytes_ > kHistoryBytes)) {
    history_bytes_ -= history_.front()->size();
    history_.pop_front();
  }
  const bool keyed = object && !spec_.key.empty() && fields_[0].present();
  const std::string key(keyed ? fields_[0].text : "");
  if (keyed) newest_.put(key, text->size(), text);
  for (Listener* listener : listeners_) listener->record(text, key);
}

void Feed::settle(uint64_t too_long) {
  for (; too_long != 0; --too_long) {
    ++line_number_;
    skip("longer than 16 MiB");
  }
  for (Listener* listener : listeners_) listener->settled();
}

awaitable<void> Feed::read(std::shared_ptr<process::Child> child) {
  process::Lines lines(*child);
  const std::function<void(std::string_view)> each = [this](std::string_view line) { take(line); };
  line_number_ = 0;
  for (bool more = true; more;) {
    const uint64_t before = lines.too_long();
    more = co_await lines.next(each);
    settle(lines.too_long() - before);
    while (!stopping_ && std::ranges::any_of(listeners_, &Listener::full)) co_await changed_.wait();
  }
  reading_ = false;
  changed_.notify();
}

/// Once through the command, or until it is to stop: its exit status, -1 when it could not be started.
awaitable<int> Feed::play() {
  const process::Ends ends{.name = spec_.name, .pipe_bytes = kPipeBytes};
  const bool ours = spec_.pipeline.empty();
  auto opened = ours ? process::Child::reading(executor_, STDIN_FILENO)
                     : process::Child::start(executor_, spec_.pipeline, ends, log_);
  if (!opened) {
    log_.error(base::with_context(spec_.name, opened.error()).error());
    co_return -1;
  }
  const auto& child = *opened;
  counts_.state = FeedState::running;
  reading_ = true;
  process::spawn(executor_, shared_from_this(), read(child));
  while (reading_ && !stopping_ && !unwanted()) co_await changed_.wait(wanted_until() - Clock::now());
  if (reading_) {
    co_await child->stop(kGrace);
    co_await changed_.until([this] { return !reading_; }, ours ? 0s : kLastLines);
    child->close();
    co_await changed_.until([this] { return !reading_; });
  }
  const int status = co_await child->wait();
  co_return status;
}

/// What comes behind a run: `waiting` for pause_, or an end.
FeedState Feed::after(int status, Clock::time_point begun) {
  const auto now = Clock::now();
  const FeedState end = status == 0 ? FeedState::ended : FeedState::failed;
  const std::string what = spec_.name + ": ended with status " + std::to_string(status);
  if (spec_.pipeline.empty()) return end;
  if (spec_.every_ns != 0) {
    pause_ = begun + std::chrono::nanoseconds(spec_.every_ns) - now;
    if (status > 0) log_.warning(what);
    return FeedState::waiting;
  }
  if (spec_.restart == Restart::never || (spec_.restart == Restart::on_failure && status == 0)) {
    if (status >= 0) status == 0 ? log_.info(what) : log_.error(what);
    return end;
  }
  if (now - begun >= kHealthy) delay_ = kFirstWait;
  pause_ = delay_ * std::uniform_int_distribution(750, 1250)(random_) / 1000;
  delay_ = std::min<std::chrono::nanoseconds>(delay_ * 2, kLongestWait);
  if (status >= 0) log_.warning(what + ", starts again in " + std::to_string(pause_ / 1ms) + " ms");
  return FeedState::waiting;
}

awaitable<void> Feed::run() {
  for (bool first = true; !stopping_;) {
    if (unwanted()) {
      counts_.state = FeedState::idle;
      co_await changed_.wait();
      continue;
    }
    if (!std::exchange(first, false)) ++counts_.restarts;
    const auto begun = Clock::now();
    const int status = co_await play();
    if (stopping_) break;
    if (unwanted()) continue;
    counts_.state = after(status, begun);
    if (counts_.state != FeedState::waiting) break;
    const auto until = Clock::now() + pause_;
    while (!stopping_ && !unwanted() && Clock::now() < until) {
      co_await changed_.wait(std::min(until, wanted_until()) - Clock::now());
    }
  }
  if (counts_.state != FeedState::failed) counts_.state = FeedState::ended;
  settle(0);  // listeners see the end
  skips_.finish();
  running_ = false;
  changed_.notify();
}

awaitable<void> Feed::stop() {
  const auto self = shared_from_this();
  stopping_ = true;
  changed_.notify();
  co_await changed_.until([this] { return !running_; });
}

std::vector<Text> Feed::history(size_t count) const {
  const size_t given = std::min({count, spec_.history, history_.size()});
  return {history_.end() - static_cast<std::ptrdiff_t>(given), history_.end()};
}

std::vector<Text> Feed::state() const {
  std::vector<Text> records;
  for (const auto& [number, kept] : newest_.by_number()) records.push_back(kept.entry);
  return records;
}

}  // namespace wl::wsbridge::stream
