#include "libcommon/packet/fddi.h"

#include "libcommon/packet/llc.h"

namespace wl::packet {
namespace {

/// Frame control, two addresses, LLC. Asynchronous and synchronous LLC frames have 01 in bits 5 and 4; bit 7
/// is the class, bit 6 the length of the addresses (ISO 9314-2, 7.3.3).
Next decode_fddi(ByteReader in, Context& context) {
  const auto header = in.take<13>();
  if (!header) return context.ended_early(in, 13);
  const bool is_llc = (header->u8<0>() & 0x70U) == 0x50U;
  return is_llc ? Next{&kLlc, in} : Next{};
}

}  // namespace

const Protocol kFddi{"fddi", decode_fddi};

}  // namespace wl::packet
