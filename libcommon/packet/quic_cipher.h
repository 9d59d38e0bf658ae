#pragma once
// Opening QUIC Initial packets (RFC 9001, section 5).
namespace wl::packet {

class QuicCipher {};

}  // namespace wl::packet
