#pragma once
// QUIC version 1 Initial packets (RFC 9000, 17.2.2), protected as RFC 9001 section 5 says: whoever sees the
// client's first destination connection id can read them.
#include <string>
#include <string_view>

#include "tests/bench/capture/random.h"

namespace wl::bench {

inline constexpr size_t kQuicDatagram = 1200;  // RFC 9000, 14.1

struct QuicInitial {
  std::string_view keys_from;    ///< destination connection id of the client's first packet
  std::string_view destination;  ///< connection ids on this packet
  std::string_view source;
  std::string_view crypto;  ///< TLS handshake bytes, in one CRYPTO frame
  bool from_server = false;
};

/// One Initial packet; the client's is padded to kQuicDatagram bytes.
[[nodiscard]] std::string quic_initial(const QuicInitial& initial);

/// The transport parameters that a ClientHello over QUIC carries.
[[nodiscard]] std::string quic_transport_parameters(std::string_view source_connection_id);

/// A Handshake packet of `size` bytes in all, its protected part being noise.
[[nodiscard]] std::string quic_handshake(Random& random, std::string_view destination,
                                         std::string_view source, size_t size);

}  // namespace wl::bench
