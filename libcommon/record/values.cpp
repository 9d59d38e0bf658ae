#include "libcommon/record/values.h"

#include <array>

#include "libcommon/ndjson/text.h"

namespace wl::record {
namespace {

const uint8_t* as_bytes(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

}  // namespace

std::string ip_text(std::string_view bytes) {
  std::array<char, ndjson::kMaxAddress> text{};
  if (bytes.size() == 4) return {text.data(), ndjson::put_ipv4(text.data(), as_bytes(bytes))};
  if (bytes.size() == 16) return {text.data(), ndjson::put_ipv6(text.data(), as_bytes(bytes))};
  return {};
}

std::string mac_text(uint64_t number) {
  std::array<uint8_t, 6> bytes{};
  for (size_t i = bytes.size(); i-- > 0; number >>= 8) bytes.at(i) = static_cast<uint8_t>(number);
  std::array<char, ndjson::kMaxAddress> text{};
  return {text.data(), ndjson::put_mac(text.data(), bytes.data())};
}

std::string tcp_flags_text(uint8_t flags) {
  std::string text;
  for (unsigned bit = 0; bit < 8; ++bit)
    if ((flags >> bit & 1U) != 0) text += "FSRPAUEC"[bit];
  return text;
}

}  // namespace wl::record
