#pragma once
// What a packet inspector shows of a packet: every header's fields, with the bytes that they stand in.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/packet/protocol.h"

namespace wl::packet {

/// A field of a header. `offset` counts captured bytes of the packet; a `length` of 0: the bytes are not in
/// this packet (it completes a message that began in an earlier one, or is a comment), or there are none.
struct DetailField {
  std::string_view key;      ///< Wireshark's name, "ip.ttl"; constant text
  std::string_view label;    ///< "Time to live"; constant text
  std::string value;         ///< UTF-8: "64", "0x0800", "10.0.0.7"; a flag is "1" or "0"
  std::string_view meaning;  ///< what a number stands for ("TCP"), or empty; constant text
  size_t offset = 0;
  size_t length = 0;
};

/// A layer: its own bytes, without those of the layers that it carries.
struct DetailLayer {
  std::string_view name;   ///< as in the record's `layers`; "data" is what no decoder reads
  std::string_view label;  ///< "Internet Protocol version 4"; the name where it has none
  size_t offset = 0;
  size_t length = 0;
  std::vector<DetailField> fields{};
};

/// Describes a packet: `captured` are its bytes, `layers` those that the Decoder met in them. A field that
/// the capture cut is left out. Bounded for any bytes: kMaxDetailFields fields a layer, kMaxDetailText bytes
/// a value.
[[nodiscard]] std::vector<DetailLayer> describe(std::span<const uint8_t> captured,
                                                std::span<const Layer> layers);

/// The layer `frame` in front of them: what the capture says of the packet in comments, which are no bytes of
/// it. Of the first kMaxDetailComments of them.
[[nodiscard]] DetailLayer describe_comments(std::span<const std::string> comments);

inline constexpr size_t kMaxDetailComments = 100;
inline constexpr size_t kMaxDetailFields = 1000;
inline constexpr size_t kMaxDetailText = 4096;

}  // namespace wl::packet
