#pragma once
// What a DNS message holds, as text.
#include <optional>
#include <string_view>

#include "libcommon/packet/byte_reader.h"
#include "libcommon/packet/scratch.h"

namespace wl::packet {

/// Consumes a name from `in`, a part of `message`, and follows its compression pointers (RFC 1035, section
/// 4.1.4). A dot inside a label is \. and the root is ".". Nothing when the name is not whole, is longer than
/// 255 bytes, or has a pointer that does not point backwards, or when `scratch` is full.
[[nodiscard]] std::optional<std::string_view> take_dns_name(ByteReader& in, const ByteReader& message,
                                                            Scratch& scratch);
/// Passes over a name.
[[nodiscard]] bool skip_dns_name(ByteReader& in);

/// "AAAA"; "TYPE65280" where it has no name (RFC 3597).
[[nodiscard]] std::string_view dns_type_text(uint16_t type, Scratch& scratch);
/// "NXDOMAIN"; the number where it has no name. Extended codes are those with EDNS's upper bits.
[[nodiscard]] std::string_view dns_rcode_text(uint16_t rcode, Scratch& scratch);
/// The other way round; nothing for a text that the two above never give.
[[nodiscard]] std::optional<uint16_t> dns_type_number(std::string_view text);
[[nodiscard]] std::optional<uint16_t> dns_rcode_number(std::string_view text);
/// The data of a record: an address, a name, "10 mail.example.com", a text. Nothing for types without a text
/// of ours and for data that contradicts itself.
[[nodiscard]] std::optional<std::string_view> dns_data_text(uint16_t type, ByteReader data,
                                                            const ByteReader& message, Scratch& scratch);

}  // namespace wl::packet
