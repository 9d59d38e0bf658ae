#include "tools/netwindow/window.h"

#include <algorithm>
#include <functional>

namespace wl::netwindow {
namespace {

// Flows kept apart in a window, for each that a single key may have: one key alone cannot fill the table.
constexpr uint64_t kFlowShares = 4;
// 64 bytes each: 64 MB in a window at most.
constexpr size_t kMaxProtocols = size_t{3} << 18;
// Long keys make a window crowded before there are many of them.
constexpr size_t kTextPerKey = 256;

Hash protocol_hash(uint64_t key_serial, const Service& service) {
  const uint64_t code =
      uint64_t{service.proto} << 17 | uint64_t{service.state != PortState::none} << 16 | service.port;
  const uint64_t exact = key_serial << 26 | code << 1 | 1;
  const uint64_t spread = exact * 0x9e3779b97f4a7c15;
  return {spread ^ spread >> 32, exact};
}

Totals totals_of(const Flow& flow) {
  Totals t;
  t.packets = uint64_t{flow.packets[0]} + flow.packets[1];
  t.bytes = flow.bytes[0] + flow.bytes[1];
  if (flow.directed != 0) {
    t.in_packets = flow.packets[0];
    t.out_packets = flow.packets[1];
    t.in_bytes = flow.bytes[0];
    t.out_bytes = flow.bytes[1];
  }
  return t;
}

}  // namespace

static_assert(sizeof(Flow) == 64);

Flow* Window::add_flow(Key& key, const Hash& hash, const Service& service, bool directed_flow) {
  if (crowded_ || key.flows >= limits_.flows_per_key ||
      flows_.size() >= kFlowShares * limits_.flows_per_key) {
    key.flows_exact = false;
    return nullptr;
  }
  Flow flow;
  flow.hash = hash;
  flow.key = slot_of(key) & 0x7fffffff;
  flow.service = service;
  flow.directed = directed_flow ? 1 : 0;
  return &flows_.insert(flow);
}

void Window::count(Key& key, const Totals& totals, int64_t first, int64_t last) {
  key.totals.add(totals);
  key.first = std::min(key.first, first);
  key.last = std::max(key.last, last);
}

void Window::count(Key& key, const Service& service, uint64_t bytes, uint64_t in_bytes, uint64_t out_bytes) {
  Protocol* protocol = &key.rest;
  if (service.proto != 0) {
    const Hash hash = protocol_hash(key.serial, service);
    if (Protocol* const found = protocols_.find(hash)) {
      protocol = found;
    } else if (protocols_.size() < kMaxProtocols) {
      protocol = &protocols_.insert({hash, key.serial, service, slot_of(key)});
    }
  }
  protocol->bytes += bytes;
  protocol->in_bytes += in_bytes;
  protocol->out_bytes += out_bytes;
}

void Window::settle(const Flow& flow) {
  Key& key = keys_[flow.key];
  const Totals totals = totals_of(flow);
  count(key, totals, flow.first, flow.last);
  count(key, flow.service, totals.bytes, totals.in_bytes, totals.out_bytes);
}

void Window::settle() {
  flows_.each([this](const Flow& flow) { settle(flow); });
  flows_.clear();
}

void Window::retell(Flow& flow, const Service& service, int64_t ts) {
  if (flow.service.port != service.port) {
    settle(flow);
    flow.first = flow.last = ts;
    flow.bytes = {};
    flow.packets = {};
  }
  flow.service = service;
}

Key& Window::add_key(const Hash& hash, std::string text) {
  text_bytes_ += text.size();
  if (!crowded_ && !keys_.empty() &&
      (index_.size() >= limits_.keys || text_bytes_ > limits_.keys * kTextPerKey)) {
    become_crowded();
  }
  Key key;
  key.hash = hash;
  key.text = std::move(text);
  key.serial = next_serial_++;
  if (!crowded_) {
    index_.insert({hash, static_cast<uint32_t>(keys_.size())});
    return keys_.emplace_back(std::move(key));
  }
  key.flows_exact = false;
  const uint32_t slot = make_room();
  key.missed = missed_;
  heap_.emplace_back(key.missed, slot);
  std::ranges::push_heap(heap_, std::greater{});
  index_.insert({hash, slot});
  return keys_[slot] = std::move(key);
}

/// A slot for one more key.
uint32_t Window::make_room() {
  while (free_.empty() || (text_bytes_ > limits_.keys * kTextPerKey && heap_.size() > 1)) {
    free_.push_back(evict());
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void Window::become_crowded() {
  settle();
  crowded_ = true;
  heap_.reserve(keys_.size());
  for (uint32_t slot = 0; slot < keys_.size(); ++slot) {
    keys_[slot].flows_exact = false;
    heap_.emplace_back(size_of(keys_[slot]), slot);
  }
  std::ranges::make_heap(heap_, std::greater{});
}

/// Takes the smallest key out and gives its slot. Sizes only grow, so an entry of the heap that is out of
/// date goes back with its size of now.
uint32_t Window::evict() {
  for (;;) {
    std::ranges::pop_heap(heap_, std::greater{});
    auto& [size, slot] = heap_.back();
    Key& key = keys_[slot];
    const uint64_t now = size_of(key);
    if (now != size) {
      size = now;
      std::ranges::push_heap(heap_, std::greater{});
      continue;
    }
    const uint32_t freed = slot;
    heap_.pop_back();
    missed_ = std::max(missed_, now);
    other.add(key.totals);
    index_.erase(index_.find(key.hash));
    text_bytes_ -= key.text.size();
    key = Key{};
    return freed;
  }
}

}  // namespace wl::netwindow
