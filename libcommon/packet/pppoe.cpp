#include "libcommon/packet/pppoe.h"

#include "libcommon/packet/ppp.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 6;

/// The header common to both stages (RFC 2516, section 4); the bytes that its length covers.
std::optional<ByteReader> decode_header(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.take<kHeader>();
  if (!header) {
    context.ended_early(whole, kHeader);
    return std::nullopt;
  }
  if (!context.out.present.has(record::Field::pppoe_session)) {
    context.out.set_pppoe_session(header->u16<2>());
  }
  const size_t length = header->u16<4>();
  if (length > in.wire_size()) context.malformed();  // noted; what is there is still read
  return in.first(length);
}

Next decode_session(ByteReader in, Context& context) {
  const auto payload = decode_header(in, context);
  return payload ? Next{&kPpp, *payload} : Next{};
}

Next decode_discovery(ByteReader in, Context& context) {
  if (decode_header(in, context)) context.note_proto("pppoed");
  return {};
}

/// Both stages without an Ethernet header: code 0 is the session's.
Next decode_pppoe(ByteReader in, Context& context) {
  const auto code = in.at(1);
  if (!code) return context.ended_early(in, 2);
  return *code == 0 ? decode_session(in, context) : decode_discovery(in, context);
}

}  // namespace

const Protocol kPppoeSession{"pppoes", decode_session};
const Protocol kPppoeDiscovery{"pppoed", decode_discovery};
const Protocol kPppoe{"pppoe", decode_pppoe};

}  // namespace wl::packet
