#include "libcommon/packet/fabric_path.h"

#include "libcommon/packet/ethernet.h"

namespace wl::packet {
namespace {

/// Behind the EtherType: forwarding tag and TTL, then the hosts' frame, whose addresses are the ones that
/// mean something outside the fabric.
Next decode_fabric_path(ByteReader in, Context& context) {
  if (!in.skip(2)) return context.ended_early(in, 2);
  context.out.present.remove(record::Field::eth_src);
  context.out.present.remove(record::Field::eth_dst);
  return {&kEthernet, in};
}

}  // namespace

const Protocol kFabricPath{"cfp", decode_fabric_path};

}  // namespace wl::packet
