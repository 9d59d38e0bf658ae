#include "tools/wsbridge/stream/backlog.h"

#include <algorithm>
#include <cstring>

namespace wl::wsbridge::stream {

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

}  // namespace wl::wsbridge::stream
