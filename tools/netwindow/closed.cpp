#include <algorithm>
#include <numeric>
#include <tuple>

#include "tools/netwindow/report.h"

namespace wl::netwindow {

uint8_t Names::id(std::string_view name) {
  if (name.empty() || name.size() > kMaxLength) return 0;
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) return static_cast<uint8_t>(found - names_.begin());
  if (names_.size() > UINT8_MAX) return 0;
  names_.emplace_back(name);
  return static_cast<uint8_t>(names_.size() - 1);
}

std::optional<Amount> sort_value(const Shape& shape, std::string_view key, const Key& of) {
  const Totals& t = of.totals;
  if (shape.generic) {
    if (key == "count") return Amount{t.packets};
    const auto found = std::ranges::find(shape.sums, key);
    if (found == shape.sums.end()) return std::nullopt;
    const auto index = static_cast<size_t>(found - shape.sums.begin());
    return index < t.sums.size() ? t.sums[index] : Amount{0};
  }
  if (key == "bytes") return Amount{t.bytes};
  if (key == "packets") return Amount{t.packets};
  if (key == "in_packets") return Amount{t.in_packets};
  if (key == "in_bytes") return Amount{t.in_bytes};
  if (key == "out_packets") return Amount{t.out_packets};
  if (key == "out_bytes") return Amount{t.out_bytes};
  if (key == "flows" && !shape.merged) return Amount{of.flows};
  return std::nullopt;
}

namespace {

bool larger(const Protocol* a, const Protocol* b) {
  const auto order = [](const Protocol* p) {
    return std::tuple(~p->bytes, p->service.proto, p->service.port, p->service.state != PortState::none);
  };
  return order(a) < order(b);
}

/// Gives each shown key its protocols: counts them, lays out their places, and fills these.
void attach_protocols(Window& window, ClosedWindow& closed) {
  constexpr uint32_t kHidden = UINT32_MAX;
  const std::vector<Key>& keys = window.keys();
  std::vector<uint32_t> shown(keys.size(), kHidden);
  for (size_t i = 0; i < closed.keys.size(); ++i) {
    shown[static_cast<size_t>(closed.keys[i] - keys.data())] = static_cast<uint32_t>(i);
  }
  const auto each_shown = [&](const auto& visit) {
    window.protocols().each([&](const Protocol& protocol) {
      const uint32_t index = shown[protocol.key];
      if (index != kHidden && keys[protocol.key].serial == protocol.key_serial) visit(protocol, index);
    });
  };
  std::vector<size_t>& begin = closed.protocols_begin;
  begin.assign(closed.keys.size() + 1, 0);
  each_shown([&](const Protocol&, uint32_t index) { ++begin[index + 1]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  closed.all_protocols.resize(begin.back());
  std::vector<size_t> next(begin);
  each_shown(
      [&](const Protocol& protocol, uint32_t index) { closed.all_protocols[next[index]++] = &protocol; });
  for (size_t i = 0; i < closed.keys.size(); ++i) {
    const auto at = closed.all_protocols.begin();
    std::sort(at + static_cast<ptrdiff_t>(begin[i]), at + static_cast<ptrdiff_t>(begin[i + 1]), larger);
  }
}

}  // namespace

ClosedWindow close_window(Window& window, const Shape& shape) {
  window.settle();
  ClosedWindow closed;
  closed.start = window.start();
  closed.until = window.start() + shape.length;
  closed.directed = window.directed;
  closed.digits = window.nanoseconds ? 9 : 6;
  closed.key_count = window.key_count();
  closed.crowded = window.crowded() || !window.keys_exact;
  closed.unkeyed = window.unkeyed;
  closed.other = window.other;

  std::vector<std::pair<Amount, const Key*>> ordered;
  for (const Key& key : window.keys()) {
    if (key.hash == Hash{}) continue;
    closed.total.add(key.totals);
    ordered.emplace_back(sort_value(shape, shape.sort, key).value_or(0), &key);
  }
  const auto larger = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->text < b.second->text;
  };
  const size_t shown = shape.top == 0 ? ordered.size() : std::min<size_t>(shape.top, ordered.size());
  const auto cut = ordered.begin() + static_cast<ptrdiff_t>(shown);
  if (cut != ordered.end()) std::nth_element(ordered.begin(), cut, ordered.end(), larger);
  std::sort(ordered.begin(), cut, larger);
  for (auto at = ordered.begin(); at != cut; ++at) closed.keys.push_back(at->second);
  closed.total.add(closed.other);
  for (auto at = cut; at != ordered.end(); ++at) closed.other.add(at->second->totals);
  closed.total.add(closed.unkeyed);
  attach_protocols(window, closed);
  return closed;
}

}  // namespace wl::netwindow
