#pragma once
// `info`: one line about a packet, as in a packet list.
#include <string_view>

#include "libcommon/packet/scratch.h"
#include "libcommon/record/packet.h"

namespace wl::packet {

/// What a person wants to see of the packet at a glance, from its record: the application's message where
/// there is one, else the transport header, else the innermost layer; and what is wrong with it. In
/// `scratch`; empty when there is no room. UTF-8.
[[nodiscard]] std::string_view info_text(const record::Packet& packet, Scratch& scratch);

}  // namespace wl::packet
