#include "libcommon/packet/tls.h"

#include <algorithm>
#include <optional>

#include "libcommon/packet/stream_head.h"
#include "libcommon/packet/tls_hello.h"

namespace wl::packet {
namespace {

constexpr size_t kRecordHeader = 5;
constexpr uint8_t kChangeCipherSpec = 20;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kHeartbeat = 24;
constexpr size_t kMaxRecord = (size_t{1} << 14) + 2048;  // RFC 5246, section 6.2.3

struct Record {
  uint8_t type;
  size_t size;
};

std::optional<Record> record_at(const ByteReader& in) {
  const auto header = in.peek<kRecordHeader>();
  if (!header) return std::nullopt;
  const Record record{header->u8<0>(), header->u16<3>()};
  const bool plausible = record.type >= kChangeCipherSpec && record.type <= kHeartbeat &&
                         header->u8<1>() == 3 && header->u8<2>() <= 4 && record.size <= kMaxRecord;
  return plausible ? std::optional(record) : std::nullopt;
}

/// The handshake bytes of the records in front of `in`, which begin with a handshake record: those of the
/// first record where that is enough, else put together in scratch memory (RFC 8446, section 5.1).
ByteReader handshake_bytes(const ByteReader& in, Context& context) {
  ByteReader rest = in;
  const auto first = record_at(rest);
  (void)rest.skip(kRecordHeader);
  const ByteReader body = rest.take_reader(first->size);
  const auto second = record_at(rest);
  if (!second || second->type != kHandshake || hello_state(body) != HelloState::unfinished) return body;

  const auto room = context.scratch.take(std::min(in.size(), Heads::kMaxHead));
  if (room.empty()) return body;
  char* out = room.data();
  rest = in;
  for (auto record = record_at(rest); record && record->type == kHandshake; record = record_at(rest)) {
    (void)rest.skip(kRecordHeader);
    const ByteReader part = rest.take_reader(record->size);
    const auto left = static_cast<size_t>(room.data() + room.size() - out);
    out = std::copy_n(part.text().data(), std::min(part.size(), left), out);
  }
  const auto size = static_cast<size_t>(out - room.data());
  return {{reinterpret_cast<const uint8_t*>(room.data()), size}, size};
}

Next decode_tls(ByteReader in, Context& context) {
  context.out.set_app("tls");
  // An alert may lie before a hello, or a change of cipher specs (RFC 8446, appendix D.4).
  ByteReader rest = in;
  auto record = record_at(rest);
  while (record && record->type != kHandshake && rest.skip(kRecordHeader + record->size)) {
    record = record_at(rest);
  }
  if (!record || record->type != kHandshake) return {};
  const ByteReader handshake = handshake_bytes(rest, context);
  switch (hello_state(handshake)) {
    case HelloState::other: return {};
    case HelloState::unfinished:
      if (!in.cut()) {
        keep_head(kTls, rest, context);
        return {};
      }
      note_hello(handshake, context);
      return context.cut();
    case HelloState::whole: return note_hello(handshake, context) ? Next{} : context.malformed();
  }
  return {};
}

}  // namespace

bool is_tls(const ByteReader& payload) { return record_at(payload).has_value(); }

const Protocol kTls{"tls", decode_tls};

}  // namespace wl::packet
