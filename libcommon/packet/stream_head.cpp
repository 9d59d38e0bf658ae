#include "libcommon/packet/stream_head.h"

#include <algorithm>

namespace wl::packet {
namespace {

/// Distance from `a` to `b` in sequence space (RFC 9293, section 3.4).
int32_t distance(uint32_t a, uint32_t b) { return static_cast<int32_t>(b - a); }

}  // namespace

Next continue_head(const ByteReader& segment, Context& context) {
  const record::Packet& packet = context.out;
  if (!context.heads.may_hold(packet.src_port, packet.dst_port)) return {};
  const HeadKey key = HeadKey::of(packet, true);
  Head* const head = context.heads.find(key);
  if (head == nullptr) return {};
  const int32_t known = distance(packet.tcp_seq, head->next_sequence);
  if (known < 0) {
    context.heads.drop(key);
    return {};
  }
  if (static_cast<size_t>(known) >= segment.wire_size()) return {};
  const auto fresh = segment.bytes().subspan(std::min(static_cast<size_t>(known), segment.size()));
  const auto whole = context.scratch.take(head->bytes.size() + fresh.size());
  if (whole.empty()) return {};
  std::ranges::copy(fresh, std::ranges::copy(head->bytes, whole.begin()).out);
  const Protocol* const protocol = head->protocol;
  context.heads.drop(key);
  const size_t missing = segment.wire_size() - segment.size();
  return {protocol,
          ByteReader({reinterpret_cast<const uint8_t*>(whole.data()), whole.size()}, whole.size() + missing)};
}

void keep_head(const Protocol& protocol, const ByteReader& unfinished, Context& context) {
  if (unfinished.cut() || unfinished.size() > Heads::kMaxHead) return;
  const record::Packet& packet = context.out;
  const HeadKey key = HeadKey::of(packet, true);
  if (const Head* const known = context.heads.find(key)) {
    // A retransmission of what a longer head begins with.
    const int32_t before_end = distance(packet.tcp_seq, known->next_sequence);
    if (before_end > 0 && static_cast<size_t>(before_end) <= known->bytes.size()) return;
  }
  Head& head = context.heads.start(key);
  head.protocol = &protocol;
  const uint32_t syn = (packet.tcp_flags & 0x02U) != 0 ? 1 : 0;
  head.next_sequence = packet.tcp_seq + syn + packet.payload_len;
  head.bytes = unfinished.text();
}

}  // namespace wl::packet
