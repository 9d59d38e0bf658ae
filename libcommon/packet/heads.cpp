#include "libcommon/packet/heads.h"

namespace wl::packet {

std::string* Heads::find(const HeadKey& key) {
  if (by_key_.empty()) return nullptr;
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &found->second->bytes;
}

std::string& Heads::start(const HeadKey& key) {
  drop(key);
  if (by_key_.size() >= kMaxFlows) drop(by_age_.front().key);
  by_age_.push_back({key, {}});
  by_key_[key] = std::prev(by_age_.end());
  return by_age_.back().bytes;
}

void Heads::drop(HeadKey key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  by_age_.erase(found->second);
  by_key_.erase(found);
}

}  // namespace wl::packet
