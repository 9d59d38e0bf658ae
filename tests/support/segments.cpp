#include "tests/support/segments.h"

#include <algorithm>

namespace wl::support {
namespace {

constexpr uint16_t kLinkIpv4 = 228;

record::FieldSet all_fields() {
  record::FieldSet fields;
  for (size_t i = 0; i < record::kFieldCount; ++i) fields.add(static_cast<record::Field>(i));
  return fields;
}

packet::Decoder::Options options() {
  packet::Decoder::Options options;
  options.wanted = all_fields();
  return options;
}

}  // namespace

Segments::Segments() : decoder_(options()) {}

const record::Packet& Segments::udp(uint16_t source, uint16_t destination, std::string_view payload,
                                    size_t captured) {
  const std::string header = big_endian(source, 2) + big_endian(destination, 2) +
                             big_endian(payload.size() + 8, 2) + big_endian(0, 2);
  return decode(17, header, payload, captured);
}

const record::Packet& Segments::tcp(uint16_t source, uint16_t destination, uint32_t sequence,
                                    std::string_view payload, size_t captured, uint8_t flags) {
  const std::string header = big_endian(source, 2) + big_endian(destination, 2) + big_endian(sequence, 4) +
                             big_endian(0, 4) + big_endian(0x5000U | flags, 2) + big_endian(512, 2) +
                             big_endian(0, 4);
  return decode(6, header, payload, captured);
}

const record::Packet& Segments::decode(uint8_t protocol, std::string_view header, std::string_view payload,
                                       size_t captured) {
  bytes_ = from_hex("4500") + big_endian(20 + header.size() + payload.size(), 2) + from_hex("00000000 40") +
           big_endian(protocol, 1) + from_hex("0000 0a000001 0a000002");
  bytes_ += header;
  bytes_ += payload;
  const auto length = static_cast<uint32_t>(bytes_.size());
  // A vector of exactly the captured bytes, so that sanitizers see a read past them.
  bytes_.resize(bytes_.size() - payload.size() + std::min(captured, payload.size()));
  bytes_.shrink_to_fit();
  const std::span captured_bytes(reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size());
  seed_.add(kLinkIpv4, captured_bytes, length);
  decoder_.decode(captured_bytes, length, kLinkIpv4, packet_);
  return packet_;
}

std::string from_hex(std::string_view digits) {
  std::string bytes;
  unsigned value = 1;
  for (const char c : digits) {
    if (c == ' ' || c == '\n') continue;
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (value < 0x100) continue;
    bytes.push_back(static_cast<char>(value));
    value = 1;
  }
  return bytes;
}

std::string big_endian(uint64_t value, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value);
  return bytes;
}

}  // namespace wl::support
