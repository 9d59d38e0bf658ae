#include "tools/wsbridge/stream/view.h"

#include <algorithm>

#include "libcommon/base/time.h"
#include "libcommon/ndjson/fields.h"
#include "tools/wsbridge/websocket/codec.h"

namespace wl::wsbridge::stream {
namespace {

size_t index(Framing framing) { return static_cast<size_t>(framing); }

/// The wanted field of a JSON object: its kind and text in one, empty where there is none.
std::string field(std::string_view json, ndjson::Fields& fields) {
  std::string padded(json);
  padded.append(ndjson::kPadding, ' ');
  if (!fields.read(std::string_view(padded).substr(0, json.size())) || !fields[0].present()) return {};
  return std::to_string(static_cast<int>(fields[0].kind)).append(fields[0].text);
}

void append_framed(std::string& out, Framing framing, std::string_view text) {
  if (framing != Framing::lines) return websocket::append_frame(out, websocket::Opcode::text, text);
  out.append(text) += '\n';
}

}  // namespace

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
    : feed_(feed),
      program_(std::move(program)),
      options_(options),
      failures_(log, "record"),
      key_(std::span(&feed.spec().key, 1)) {}

std::string View::notice(Framing framing, const std::string& json) const {
  std::string framed;
  append_framed(framed, framing, options_.timestamp ? with_timestamp(json) : json);
  return framed;
}

std::string_view View::frame(Framing framing, std::string_view text) {
  frame_.clear();
  if (framing == Framing::deflated) {
    if (!deflater_) deflater_ = std::make_unique<websocket::Deflater>();
    const std::string_view deflated = deflater_->deflate(text);
    // Where it gains nothing it goes as it is, and costs the client nothing.
    if (deflated.size() < text.size()) {
      websocket::append_frame(frame_, websocket::Opcode::text, deflated, true);
      return frame_;
    }
  }
  append_framed(frame_, framing, text);
  return frame_;
}

std::vector<Text> View::shape(const Text& json) {
  if (!program_ && !options_.timestamp) return {json};
  if (!program_) return {std::make_shared<const std::string>(with_timestamp(*json))};
  std::vector<Text> messages;
  const auto done = program_->run(*json, [&](std::string_view result) {
    messages.push_back(
        std::make_shared<const std::string>(options_.timestamp ? with_timestamp(result) : result));
  });
  if (!done) failures_.add(feed_.spec().name + ": " + done.error().line());
  return messages;
}

void View::record(const Text& json) {
  std::vector<Text> messages = shape(json);
  if (messages.empty()) return;
  if (options_.slow == Slow::conflate) {
    return replace(feed_.spec().key.empty() ? "" : field(*json, key_), std::move(messages));
  }
  ++records_;
  for (Text& text : messages) {
    for (const Framing framing : {Framing::text, Framing::deflated, Framing::lines}) {
      if (auto& backlog = backlogs_[index(framing)]) backlog->append(frame(framing, *text));
    }
    recent_bytes_ += text->size();
    recent_.push_back({next_++, records_, std::move(text)});
  }
  while (!recent_.empty() && (recent_.front().record + feed_.spec().history <= records_ ||
                              recent_bytes_ > options_.backlog_bytes)) {
    recent_bytes_ -= recent_.front().text->size();
    recent_.pop_front();
  }
}

void View::replace(std::string key, std::vector<Text> messages) {
  next_ += messages.size();
  for (const Text& text : messages) recent_bytes_ += text->size();
  uint64_t& number = by_key_[key];
  if (const auto old = table_.find(number); old != table_.end()) {
    for (const Text& text : old->second.messages) recent_bytes_ -= text->size();
    table_.erase(old);
  }
  number = next_ - 1;
  table_.emplace(number, Newest{.key = std::move(key), .messages = std::move(messages)});
  while (table_.size() > 1 && recent_bytes_ > options_.backlog_bytes) {
    for (const Text& text : table_.begin()->second.messages) recent_bytes_ -= text->size();
    by_key_.erase(table_.begin()->second.key);
    table_.erase(table_.begin());
  }
}

void View::settled() {
  for (const Subscription* each : subscriptions_) each->wake_();
}

bool View::full() const {
  if (options_.slow != Slow::block || subscriptions_.empty()) return false;
  return backlogs_[index(subscriptions_.front()->framing_)]->bytes() >= options_.backlog_bytes;
}

void View::enter(Subscription& subscription, size_t history) {
  const bool conflate = options_.slow == Slow::conflate;
  if (subscriptions_.empty()) {
    std::vector<Text> records = feed_.history(feed_.spec().history);
    if (conflate) records = feed_.spec().key.empty() ? feed_.history(1) : feed_.state();
    for (const Text& json : records) record(json);
    feed_.add(*this);
  }
  subscriptions_.push_back(&subscription);
  subscription.next_ = next_;
  if (conflate) {
    subscription.joining_ = history > 0 && !table_.empty();
    if (subscription.joining_) subscription.next_ = 0;
    return;
  }
  auto& backlog = backlogs_[index(subscription.framing_)];
  if (!backlog) {
    backlog.emplace(options_.slow == Slow::block ? SIZE_MAX : options_.backlog_bytes,
                    recent_.empty() ? next_ : recent_.front().number);
    for (const Shaped& shaped : recent_) backlog->append(frame(subscription.framing_, *shaped.text));
  }
  const auto first =
      std::ranges::find_if(recent_, [&](const Shaped& each) { return each.record + history > records_; });
  if (first != recent_.end()) subscription.next_ = std::max(first->number, backlog->oldest());
}

void View::leave(Subscription& subscription) {
  std::erase(subscriptions_, &subscription);
  const bool last = std::ranges::none_of(
      subscriptions_, [&](const Subscription* each) { return each->framing_ == subscription.framing_; });
  if (last) backlogs_[index(subscription.framing_)].reset();
  if (!subscriptions_.empty()) return;
  feed_.remove(*this);
  recent_.clear();
  table_.clear();
  by_key_.clear();
  pieces_ = {};
  recent_bytes_ = 0;
}

bool View::take(Subscription& subscription, size_t max_bytes, Batch& into) {
  if (options_.slow == Slow::conflate) return take_newest(subscription, into), true;
  Backlog& backlog = *backlogs_[index(subscription.framing_)];
  if (subscription.next_ < backlog.oldest()) {
    if (options_.slow == Slow::cut) return false;
    const uint64_t last = backlog.oldest() - 1;
    const auto gap = std::make_shared<const std::string>(
        notice(subscription.framing_, R"({"type":"gap","from":)" + std::to_string(subscription.next_) +
                                          R"(,"to":)" + std::to_string(last) + "}"));
    into.add(*gap, gap);
    into.dropped += last + 1 - subscription.next_;
    subscription.next_ = last + 1;
  }
  subscription.next_ = backlog.take(subscription.next_, max_bytes, into);
  if (options_.slow == Slow::block) {
    const bool was_full = full();
    backlog.discard(subscription.next_);
    if (was_full && !full()) feed_.resume();
  }
  return true;
}

View::Piece View::make_piece(Framing framing, uint64_t from, bool joining) {
  Piece piece{.from = from, .next = next_, .made_at = next_};
  std::string bytes;
  for (auto at = table_.lower_bound(from); at != table_.end(); ++at) {
    if (bytes.size() >= kMaxPiece) {
      piece.next = std::prev(at)->first + 1;
      break;
    }
    std::string& framed = at->second.framed[index(framing)];
    if (framed.empty()) {
      for (const Text& text : at->second.messages) framed += frame(framing, *text);
    }
    bytes += framed;
    piece.messages += at->second.messages.size();
  }
  piece.conflated = joining ? 0 : piece.next - from - piece.messages;
  if (piece.conflated != 0) {
    bytes.insert(0, notice(framing, R"({"type":"skipped","count":)" + std::to_string(piece.conflated) + "}"));
  }
  piece.bytes = std::make_shared<const std::string>(std::move(bytes));
  return piece;
}

void View::take_newest(Subscription& subscription, Batch& into) {
  if (subscription.next_ == next_) return;
  Piece& piece = pieces_[index(subscription.framing_)];
  if (piece.from != subscription.next_ || piece.made_at != next_ || !piece.bytes) {
    piece = make_piece(subscription.framing_, subscription.next_, subscription.joining_);
  }
  into.add(*piece.bytes, piece.bytes);
  into.messages += piece.messages;
  into.conflated += piece.conflated;
  subscription.next_ = piece.next;
  if (piece.next == next_) subscription.joining_ = false;
}

Subscription::Subscription(std::shared_ptr<View> view, Framing framing, std::function<void()> wake)
    : view_(std::move(view)), framing_(framing), wake_(std::move(wake)) {}

std::unique_ptr<Subscription> Subscription::join(std::shared_ptr<View> view, Framing framing, size_t history,
                                                 std::function<void()> wake) {
  if (view->options_.slow == Slow::block && !view->subscriptions_.empty()) return nullptr;
  View& entered = *view;
  std::unique_ptr<Subscription> made(new Subscription(std::move(view), framing, std::move(wake)));
  entered.enter(*made, history);
  return made;
}

Subscription::~Subscription() { view_->leave(*this); }

bool Subscription::take(size_t max_bytes, Batch& into) { return view_->take(*this, max_bytes, into); }

bool Subscription::ended() const {
  const FeedState state = view_->feed_.counts().state;
  return (state == FeedState::ended || state == FeedState::failed) && next_ == view_->next_;
}

}  // namespace wl::wsbridge::stream
