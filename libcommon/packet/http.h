#pragma once
// HTTP/1 first lines and the Host header (RFC 9112).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kHttp;

/// A request line or a status line of HTTP/1, or the beginning of one.
[[nodiscard]] bool is_http(const ByteReader& payload);
/// On a port of HTTP also a request line without a version (HTTP/0.9).
[[nodiscard]] bool is_http_request(const ByteReader& payload);

}  // namespace wl::packet
