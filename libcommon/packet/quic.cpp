#include "libcommon/packet/quic.h"

#include <algorithm>
#include <optional>

#include "libcommon/packet/quic_cipher.h"
#include "libcommon/packet/tls_hello.h"

namespace wl::packet {
namespace {

constexpr uint8_t kSalt1[20] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr uint8_t kSalt2[20] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
constexpr uint8_t kSaltDraft29[20] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                                      0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
constexpr uint8_t kSaltDraft23[20] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                                      0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};

constexpr uint32_t kDraft = 0xff000000;
constexpr QuicVersion kVersions[] = {
    {1, 0, &kSalt1, false},
    {0x6b3343cf, 1, &kSalt2, true},  // RFC 9369
    {kDraft + 23, 0, &kSaltDraft23, false},
    {kDraft + 24, 0, &kSaltDraft23, false},
    {kDraft + 25, 0, &kSaltDraft23, false},
    {kDraft + 26, 0, &kSaltDraft23, false},
    {kDraft + 27, 0, &kSaltDraft23, false},
    {kDraft + 28, 0, &kSaltDraft23, false},
    {kDraft + 29, 0, &kSaltDraft29, false},
    {kDraft + 30, 0, &kSaltDraft29, false},
    {kDraft + 31, 0, &kSaltDraft29, false},
    {kDraft + 32, 0, &kSaltDraft29, false},
    {kDraft + 33, 0, &kSalt1, false},
    {kDraft + 34, 0, &kSalt1, false},
};

constexpr size_t kMaxConnectionId = 20;
/// A client's first connection id for the server has at least this many bytes (RFC 9000, section 7.2); those
/// that a client chose for itself, which a server's packets bear, are often shorter.
constexpr size_t kMinFirstId = 8;
/// Packets of one datagram that are looked at, and CRYPTO frames of one packet: well above what clients send.
constexpr int kMaxPackets = 4;
constexpr int kMaxFrames = 512;
constexpr size_t kMaxRanges = 64;

const QuicVersion* version_of(uint32_t number) {
  const auto* const found = std::ranges::find(kVersions, number, &QuicVersion::number);
  return found == std::end(kVersions) ? nullptr : found;
}

/// RFC 9000, section 16.
std::optional<uint64_t> take_number(ByteReader& in) {
  const auto first = in.take_u8();
  if (!first) return std::nullopt;
  uint64_t value = *first & 0x3fU;
  for (int more = (1 << (*first >> 6)) - 1; more > 0; --more) {
    const auto byte = in.take_u8();
    if (!byte) return std::nullopt;
    value = value << 8 | *byte;
  }
  return value;
}

struct LongHeader {
  uint8_t first = 0;
  uint32_t version = 0;
  std::span<const uint8_t> destination_id;
};

/// The part that all versions share (RFC 8999).
std::optional<LongHeader> take_long_header(ByteReader& in) {
  const auto fixed = in.take<6>();
  if (!fixed || (fixed->u8<0>() & 0x80) == 0) return std::nullopt;
  LongHeader header{fixed->u8<0>(), fixed->u32<1>(), {}};
  const size_t size = fixed->u8<5>();
  if (size > kMaxConnectionId || size > in.size()) return std::nullopt;
  header.destination_id = in.take_reader(size).bytes();
  const auto source_size = in.take_u8();
  if (!source_size || *source_size > kMaxConnectionId || !in.skip(*source_size)) return std::nullopt;
  return header;
}

/// An Initial packet in front of `in`, which it consumes: the whole of it, and where its packet number
/// begins.
struct Initial {
  const QuicVersion* version = nullptr;  ///< nullptr: a packet of another kind
  std::span<const uint8_t> connection_id;
  std::span<const uint8_t> bytes;
  size_t number_at = 0;
};

std::optional<Initial> take_initial(ByteReader& in) {
  ByteReader rest = in;
  const auto header = take_long_header(rest);
  if (!header) return std::nullopt;
  const QuicVersion* const version = version_of(header->version);
  if (version == nullptr) return std::nullopt;
  // Retry, the type in front of Initial in their cycle, has no length and comes alone.
  const unsigned type = header->first >> 4 & 3U;
  if (type == ((version->initial_type + 3U) & 3U)) return std::nullopt;
  const bool initial = type == version->initial_type;
  if (initial) {
    const auto token = take_number(rest);
    if (!token || *token > rest.size() || !rest.skip(static_cast<size_t>(*token))) return std::nullopt;
  }
  const auto length = take_number(rest);
  if (!length || *length > rest.size()) return std::nullopt;
  const size_t number_at = in.size() - rest.size();
  const ByteReader packet = in.take_reader(number_at + static_cast<size_t>(*length));
  return Initial{initial ? version : nullptr, header->destination_id, packet.bytes(), number_at};
}

struct Crypto {
  size_t offset = 0;
  std::span<const uint8_t> data;
};

enum class FrameType : uint8_t { padding = 0, ping = 1, ack = 2, ack_ecn = 3, crypto = 6 };

bool skip_ack(ByteReader& in, bool ecn) {
  (void)take_number(in);  // largest acknowledged
  (void)take_number(in);  // delay
  const auto ranges = take_number(in);
  if (!ranges || *ranges > in.size()) return false;
  const uint64_t numbers = 1 + *ranges * 2 + (ecn ? 3 : 0);
  for (uint64_t i = 0; i < numbers; ++i) {
    if (!take_number(in)) return false;
  }
  return true;
}

/// The next CRYPTO frame; passes over the others that Initial packets hold (RFC 9000, section 17.2.2).
std::optional<Crypto> take_crypto(ByteReader& frames) {
  while (const auto type = frames.take_u8()) {
    switch (static_cast<FrameType>(*type)) {
      case FrameType::padding:
      case FrameType::ping: break;
      case FrameType::ack:
      case FrameType::ack_ecn:
        if (!skip_ack(frames, *type == 3)) return std::nullopt;
        break;
      case FrameType::crypto: {
        const auto offset = take_number(frames);
        const auto size = take_number(frames);
        if (!offset || !size || *size > frames.size() || *offset > Heads::kMaxHead) return std::nullopt;
        return Crypto{static_cast<size_t>(*offset), frames.take_reader(static_cast<size_t>(*size)).bytes()};
      }
      default: return std::nullopt;
    }
  }
  return std::nullopt;
}

/// Adds [begin, end) to ranges that are in order and do not touch.
void add_range(std::vector<Head::Range>& ranges, Head::Range added) {
  auto at = std::ranges::lower_bound(ranges, added.begin, {}, &Head::Range::end);
  auto last = at;
  for (; last != ranges.end() && last->begin <= added.end; ++last) {
    added.begin = std::min(added.begin, last->begin);
    added.end = std::max(added.end, last->end);
  }
  if (at == last && ranges.size() >= kMaxRanges) return;
  at = ranges.erase(at, last);
  ranges.insert(at, added);
}

void add_crypto(Head& head, const Crypto& crypto) {
  const size_t end = crypto.offset + crypto.data.size();
  if (end > Heads::kMaxHead || crypto.data.empty()) return;
  if (head.bytes.size() < end) head.bytes.resize(end);
  std::ranges::copy(crypto.data, head.bytes.begin() + static_cast<std::ptrdiff_t>(crypto.offset));
  add_range(head.filled, {crypto.offset, end});
}

ByteReader reader_of(std::span<const uint8_t> bytes) { return {bytes, bytes.size()}; }

/// The handshake bytes from the first on, without a gap.
ByteReader beginning(const Head& head) {
  if (head.filled.empty() || head.filled.front().begin != 0) return {};
  return reader_of({reinterpret_cast<const uint8_t*>(head.bytes.data()), head.filled.front().end});
}

/// Notes the hello in `handshake`, which may lie in a buffer that ends before the record does.
void note_copy(const ByteReader& handshake, Context& context) {
  const auto room = context.scratch.take(handshake.size());
  if (room.empty()) return;
  std::ranges::copy(handshake.text(), room.begin());
  if (!note_hello(reader_of({reinterpret_cast<const uint8_t*>(room.data()), room.size()}), context)) {
    context.malformed();
  }
}

/// The head of the connection that `id` begins, where one is kept.
Head* find_head(const HeadKey& key, std::string_view id, Context& context) {
  if (!context.heads.may_hold(key.source_port, key.destination_port)) return nullptr;
  Head* const head = context.heads.find(key);
  return head != nullptr && head->connection_id == id ? head : nullptr;
}

/// True: the frames held the rest of the hello.
bool read_frames(std::span<const uint8_t> bytes, Head& head, Context& context) {
  ByteReader frames = reader_of(bytes);
  auto crypto = take_crypto(frames);
  if (!crypto) return false;
  if (head.filled.empty() && crypto->offset == 0) {
    const ByteReader handshake = reader_of(crypto->data);
    if (hello_state(handshake) == HelloState::whole) {
      if (!note_hello(handshake, context)) context.malformed();
      return true;
    }
  }
  for (int i = 0; crypto && i < kMaxFrames; ++i) {
    add_crypto(head, *crypto);
    crypto = take_crypto(frames);
  }
  const ByteReader handshake = beginning(head);
  if (handshake.empty()) return false;
  const HelloState state = hello_state(handshake);
  if (state == HelloState::whole) note_copy(handshake, context);
  return state != HelloState::unfinished;
}

/// What was done for the packet before is not done again for its retransmission.
void read_initial(const Initial& initial, Context& context) {
  const std::string_view id = reader_of(initial.connection_id).text();
  const HeadKey key = HeadKey::of(context.out, false);
  Head* head = find_head(key, id, context);
  if (head != nullptr && head->done) return;
  const auto room = context.scratch.take(initial.bytes.size());
  if (room.empty()) return;
  const auto frames = context.heads.quic_cipher().open(
      *initial.version, initial.connection_id, initial.bytes, initial.number_at,
      {reinterpret_cast<uint8_t*>(room.data()), room.size()});
  if (frames.empty()) return;
  if (head == nullptr) {
    head = &context.heads.start(key);
    head->connection_id = id;
  }
  if (!read_frames(frames, *head, context)) return;
  head->done = true;
  head->bytes = {};
  head->filled = {};
}

/// Servers sit on the lower port, and what they send names no server.
bool from_client(const record::Packet& packet) {
  return packet.src_port > packet.dst_port || packet.dst_port >= 1024;
}

Next decode_quic(ByteReader in, Context& context) {
  context.out.set_app("quic");
  if (!from_client(context.out)) return {};
  for (int i = 0; i < kMaxPackets; ++i) {
    const auto initial = take_initial(in);
    if (!initial) break;
    if (initial->version == nullptr || initial->connection_id.size() < kMinFirstId) continue;
    read_initial(*initial, context);
  }
  return {};
}

}  // namespace

bool is_quic(const ByteReader& payload) {
  ByteReader rest = payload;
  const auto header = take_long_header(rest);
  if (!header) return false;
  if (header->version == 0) {  // version negotiation: a list of versions (RFC 9000, section 17.2.1)
    return rest.wire_size() >= 4 && rest.wire_size() % 4 == 0 &&
           version_of(rest.peek<4>() ? rest.peek<4>()->u32<0>() : 0) != nullptr;
  }
  return (header->first & 0x40) != 0 && version_of(header->version) != nullptr &&
         !header->destination_id.empty();
}

const Protocol kQuic{"quic", decode_quic};

}  // namespace wl::packet
