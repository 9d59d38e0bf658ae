#pragma once
// Planned packets as Ethernet frames.
#include <array>
#include <cstdint>
#include <string>

#include "tests/bench/capture/plan.h"

namespace wl::bench {

/// Builds frames one after another; addresses, checksums, options and padding are as a host would send them.
class FrameWriter {
 public:
  FrameWriter(const Plan& plan, uint64_t seed);

  /// The frame of `packet`, at least 60 bytes. Valid until the next call.
  [[nodiscard]] const std::string& frame(const Packet& packet);

 private:
  void ethernet(const Host& from, const Host& to, uint16_t vlan, uint16_t type);
  void arp(const Flow& flow, bool reply);
  void ip(const Flow& flow, const Packet& packet, size_t size);
  void tcp(const Flow& flow, const Packet& packet);
  void tcp_options(const Flow& flow, const Packet& packet);
  void icmp(const Flow& flow, const Packet& packet);
  void payload(const Flow& flow, const Packet& packet);
  void put16(uint32_t value);
  void put32(uint32_t value);
  void patch16(size_t at, uint32_t value);
  /// Sum of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1) and of everything from `from` on.
  [[nodiscard]] uint16_t transport_checksum(const Flow& flow, bool reply, uint8_t protocol,
                                            size_t from) const;

  const Plan& plan_;
  std::string noise_;  // filler is a window of it
  std::string bytes_;
};

}  // namespace wl::bench
