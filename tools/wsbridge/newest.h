#pragma once
// What is remembered of many, in bounded memory.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace wl::wsbridge {

/// The newest entry of each key by its number 1, 2, …, so in the order of their last change. Of more than
/// `max_keys`, or `max_bytes`, those that changed last.
template <class Entry>
class Newest {
 public:
  static constexpr size_t kMaxKeys = 100'000;
  explicit Newest(size_t max_bytes, size_t max_keys = kMaxKeys)
      : max_bytes_(max_bytes), max_keys_(max_keys) {}

  void put(const std::string& key, size_t bytes, Entry entry) {
    erase(key);
    const auto place = numbers_.emplace(key, next_).first;
    kept_.emplace_hint(kept_.end(), next_++, Kept{&place->first, bytes, std::move(entry)});
    bytes_ += bytes;
    while (kept_.size() > max_keys_ || (bytes_ > max_bytes_ && kept_.size() > 1)) erase(oldest());
  }
  /// Null: it is not there. Good until the next change.
  [[nodiscard]] Entry* find(const std::string& key) {
    const auto place = numbers_.find(key);
    return place == numbers_.end() ? nullptr : &kept_.at(place->second).entry;
  }
  void erase(const std::string& key) {
    const auto place = numbers_.find(key);
    if (place == numbers_.end()) return;
    const auto old = kept_.find(place->second);
    bytes_ -= old->second.bytes;
    kept_.erase(old);
    numbers_.erase(place);
  }
  /// Its key; there must be one.
  [[nodiscard]] const std::string& oldest() const { return *kept_.begin()->second.key; }

  struct Kept {
    const std::string* key;
    size_t bytes;
    Entry entry;
  };
  [[nodiscard]] std::map<uint64_t, Kept>& by_number() { return kept_; }
  [[nodiscard]] const std::map<uint64_t, Kept>& by_number() const { return kept_; }
  /// The number that the next entry will have.
  [[nodiscard]] uint64_t next() const { return next_; }
  [[nodiscard]] size_t size() const { return kept_.size(); }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  size_t max_bytes_, max_keys_, bytes_ = 0;
  uint64_t next_ = 1;
  std::unordered_map<std::string, uint64_t> numbers_{};
  std::map<uint64_t, Kept> kept_{};
};

}  // namespace wl::wsbridge
