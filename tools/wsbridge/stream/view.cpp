#include "tools/wsbridge/stream/view.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"

namespace wl::wsbridge::stream {
namespace {

constexpr std::chrono::seconds kStillEvery{5};  // between two looks whether the user may still have it

/// The body of answer_lines().
awaitable<void> write_lines(Executor executor, std::shared_ptr<View> view, Still still,
                            http::BodySink& sink) {
  process::Event wake(executor);
  bool more = true;
  const auto lines =
      Subscription::join(view, Framing::lines, view->spec().history, [&wake] { wake.notify(); });
  sink.gone = [&] {
    more = false;
    wake.notify();
  };
  while (more && lines) {
    if (still) more = co_await still();
    Batch batch;
    if (!more || !lines->take(kMaxPiece, batch)) break;
    const std::string text = batch.text();
    if (!text.empty()) {
      more = co_await sink.write(text);
    } else if (lines->ended()) {
      break;
    } else {
      co_await wake.wait(kStillEvery);
    }
  }
}

}  // namespace

std::string Batch::text() const {
  std::string all;
  all.reserve(bytes);
  for (const auto& part : parts) all.append(static_cast<const char*>(part.data()), part.size());
  return all;
}

void Backlog::append(std::string_view framed) {
  if (chunks_.empty() || chunks_.back()->capacity - chunks_.back()->used() < framed.size()) {
    // Sixteen chunks or more, so that what goes at once is a small part of what is kept.
    const size_t capacity = std::max(std::clamp<size_t>(max_bytes_ / 16, 1024, 65536), framed.size());
    chunks_.push_back(
        std::make_shared<Chunk>(next_, capacity, std::make_unique_for_overwrite<char[]>(capacity)));
  }
  Chunk& chunk = *chunks_.back();
  std::memcpy(chunk.bytes.get() + chunk.used(), framed.data(), framed.size());
  chunk.ends.push_back(chunk.used() + framed.size());
  bytes_ += framed.size();
  ++next_;
  while (chunks_.size() > 1 && bytes_ - chunks_.front()->used() >= max_bytes_) drop_oldest();
}

uint64_t Backlog::take(uint64_t from, size_t max_bytes, Batch& into) const {
  auto chunk = std::ranges::upper_bound(chunks_, from, {}, [](const auto& each) { return each->first; });
  if (from >= next_ || chunk == chunks_.begin()) return from;
  for (--chunk; chunk != chunks_.end(); ++chunk) {
    const auto& ends = (*chunk)->ends;
    const auto first = ends.begin() + static_cast<ptrdiff_t>(from - (*chunk)->first);
    const size_t begin = first == ends.begin() ? 0 : *(first - 1);
    auto last = std::upper_bound(first, ends.end(), begin + (max_bytes - std::min(max_bytes, into.bytes)));
    if (last == first && into.bytes == 0) ++last;
    if (last == first) break;
    const auto count = static_cast<uint64_t>(last - first);
    into.add({(*chunk)->bytes.get() + begin, *(last - 1) - begin}, *chunk, count);
    from += count;
    if (last != ends.end()) break;
  }
  return from;
}

std::string with_timestamp(std::string_view json) {
  const size_t last = json.find_last_not_of(" \t\r\n");
  const size_t first = json.find_first_not_of(" \t\r\n");
  if (last == std::string_view::npos || json[first] != '{' || json[last] != '}') return std::string(json);
  if (json.find("\"timestamp\"") != std::string_view::npos &&
      nlohmann::json::parse(json, nullptr, false).contains("timestamp"))
    return std::string(json);
  const bool empty = json.find_first_not_of(" \t\r\n", first + 1) == last;
  std::string text(json.substr(0, last));
  text.append(empty ? "\"timestamp\":\"" : ",\"timestamp\":\"");
  return text.append(base::rfc3339(base::wall_clock_ns(), 6)).append("\"}");
}

View::View(std::shared_ptr<Feed> feed, const SubscriptionSpec& spec, std::string user,
           shape::Program* program, size_t backlog_bytes, base::Log& log)
    : feed_(std::move(feed)),
      spec_(spec),
      user_(std::move(user)),
      program_(program),
      backlog_bytes_(backlog_bytes),
      failures_(log, "record"),
      table_(backlog_bytes) {}

bool View::has(const std::string& json) const {
  if (spec_.mine.empty()) return true;
  if (user_.empty() || !json.contains(user_)) return false;  // most are others'
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  return parsed.is_object() && parsed.value(spec_.mine, nlohmann::json()) == user_;
}

std::vector<Text> View::shape(const Text& json) {
  if (!has(*json)) return {};
  if (program_ == nullptr && !spec_.timestamp) return {json};
  std::vector<Text> messages;
  const auto add = [&](std::string_view message) {
    messages.push_back(
        std::make_shared<const std::string>(spec_.timestamp ? with_timestamp(message) : message));
  };
  if (program_ == nullptr) {
    add(*json);
  } else if (const auto done = program_->run(*json, add); !done) {
    failures_.add(feed_->spec().name + ": " + done.error().line());
  }
  return messages;
}

/// The answer lives until the next one.
std::string_view View::frame(Framing framing, const std::vector<Text>& messages) {
  if (framing == Framing::deflated && !deflater_) deflater_.emplace();
  frame_.clear();
  for (const Text& message : messages) {
    if (framing == Framing::lines) {
      frame_.append(*message) += '\n';
    } else {
      websocket::append_text(frame_, *message, framing == Framing::deflated ? &*deflater_ : nullptr);
    }
  }
  return frame_;
}

Text View::notice(Framing framing, const std::string& json) {
  const std::string text = spec_.timestamp ? with_timestamp(json) : json;
  return std::make_shared<const std::string>(frame(framing, {std::make_shared<const std::string>(text)}));
}

void View::record(const Text& json, const std::string& key) {
  std::vector<Text> messages = shape(json);
  if (messages.empty()) return;
  for (auto& [framing, backlog] : backlogs_) backlog.append(frame(framing, messages));
  if (spec_.slow != Slow::conflate) return;
  size_t bytes = 0;
  for (const Text& message : messages) bytes += message->size();
  table_.put(key, bytes, {std::move(messages)});
}

void View::settled() {
  for (const Subscription* each : subscriptions_) each->wake_();
}

std::unique_ptr<Subscription> Subscription::join(std::shared_ptr<View> view, Framing framing, size_t history,
                                                 std::function<void()> wake) {
  if (view->spec_.slow == Slow::block && !view->subscriptions_.empty()) return nullptr;
  return std::unique_ptr<Subscription>(new Subscription(std::move(view), framing, history, std::move(wake)));
}

Subscription::Subscription(std::shared_ptr<View> given, Framing framing, size_t history,
                           std::function<void()> wake)
    : view_(std::move(given)), framing_(framing), wake_(std::move(wake)) {
  View& view = *view_;
  Feed& feed = *view.feed_;
  const bool first = view.subscriptions_.empty();
  if (first) feed.add(view);
  view.subscriptions_.push_back(this);
  if (view.spec_.slow == Slow::conflate) {
    if (first) {
      for (const auto& [number, kept] : feed.newest().by_number()) view.record(kept.entry, *kept.key);
      if (feed.spec().key.empty() && feed.last()) view.record(feed.last(), "");
    }
    joining_ = history > 0;
    next_ = joining_ ? 0 : view.table_.next();
    return;
  }
  if (!view.backlogs_.contains(framing)) {
    Backlog made(view.spec_.slow == Slow::block ? SIZE_MAX : view.backlog_bytes_);
    for (const Text& json : feed.history(SIZE_MAX)) {
      const std::vector<Text> messages = view.shape(json);
      if (!messages.empty()) made.append(view.frame(framing, messages));
    }
    view.backlogs_.emplace(framing, std::move(made));
  }
  backlog_ = &view.backlogs_.at(framing);
  history = std::min(history, feed.spec().history);
  next_ = std::max(backlog_->next() - std::min<uint64_t>(history, backlog_->next()), backlog_->oldest());
}

Subscription::~Subscription() {
  View& view = *view_;
  std::erase(view.subscriptions_, this);
  if (std::ranges::find(view.subscriptions_, framing_, &Subscription::framing_) == view.subscriptions_.end())
    view.backlogs_.erase(framing_);
  if (!view.subscriptions_.empty()) return;
  view.feed_->remove(view);
  view.table_ = Newest<View::Shaped>(view.backlog_bytes_);
}

bool Subscription::take(size_t max_bytes, Batch& into) {
  View& view = *view_;
  if (backlog_ == nullptr) return take_newest(max_bytes, into), true;
  if (next_ < backlog_->oldest()) {
    if (view.spec_.slow == Slow::cut) return false;
    const uint64_t last = backlog_->oldest() - 1;
    const Text gap = view.notice(framing_, R"({"type":"gap","from":)" + std::to_string(next_) + R"(,"to":)" +
                                               std::to_string(last) + "}");
    into.add(*gap, gap);
    into.dropped += last + 1 - next_;
    next_ = last + 1;
  }
  next_ = backlog_->take(next_, max_bytes, into);
  if (view.spec_.slow == Slow::block) {
    const bool was_full = view.full();
    backlog_->discard(next_);
    if (was_full && !view.full()) view.feed_->resume();
  }
  return true;
}

void Subscription::take_newest(size_t max_bytes, Batch& into) {
  View& view = *view_;
  auto& table = view.table_.by_number();
  const uint64_t from = next_;
  const size_t before = into.parts.size();
  uint64_t taken = 0;
  auto at = table.lower_bound(from);
  for (; at != table.end() && into.bytes < max_bytes; ++at, ++taken) {
    auto& [messages, framed] = at->second.entry;
    Text& text = framed[static_cast<size_t>(framing_)];
    if (!text) text = std::make_shared<const std::string>(view.frame(framing_, messages));
    into.add(*text, text, messages.size());
  }
  next_ = at == table.end() ? view.table_.next() : at->first;
  const uint64_t skipped = joining_ ? 0 : next_ - from - taken;
  joining_ = joining_ && at != table.end();
  if (skipped == 0) return;
  const Text told = view.notice(framing_, R"({"type":"skipped","count":)" + std::to_string(skipped) + "}");
  into.add(*told, told);
  std::rotate(into.parts.begin() + static_cast<ptrdiff_t>(before), into.parts.end() - 1, into.parts.end());
  into.conflated += skipped;
}

bool Subscription::ended() const {
  const FeedState state = view_->feed_->counts().state;
  return (state == FeedState::ended || state == FeedState::failed) &&
         next_ == (backlog_ == nullptr ? view_->table_.next() : backlog_->next());
}

http::Response answer_lines(Executor executor, std::shared_ptr<View> view, Still still) {
  return {.headers = {{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}},
          .body = http::BodyMaker([executor, view, still](http::BodySink& sink) {
            return write_lines(executor, view, still, sink);
          })};
}

}  // namespace wl::wsbridge::stream
