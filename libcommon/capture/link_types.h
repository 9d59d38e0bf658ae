#pragma once
// Link types: the LINKTYPE_ numbers of files, the DLT_ numbers of this machine's libpcap, and limits.
#include <cstdint>

namespace wl::capture {

inline constexpr uint16_t kLinkEthernet = 1;
inline constexpr uint16_t kLinkRawIp = 101;
inline constexpr uint16_t kLinkSll2 = 276;
/// Ours, none of the registry's: the bytes of a pcapng custom block.
inline constexpr uint16_t kLinkCustomBlock = 0xffff;

/// The registry's number for one that a file carries: some programs wrote their machine's DLT_ number.
[[nodiscard]] uint16_t normal_link_type(uint16_t in_file);
/// LINKTYPE_ to and from this machine's DLT_.
[[nodiscard]] int dlt_of(uint16_t link_type);
[[nodiscard]] uint16_t link_type_of(int dlt);

/// The largest packet that a file may claim: 256 KiB, as libpcap and Wireshark have it, or 128 MiB for link
/// types whose packets are messages.
[[nodiscard]] uint32_t max_packet_size(uint16_t link_type);

}  // namespace wl::capture
