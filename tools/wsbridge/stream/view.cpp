#include "tools/wsbridge/stream/view.h"

#include <algorithm>
#include <cstring>

#include "libcommon/base/time.h"
#include "tools/wsbridge/websocket/codec.h"

namespace wl::wsbridge::stream {
namespace {

/// The wanted field of a JSON object: its kind and text in one, empty where there is none.
std::string field(std::string_view json, ndjson::Fields& fields) {
  std::string padded(json);
  padded.append(ndjson::kPadding, ' ');
  if (!fields.read(std::string_view(padded).substr(0, json.size())) || !fields[0].present()) return {};
  return std::to_string(static_cast<int>(fields[0].kind)).append(fields[0].text);
}

/// The body of answer_lines().
class LinesBody final : public http::BodySource {
 public:
  LinesBody(boost::asio::any_io_executor executor, std::shared_ptr<View> view, size_t history, Still still)
      : wake_(std::move(executor)),
        still_(std::move(still)),
        subscription_(
            Subscription::join(std::move(view), Framing::lines, history, [this] { wake_.notify(); })) {}

  boost::asio::awaitable<std::optional<std::string>> next() override {
    Batch batch;
    while (subscription_ && !gone_ && subscription_->take(kMaxPiece, batch)) {
      if (still_ && !co_await still_()) break;
      if (batch.bytes != 0) co_return batch.text();
      if (subscription_->ended()) break;
      co_await wake_.wait();
    }
    co_return std::nullopt;
  }
  void gone() override {
    gone_ = true;
    wake_.notify();
  }

 private:
  process::Event wake_;
  Still still_;
  bool gone_ = false;
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace

void Batch::add(std::string_view part, std::shared_ptr<const void> owner) {
  parts.emplace_back(part.data(), part.size());
  owners.push_back(std::move(owner));
  bytes += part.size();
}

void Batch::clear() {
  parts.clear();
  owners.clear();
  bytes = 0;
  messages = dropped = conflated = 0;
}

std::string Batch::text() const {
  std::string all;
  all.reserve(bytes);
  for (const auto& part : parts) all.append(static_cast<const char*>(part.data()), part.size());
  return all;
}

void Backlog::drop_oldest() {
  bytes_ -= chunks_.front()->used();
  chunks_.pop_front();
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
    into.add({(*chunk)->bytes.get() + begin, *(last - 1) - begin}, *chunk);
    into.messages += static_cast<uint64_t>(last - first);
    from += static_cast<uint64_t>(last - first);
    if (last != ends.end()) break;
  }
  return from;
}

void Backlog::discard(uint64_t number) {
  while (!chunks_.empty() && chunks_.front()->first + chunks_.front()->ends.size() <= number) drop_oldest();
}

std::string with_timestamp(std::string_view json) {
  const size_t last = json.find_last_not_of(" \t\r\n");
  const size_t first = json.find_first_not_of(" \t\r\n");
  if (last == std::string_view::npos || json[first] != '{' || json[last] != '}') return std::string(json);
  if (json.find("\"timestamp\"") != std::string_view::npos) {
    const std::string path = "timestamp";
    ndjson::Fields fields(std::span(&path, 1));
    if (!field(json, fields).empty()) return std::string(json);
  }
  const bool empty = json.find_first_not_of(" \t\r\n", first + 1) == last;
  std::string text(json.substr(0, last));
  text.append(empty ? "\"timestamp\":\"" : ",\"timestamp\":\"");
  return text.append(base::rfc3339(base::wall_clock_ns(), 6)).append("\"}");
}

View::View(Feed& feed, std::optional<shape::Program> program, const ViewOptions& options, base::Log& log)
    : feed_(feed.shared_from_this()),
      program_(std::move(program)),
      options_(options),
      failures_(log, "record"),
      key_(std::span(&feed.spec().key, 1)),
      table_(options.backlog_bytes) {}

/// Lives until the next one.
std::string_view View::frame(Framing framing, std::string_view text) {
  frame_.clear();
  std::string_view deflated = text;
  if (framing == Framing::deflated) {
    if (!deflater_) deflater_.emplace();
    deflated = deflater_->deflate(text);
  }
  if (framing == Framing::lines) {
    frame_.append(text) += '\n';
  } else {
    // Where deflating gains nothing it goes as it is, and costs the client nothing.
    const bool gains = deflated.size() < text.size();
    websocket::append_frame(frame_, websocket::Opcode::text, gains ? deflated : text, gains);
  }
  return frame_;
}

Text View::notice(Framing framing, const std::string& json) {
  if (framing == Framing::deflated) framing = Framing::text;
  return std::make_shared<const std::string>(
      frame(framing, options_.timestamp ? with_timestamp(json) : json));
}

void View::shape(const std::string& json, const std::function<void(std::string_view message)>& each) {
  const auto stamp = [&](std::string_view message) {
    options_.timestamp ? each(with_timestamp(message)) : each(message);
  };
  if (!program_) return stamp(json);
  if (const auto done = program_->run(json, stamp); !done)
    failures_.add(feed_->spec().name + ": " + done.error().line());
}

void View::append(Lanes& lanes, const std::string& json) {
  for (auto& [framing, lane] : lanes) lane.starts.push_back(lane.backlog.next());
  shape(json, [&](std::string_view message) {
    for (auto& [framing, lane] : lanes) lane.backlog.append(frame(framing, message));
  });
  for (auto& [framing, lane] : lanes) {
    if (lane.starts.back() == lane.backlog.next()) lane.starts.pop_back();
    if (lane.starts.size() > feed_->spec().history) lane.starts.pop_front();
  }
}

void View::record(const Text& json) {
  if (options_.slow != Slow::conflate) return append(lanes_, *json);
  Shaped shaped;
  size_t bytes = 0;
  shape(*json, [&](std::string_view message) {
    shaped.messages.emplace_back(message);
    bytes += message.size();
  });
  if (shaped.messages.empty()) return;
  table_.put(next_++, feed_->spec().key.empty() ? "" : field(*json, key_), bytes, std::move(shaped));
}

void View::settled() {
  for (const Subscription* each : subscriptions_) each->wake_();
}

bool View::full() const {
  return options_.slow == Slow::block && !lanes_.empty() &&
         lanes_.begin()->second.backlog.bytes() >= options_.backlog_bytes;
}

std::unique_ptr<Subscription> Subscription::join(std::shared_ptr<View> view, Framing framing, size_t history,
                                                 std::function<void()> wake) {
  if (view->options_.slow == Slow::block && !view->subscriptions_.empty()) return nullptr;
  return std::unique_ptr<Subscription>(new Subscription(std::move(view), framing, history, std::move(wake)));
}

Subscription::Subscription(std::shared_ptr<View> given, Framing framing, size_t history,
                           std::function<void()> wake)
    : view_(std::move(given)), framing_(framing), wake_(std::move(wake)) {
  View& view = *view_;
  Feed& feed = *view.feed_;
  const bool conflate = view.options_.slow == Slow::conflate;
  if (view.subscriptions_.empty()) {
    if (conflate) {
      for (const Text& json : feed.spec().key.empty() ? feed.history(1) : feed.state()) view.record(json);
    }
    feed.add(view);
  }
  view.subscriptions_.push_back(this);
  if (conflate) {
    joining_ = history > 0 && view.next_ > 1;
    next_ = joining_ ? 0 : view.next_;
    return;
  }
  if (!view.lanes_.contains(framing)) {
    View::Lanes made;
    const bool block = view.options_.slow == Slow::block;
    made.emplace(framing, View::Lane{Backlog(block ? SIZE_MAX : view.options_.backlog_bytes)});
    for (const Text& json : feed.history(SIZE_MAX)) view.append(made, *json);
    view.lanes_.merge(made);
  }
  lane_ = &view.lanes_.at(framing);
  const auto& starts = lane_->starts;
  history = std::min(history, starts.size());
  next_ = history == 0 ? lane_->backlog.next()
                       : std::max(starts[starts.size() - history], lane_->backlog.oldest());
}

Subscription::~Subscription() {
  View& view = *view_;
  std::erase(view.subscriptions_, this);
  if (std::ranges::find(view.subscriptions_, framing_, &Subscription::framing_) == view.subscriptions_.end())
    view.lanes_.erase(framing_);
  if (!view.subscriptions_.empty()) return;
  view.feed_->remove(view);
  view.table_.clear();
}

bool Subscription::take(size_t max_bytes, Batch& into) {
  View& view = *view_;
  if (lane_ == nullptr) return take_newest(max_bytes, into), true;
  Backlog& backlog = lane_->backlog;
  if (next_ < backlog.oldest()) {
    if (view.options_.slow == Slow::cut) return false;
    const uint64_t last = backlog.oldest() - 1;
    const Text gap = view.notice(framing_, R"({"type":"gap","from":)" + std::to_string(next_) + R"(,"to":)" +
                                               std::to_string(last) + "}");
    into.add(*gap, gap);
    into.dropped += last + 1 - next_;
    next_ = last + 1;
  }
  next_ = backlog.take(next_, max_bytes, into);
  if (view.options_.slow == Slow::block) {
    const bool was_full = view.full();
    backlog.discard(next_);
    if (was_full && !view.full()) view.feed_->resume();
  }
  return true;
}

Text View::framed(Shaped& shaped, Framing framing) {
  Text& made = shaped.framed[static_cast<size_t>(framing)];
  if (made) return made;
  std::string all;
  for (const std::string& message : shaped.messages) all += frame(framing, message);
  return made = std::make_shared<const std::string>(std::move(all));
}

void Subscription::take_newest(size_t max_bytes, Batch& into) {
  View& view = *view_;
  auto& table = view.table_.by_number();
  const size_t before = into.parts.size();
  uint64_t skipped = view.next_ - next_;
  auto at = table.lower_bound(next_);
  for (; at != table.end() && into.bytes < max_bytes; ++at) {
    const Text framed = view.framed(at->second.entry, framing_);
    into.add(*framed, framed);
    into.messages += at->second.entry.messages.size();
    --skipped;
  }
  next_ = at == table.end() ? view.next_ : at->first;
  skipped -= view.next_ - next_;
  if (!joining_ && skipped != 0) {
    const Text notice =
        view.notice(framing_, R"({"type":"skipped","count":)" + std::to_string(skipped) + "}");
    into.add(*notice, notice);
    std::rotate(into.parts.begin() + static_cast<ptrdiff_t>(before), into.parts.end() - 1, into.parts.end());
    into.conflated += skipped;
  }
  joining_ = joining_ && at != table.end();
}

bool Subscription::ended() const {
  const FeedState state = view_->feed_->counts().state;
  return (state == FeedState::ended || state == FeedState::failed) &&
         next_ == (lane_ == nullptr ? view_->next_ : lane_->backlog.next());
}

http::Response answer_lines(boost::asio::any_io_executor executor, std::shared_ptr<View> view, size_t history,
                            Still still) {
  return {
      .headers = {{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}},
      .body = std::make_unique<LinesBody>(std::move(executor), std::move(view), history, std::move(still))};
}

}  // namespace wl::wsbridge::stream
