#pragma once
// Packets of the Linux netfilter log (LINKTYPE_NFLOG).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kNflog;

}  // namespace wl::packet
