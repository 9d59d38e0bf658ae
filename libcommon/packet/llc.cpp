#include "libcommon/packet/llc.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/named.h"

namespace wl::packet {
namespace {

constexpr uint8_t kSnapSap = 0xaa;

// Organisations that define SNAP protocol numbers.
constexpr uint32_t kEncapsulatedEthernet = 0x000000;
constexpr uint32_t kCisco = 0x00000c;
constexpr uint32_t kBridgeTunnel = 0x0000f8;
constexpr uint32_t kIeee8021 = 0x0080c2;
constexpr uint32_t kApple = 0x080007;

const Protocol* by_cisco_number(uint16_t number) {
  switch (number) {
    case 0x010b: return &kStp;  // per VLAN
    case 0x0111: return &kUdld;
    case 0x2000: return &kCdp;
    case 0x2003: return &kVtp;
    case 0x2004: return &kDtp;
    default: return nullptr;
  }
}

/// RFC 2427, section 4.2: bridged frames, the first with its checksum behind it.
Next bridged(uint16_t number, const ByteReader& in) {
  switch (number) {
    case 0x0001: return {&kEthernet, in.without_last(4)};
    case 0x0007: return {&kEthernet, in};
    case 0x000e: return {&kStp, in};
    default: return {};
  }
}

Next decode_snap(ByteReader in, Context& context) {
  const auto header = in.take<5>();
  if (!header) return context.ended_early(in, 5);
  const uint16_t number = header->u16<3>();
  switch (header->u24<0>()) {
    case kEncapsulatedEthernet:
    case kBridgeTunnel:
    case kApple: context.out.set_eth_type(number); return go_on(by_ethertype(number), in);
    case kCisco: return go_on(by_cisco_number(number), in);
    case kIeee8021: return bridged(number, in);
    default: return {};
  }
}

const Protocol* by_sap(uint8_t sap) {
  switch (sap) {
    case 0x06: return by_ethertype(0x0800);
    case 0x42: return &kStp;
    case 0x98: return by_ethertype(0x0806);
    case 0xe0: return &kIpx;
    case 0xf0: return &kNetBios;
    case 0xfe: return &kOsi;
    default: return nullptr;
  }
}

Next decode_llc(ByteReader in, Context& context) {
  const auto header = in.take<3>();
  if (!header) return context.ended_early(in, 3);
  // Unnumbered frames have one control byte, the others two (IEEE 802.2, 5.2).
  const bool unnumbered = (header->u8<2>() & 3U) == 3U;
  if (!unnumbered && !in.skip(1)) return context.ended_early(in, 1);
  if (header->u8<0>() == kSnapSap && header->u8<1>() == kSnapSap) return decode_snap(in, context);
  return go_on(by_sap(header->u8<0>()), in);
}

}  // namespace

const Protocol kLlc{"llc", decode_llc};

}  // namespace wl::packet
