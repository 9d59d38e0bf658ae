#include "libcommon/packet/named.h"

namespace wl::packet {

Next name_only(ByteReader /*in*/, Context& context) {
  context.note_proto(context.innermost_layer());
  return {};
}

}  // namespace wl::packet
