#include "tools/wsbridge/stream/feed.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <unordered_map>

#include <boost/asio/co_spawn.hpp>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"
#include "libcommon/ndjson/fields.h"
#include "libcommon/ndjson/text.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::stream {

namespace net = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kGrace = 5s;     // between SIGTERM and SIGKILL
constexpr auto kQuiet = 5s;     // without listeners, before a command on demand is stopped
constexpr auto kHealthy = 60s;  // a run so long makes the next back-off short again
constexpr auto kLongestWait = 30s;
constexpr size_t kHistoryBytes = size_t{16} << 20;
constexpr size_t kMaxKeys = 100'000;
constexpr size_t kStateBytes = size_t{64} << 20;
constexpr int kPipeBytes = 1 << 20;

/// The newest record of each key, in the order of their last change.
class Newest {
 public:
  void put(std::string_view key, const Text& record) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      order_.emplace_back(std::string(key), nullptr);
      index_.emplace(order_.back().first, std::prev(order_.end()));
    } else {
      bytes_ -= found->second->second->size();
      order_.splice(order_.end(), order_, found->second);
    }
    order_.back().second = record;
    bytes_ += record->size();
    while (order_.size() > kMaxKeys || (bytes_ > kStateBytes && order_.size() > 1)) {
      bytes_ -= order_.front().second->size();
      index_.erase(order_.front().first);
      order_.pop_front();
    }
  }
  [[nodiscard]] std::vector<Text> all() const {
    std::vector<Text> records;
    for (const auto& [key, record] : order_) records.push_back(record);
    return records;
  }

 private:
  using Order = std::list<std::pair<std::string, Text>>;
  Order order_{};
  std::unordered_map<std::string_view, Order::iterator> index_{};  // its keys stand in order_
  size_t bytes_ = 0;
};

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = line.find_first_not_of(kSpace);
  return begin == line.npos ? std::string_view()
                            : line.substr(begin, line.find_last_not_of(kSpace) + 1 - begin);
}

/// {"type":"line","text":…}
std::string as_line(std::string_view bytes) {
  const std::string text = base::wire_text(bytes);
  std::string record(ndjson::string_room(text) + 32, '\0');
  char* end = ndjson::put(record.data(), "{\"type\":\"line\",\"text\":");
  end = ndjson::put(ndjson::put_string(end, text), "}");
  record.resize(static_cast<size_t>(end - record.data()));
  return record;
}

}  // namespace

struct Feed::State {
  State(net::any_io_executor io, const StreamSpec& spec_, base::Log& log_)
      : executor(io),
        spec(spec_),
        log(log_),
        skips(log_, spec.name + " line"),
        changed(io),
        fields(std::span(&spec.key, spec.key.empty() ? 0 : 1)) {}

  void take(std::string_view line);
  void publish(std::string record, bool keyed);
  void tell(const std::function<void(Listener&)>& what);
  void skip(const std::string& reason);
  void settle(uint64_t too_long);
  [[nodiscard]] bool heard() const {
    return std::ranges::any_of(listeners, [](const Listener* listener) { return listener != nullptr; });
  }
  [[nodiscard]] bool unwanted() const {
    return spec.on_demand && !heard() && Clock::now() - quiet_since >= kQuiet;
  }
  [[nodiscard]] bool blocked() const {
    return !stopping && std::ranges::any_of(
                            listeners, [](const Listener* listener) { return listener && listener->full(); });
  }
  [[nodiscard]] base::Result<void> open();
  [[nodiscard]] FeedState after(int status, Clock::time_point begun);

  static net::awaitable<void> run(std::shared_ptr<State> state);
  static net::awaitable<int> play(std::shared_ptr<State> state);
  static net::awaitable<void> stop_when_quiet(std::shared_ptr<State> state);
  static net::awaitable<void> stop(std::shared_ptr<State> state);

  net::any_io_executor executor;
  StreamSpec spec;
  base::Log& log;
  base::SkipReport skips;
  process::Event changed;
  FeedCounts counts{};
  ndjson::Fields fields;
  std::vector<Listener*> listeners{};  // null: removed
  bool calling = false;                // one of them is at it
  std::deque<Text> history{};
  size_t history_bytes = 0;
  Text last{};
  Newest newest{};
  std::shared_ptr<process::Input> input{};
  std::shared_ptr<process::Child> child{};  // the same, when it is a command
  uint64_t line_number = 0;
  Clock::time_point quiet_since = Clock::now() - kQuiet;
  bool quieting = false;  // stop_when_quiet() is at it
  bool quieted = false;   // and has stopped the command
  bool started = false, stopping = false, finished = false;
  std::chrono::nanoseconds delay = 1s, pause{};
  std::minstd_rand random{std::random_device()()};
};

void Feed::State::skip(const std::string& reason) {
  ++counts.skipped;
  skips.add(spec.name + ":" + std::to_string(line_number) + ": " + reason);
}

void Feed::State::take(std::string_view line) {
  ++line_number;
  const std::string_view text = trimmed(line);
  if (fields.read(text)) {
    publish(std::string(text), !spec.key.empty() && fields[0].present());
  } else if (spec.text_lines) {
    publish(as_line(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line), false);
  } else {
    skip("expected a JSON object");
  }
}

void Feed::State::tell(const std::function<void(Listener&)>& what) {
  calling = true;
  const size_t count = listeners.size();
  for (size_t i = 0; i < count; ++i) {
    if (listeners[i] != nullptr) what(*listeners[i]);
  }
  calling = false;
  std::erase(listeners, nullptr);
}

void Feed::State::publish(std::string record, bool keyed) {
  const Text text = std::make_shared<const std::string>(std::move(record));
  ++counts.records;
  counts.bytes += text->size();
  counts.last_ns = base::wall_clock_ns();
  last = text;
  history.push_back(text);
  history_bytes += text->size();
  while (history.size() > spec.history || history_bytes > kHistoryBytes) {
    history_bytes -= history.front()->size();
    history.pop_front();
  }
  if (keyed) newest.put(fields[0].text, text);
  tell([&](Listener& listener) { listener.record(text); });
}

void Feed::State::settle(uint64_t too_long) {
  for (; too_long != 0; --too_long) {
    ++line_number;
    skip("longer than 16 MiB");
  }
  tell([](Listener& listener) { listener.settled(); });
}

base::Result<void> Feed::State::open() {
  if (spec.pipeline.empty()) {
    auto opened = process::Input::of(executor, STDIN_FILENO);
    if (!opened) return std::unexpected(opened.error());
    input = std::move(*opened);
    return {};
  }
  const process::Ends ends{.name = spec.name, .pipe_bytes = kPipeBytes};
  auto opened = process::Child::start(executor, spec.pipeline, ends, log);
  if (!opened) return std::unexpected(opened.error());
  input = child = std::move(*opened);
  return {};
}

/// Once through the command: its exit status, -1 when it could not be started.
net::awaitable<int> Feed::State::play(std::shared_ptr<State> state) {
  if (auto opened = state->open(); !opened) {
    state->log.error(base::with_context(state->spec.name, opened.error()).error());
    co_return -1;
  }
  state->counts.state = FeedState::running;
  state->line_number = 0;
  const auto input = state->input;
  const auto child = state->child;
  process::Lines lines(*input);
  State* const own = state.get();
  const std::function<void(std::string_view)> each = [own](std::string_view line) { own->take(line); };
  for (bool more = true; more;) {
    const uint64_t before = lines.too_long();
    more = co_await lines.next(each);
    state->settle(lines.too_long() - before);
    while (state->blocked()) co_await state->changed.wait();
  }
  int status = 0;
  if (child) status = co_await child->wait();
  state->input.reset();
  state->child.reset();
  co_return status;
}

/// What comes behind a run: `waiting` for `pause`, or an end.
FeedState Feed::State::after(int status, Clock::time_point begun) {
  const auto now = Clock::now();
  const FeedState end = status == 0 ? FeedState::ended : FeedState::failed;
  const std::string what = status < 0 ? "" : spec.name + ": ended with status " + std::to_string(status);
  if (spec.pipeline.empty()) return end;
  if (spec.every_ns != 0) {
    pause = std::max<std::chrono::nanoseconds>(begun + std::chrono::nanoseconds(spec.every_ns) - now, 0ns);
    if (status > 0) log.warning(what);
    return FeedState::waiting;
  }
  if (spec.restart == Restart::never || (spec.restart == Restart::on_failure && status == 0)) {
    if (status >= 0) status == 0 ? log.info(what) : log.error(what);
    return end;
  }
  if (now - begun >= kHealthy) delay = 1s;
  pause = delay * std::uniform_int_distribution(750, 1250)(random) / 1000;
  delay = std::min<std::chrono::nanoseconds>(delay * 2, kLongestWait);
  const auto shown = std::chrono::duration_cast<std::chrono::milliseconds>(pause).count();
  if (status >= 0) log.warning(what + ", starts again in " + std::to_string(shown) + " ms");
  return FeedState::waiting;
}

net::awaitable<void> Feed::State::run(std::shared_ptr<State> state) {
  for (bool first = true; !state->stopping;) {
    if (state->unwanted()) {
      state->counts.state = FeedState::idle;
      co_await state->changed.wait();
      continue;
    }
    if (!std::exchange(first, false)) ++state->counts.restarts;
    const auto begun = Clock::now();
    const int status = co_await play(state);
    if (state->stopping) break;
    if (std::exchange(state->quieted, false)) continue;
    state->counts.state = state->after(status, begun);
    if (state->counts.state != FeedState::waiting) break;
    const auto until = Clock::now() + state->pause;
    while (!state->stopping && !state->unwanted() && Clock::now() < until) {
      co_await state->changed.wait(until - Clock::now());
    }
  }
  state->finished = true;
  if (state->counts.state != FeedState::failed) state->counts.state = FeedState::ended;
  state->settle(0);  // listeners see the end
  state->skips.finish();
  state->changed.notify();
}

net::awaitable<void> Feed::State::stop_when_quiet(std::shared_ptr<State> state) {
  while (!state->stopping && !state->heard() && !state->unwanted()) {
    co_await state->changed.wait(state->quiet_since + kQuiet - Clock::now());
  }
  state->quieting = false;
  state->changed.notify();
  const auto child = state->child;
  if (!child || state->stopping || !state->unwanted()) co_return;
  state->quieted = true;
  co_await child->stop(kGrace);
  child->close();
}

net::awaitable<void> Feed::State::stop(std::shared_ptr<State> state) {
  constexpr auto kLastLines = 1s;
  state->stopping = true;
  state->changed.notify();
  const auto input = state->input;
  const auto child = state->child;
  if (child) co_await child->stop(kGrace);
  const auto until = Clock::now() + kLastLines;
  while (child && !state->finished && Clock::now() < until)
    co_await state->changed.wait(until - Clock::now());
  if (input) input->close();
  while (state->started && !state->finished) co_await state->changed.wait();
}

Feed::Feed(net::any_io_executor executor, const StreamSpec& spec, base::Log& log)
    : state_(std::make_shared<State>(executor, spec, log)) {}

Feed::~Feed() {
  state_->listeners.clear();
  net::co_spawn(state_->executor, State::stop(state_), process::rethrow);
}

void Feed::start() {
  state_->started = true;
  net::co_spawn(state_->executor, State::run(state_), process::rethrow);
}

net::awaitable<void> Feed::stop() {
  const auto state = state_;
  co_await State::stop(state);
}

void Feed::add(Listener& listener) {
  state_->listeners.push_back(&listener);
  state_->changed.notify();
}

void Feed::remove(Listener& listener) {
  if (state_->calling) std::ranges::replace(state_->listeners, &listener, nullptr);
  if (!state_->calling) std::erase(state_->listeners, &listener);
  state_->changed.notify();
  if (!state_->spec.on_demand || state_->heard()) return;
  state_->quiet_since = Clock::now();
  if (std::exchange(state_->quieting, true)) return;
  net::co_spawn(state_->executor, State::stop_when_quiet(state_), process::rethrow);
}

void Feed::resume() { state_->changed.notify(); }

Text Feed::last() const { return state_->last; }

std::vector<Text> Feed::history(size_t count) const {
  const auto& all = state_->history;
  return {all.end() - static_cast<std::ptrdiff_t>(std::min(count, all.size())), all.end()};
}

std::vector<Text> Feed::state() const { return state_->newest.all(); }
const StreamSpec& Feed::spec() const { return state_->spec; }
const FeedCounts& Feed::counts() const { return state_->counts; }

}  // namespace wl::wsbridge::stream
