#include "libcommon/packet/application.h"

namespace wl::packet {

Next application(Transport, const ByteReader&, Context&) { return {}; }

}  // namespace wl::packet
