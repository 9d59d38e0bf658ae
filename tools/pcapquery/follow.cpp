#include "tools/pcapquery/follow.h"

#include <algorithm>

namespace wl::pcapquery {

int64_t Direction::place(uint32_t sequence) const {
  const auto expected = first_ + static_cast<uint32_t>(next_);
  return next_ + static_cast<int32_t>(sequence - expected);
}

void Direction::add(const Segment& segment, const Give& give) {
  const uint32_t sequence = segment.sequence + (segment.syn ? 1U : 0U);
  if (!begun_) {
    begun_ = true;
    first_ = sequence;
  }
  if (segment.length == 0) return;
  const Kept kept{{segment.bytes.begin(), segment.bytes.end()},
                  segment.length,
                  segment.n,
                  segment.time_ns,
                  segment.has_time};
  const int64_t at = place(sequence);
  if (at <= next_) {
    give_from(at, kept, give);
    return give_kept(give);
  }
  kept_bytes_ += kept.bytes.size();
  kept_.emplace(at, kept);
  if (kept_bytes_ <= kMostKept) return;
  skip_to(kept_.begin()->first, kept_.begin()->second, give);
  give_kept(give);
}

void Direction::acknowledged(uint32_t sequence, const Give& give) {
  const int64_t at = begun_ ? place(sequence) : 0;
  while (!kept_.empty() && kept_.begin()->first <= at) {
    skip_to(kept_.begin()->first, kept_.begin()->second, give);
    give_kept(give);
  }
}

void Direction::finish(const Give& give) {
  while (!kept_.empty()) {
    skip_to(kept_.begin()->first, kept_.begin()->second, give);
    give_kept(give);
  }
}

/// What of the segment is new; what the capture cut off of it is missing.
void Direction::give_from(int64_t at, const Kept& kept, const Give& give) {
  const int64_t end = at + kept.length;
  if (end <= next_) return;
  const auto known = static_cast<size_t>(next_ - at);
  if (known < kept.bytes.size()) {
    const auto bytes = std::span(kept.bytes).subspan(known);
    give({static_cast<uint64_t>(next_), bytes, 0, kept.n, kept.time_ns, kept.has_time});
    next_ += static_cast<int64_t>(bytes.size());
  }
  skip_to(end, kept, give);
}

void Direction::give_kept(const Give& give) {
  while (!kept_.empty() && kept_.begin()->first <= next_) {
    const auto first = kept_.extract(kept_.begin());
    kept_bytes_ -= first.mapped().bytes.size();
    give_from(first.key(), first.mapped(), give);
  }
}

void Direction::skip_to(int64_t at, const Kept& next, const Give& give) {
  if (at <= next_) return;
  give({static_cast<uint64_t>(next_),
        {},
        static_cast<uint64_t>(at - next_),
        next.n,
        next.time_ns,
        next.has_time});
  next_ = at;
}

}  // namespace wl::pcapquery
