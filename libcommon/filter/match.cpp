#include <algorithm>
#include <compare>
#include <cstring>

#include "libcommon/filter/filter.h"

namespace wl::filter {
namespace {

std::strong_ordering compare(Type type, const Value& a, const Value& b) {
  switch (type) {
    case Type::ipv4:
    case Type::ipv6:
    case Type::ip:
      if (a.ip.version != b.ip.version) return a.ip.version <=> b.ip.version;
      return std::memcmp(a.ip.bytes.data(), b.ip.bytes.data(), a.ip.wire().size()) <=> 0;
    case Type::mac:
    case Type::text: return a.text.compare(b.text) <=> 0;
    case Type::time:
    case Type::epoch: return static_cast<int64_t>(a.number) <=> static_cast<int64_t>(b.number);
    default: return a.number <=> b.number;
  }
}

bool related(Op op, std::strong_ordering order) {
  switch (op) {
    case Op::less: return order < 0;
    case Op::less_equal: return order <= 0;
    case Op::greater: return order > 0;
    case Op::greater_equal: return order >= 0;
    default: return order == 0;
  }
}

/// Whether one value passes the test, the other side being a field's value where there is one.
bool fits(const Node& node, const Value& value, const Value* other) {
  const Type type = node.field->type;
  if (other != nullptr) return related(node.op, compare(type, value, *other));
  switch (node.op) {
    case Op::contains: {
      const std::string_view part = node.values[0].first.text;
      return !part.empty() && value.text.contains(part);
    }
    case Op::matches: return node.expression->fits(value.text);
    case Op::bits: return (value.number & node.values[0].first.number) != 0;
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal: return related(node.op, compare(type, value, node.values[0].first));
    default:
      return std::ranges::any_of(node.values, [&](const Range& range) {
        if (range.network.address.version != 0) return range.network.contains(value.ip);
        if (type == Type::text || type == Type::mac) return value.text == range.first.text;
        return compare(type, value, range.first) >= 0 && compare(type, value, range.last) <= 0;
      });
  }
}

/// Calls `visit` for each value; times are the packet's own.
template <class Visit>
bool any(const FilterField& field, const record::Packet& packet, const Visit& visit) {
  if (field.type != Type::time && field.type != Type::epoch) return any_value(field, packet, visit);
  Value value;
  value.number = static_cast<uint64_t>(packet.time_ns);
  return packet.has_time && visit(value);
}

bool test(const Node& node, const record::Packet& packet) {
  const FilterField& field = *node.field;
  if (node.op == Op::exists) {
    if (field.type == Type::protocol) return has_layer(packet, field.layer);
    return any(field, packet, [](const Value&) { return true; });
  }
  bool seen = false;
  // `all` is that none fails; `any` that one does not.
  const auto decides = [&](const Value& value, const Value* other) {
    seen = true;
    return (fits(node, value, other) != node.differ) != node.all;
  };
  const bool decided = any(field, packet, [&](const Value& value) {
    if (node.other == nullptr) return decides(value, nullptr);
    return any(*node.other, packet, [&](const Value& other) { return decides(value, &other); });
  });
  return node.all ? seen && !decided : decided;
}

bool matches_node(const std::vector<Node>& nodes, uint32_t index, const record::Packet& packet) {
  const Node& node = nodes[index];
  switch (node.op) {
    case Op::land: return matches_node(nodes, node.left, packet) && matches_node(nodes, node.right, packet);
    case Op::lor: return matches_node(nodes, node.left, packet) || matches_node(nodes, node.right, packet);
    case Op::lnot: return !matches_node(nodes, node.left, packet);
    default: return test(node, packet);
  }
}

}  // namespace

bool Filter::matches(const record::Packet& packet) const {
  return nodes_.empty() || matches_node(nodes_, static_cast<uint32_t>(nodes_.size() - 1), packet);
}

}  // namespace wl::filter
