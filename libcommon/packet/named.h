#pragma once
// Protocols that are known by their number and not looked into.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

/// Notes the layer's name as `proto` where nothing below it had one, and ends.
Next name_only(ByteReader in, Context& context);

// clang-format off
inline constexpr Protocol kAarp{"aarp", name_only};
inline constexpr Protocol kAppleTalk{"ddp", name_only};
inline constexpr Protocol kCcp{"ccp", name_only};
inline constexpr Protocol kCdp{"cdp", name_only};
inline constexpr Protocol kChap{"chap", name_only};
inline constexpr Protocol kDtp{"dtp", name_only};
inline constexpr Protocol kEapol{"eapol", name_only};
inline constexpr Protocol kEigrp{"eigrp", name_only};
inline constexpr Protocol kEtherCat{"ecatf", name_only};
inline constexpr Protocol kFcoe{"fcoe", name_only};
inline constexpr Protocol kGoose{"goose", name_only};
inline constexpr Protocol kIgmp{"igmp", name_only};
inline constexpr Protocol kIpcp{"ipcp", name_only};
inline constexpr Protocol kIpv6cp{"ipv6cp", name_only};
inline constexpr Protocol kIpx{"ipx", name_only};
inline constexpr Protocol kLcp{"lcp", name_only};
inline constexpr Protocol kLldp{"lldp", name_only};
inline constexpr Protocol kLoopback{"loop", name_only};
inline constexpr Protocol kMacControl{"macc", name_only};
inline constexpr Protocol kMacsec{"macsec", name_only};
inline constexpr Protocol kNetBios{"netbios", name_only};
inline constexpr Protocol kOsi{"osi", name_only};
inline constexpr Protocol kOspf{"ospf", name_only};
inline constexpr Protocol kPap{"pap", name_only};
inline constexpr Protocol kPgm{"pgm", name_only};
inline constexpr Protocol kPim{"pim", name_only};
inline constexpr Protocol kPppMultilink{"mp", name_only};
inline constexpr Protocol kProfinet{"pn_rt", name_only};
inline constexpr Protocol kPtp{"ptp", name_only};
inline constexpr Protocol kPwAch{"pwach", name_only};
inline constexpr Protocol kRealtek{"realtek", name_only};
inline constexpr Protocol kRsvp{"rsvp", name_only};
inline constexpr Protocol kSlarp{"slarp", name_only};
inline constexpr Protocol kSlow{"slow", name_only};
inline constexpr Protocol kStp{"stp", name_only};
inline constexpr Protocol kUdld{"udld", name_only};
inline constexpr Protocol kVrrp{"vrrp", name_only};
inline constexpr Protocol kVtp{"vtp", name_only};
inline constexpr Protocol kWakeOnLan{"wol", name_only};
// clang-format on

}  // namespace wl::packet
