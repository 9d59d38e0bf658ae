#include "libcommon/capture/link_types.h"

#include <algorithm>
#include <array>

#include <pcap/dlt.h>

namespace wl::capture {
namespace {

// Where the two numbers differ on Linux; all others are the same on both sides.
struct Pair {
  uint16_t link_type;
  int dlt;
};
constexpr std::array kDifferent{
    Pair{100, DLT_ATM_RFC1483}, Pair{101, DLT_RAW},      Pair{102, DLT_SLIP_BSDOS},
    Pair{103, DLT_PPP_BSDOS},   Pair{106, DLT_ATM_CLIP},
};

constexpr uint16_t kOpenBsdRaw = 14;
constexpr uint16_t kDbus = 231;
constexpr uint16_t kUsbPcap = 249;
constexpr uint16_t kEbhscr = 279;

}  // namespace

uint16_t normal_link_type(uint16_t in_file) {
  return in_file == kOpenBsdRaw ? kLinkRawIp : link_type_of(in_file);
}

int dlt_of(uint16_t link_type) {
  const auto* found = std::ranges::find(kDifferent, link_type, &Pair::link_type);
  return found == kDifferent.end() ? link_type : found->dlt;
}

uint16_t link_type_of(int dlt) {
  const auto* found = std::ranges::find(kDifferent, dlt, &Pair::dlt);
  return found == kDifferent.end() ? static_cast<uint16_t>(dlt) : found->link_type;
}

uint32_t max_packet_size(uint16_t link_type) {
  const bool messages = link_type == kDbus || link_type == kUsbPcap || link_type == kEbhscr;
  return messages ? 128U << 20 : 256U << 10;
}

}  // namespace wl::capture
