#pragma once
// Values of records as the text that stands in JSON.
#include <cstdint>
#include <string>
#include <string_view>

namespace wl::record {

/// An address; other bytes than 4 or 16: empty.
[[nodiscard]] std::string ip_text(std::string_view bytes);
/// The lower 48 bits.
[[nodiscard]] std::string mac_text(uint64_t number);
/// In the order FSRPAUEC.
[[nodiscard]] std::string tcp_flags_text(uint8_t flags);

}  // namespace wl::record
