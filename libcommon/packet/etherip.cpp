#include "libcommon/packet/etherip.h"

#include "libcommon/packet/ethernet.h"

namespace wl::packet {
namespace {

Next decode_etherip(ByteReader in, Context& context) {
  if (!in.skip(2)) return context.ended_early(in, 2);
  context.enter_tunnel("etherip");
  return {&kEthernet, in};
}

}  // namespace

const Protocol kEtherIp{"etherip", decode_etherip};

}  // namespace wl::packet
