// Sessions that are encrypted from their first packets on: what their headers still say.
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Meaning kQuicVersions[] = {
    {0, "version negotiation"}, {1, "QUIC version 1"}, {0x6b3343cf, "QUIC version 2"}};
constexpr Meaning kLongTypes[] = {{0, "Initial"}, {1, "0-RTT"}, {2, "Handshake"}, {3, "Retry"}};
constexpr Meaning kLongTypes2[] = {{0, "Retry"}, {1, "Initial"}, {2, "0-RTT"}, {3, "Handshake"}};
constexpr size_t kVersion2 = 0x6b3343cf;  // RFC 9369

/// A connection id behind its length; where it ends.
size_t connection_id(Fields& fields, const Row& length, const Row& id, size_t at) {
  fields.row(length, at);
  const size_t size = fields.number_or_0(at, 1);
  if (size != 0) fields.row(id, at, size);
  return at + 1 + size;
}

/// The first packet of a datagram (RFC 8999; of versions that we know, RFC 9000, section 17).
void quic_fields(Fields& fields) {
  static constexpr Row kForm{"quic.header_form", "Long header", 0, 1, decimal, 0x80};
  static constexpr Row kFixed{"quic.fixed_bit", "Fixed bit", 0, 1, decimal, 0x40};
  static constexpr Row kSpin{"quic.spin_bit", "Spin bit", 0, 1, decimal, 0x20};
  static constexpr Row kType{"quic.long.packet_type", "Packet type", 0, 1, decimal, 0x30, kLongTypes};
  static constexpr Row kType2{"quic.long.packet_type_v2", "Packet type", 0, 1, decimal, 0x30, kLongTypes2};
  static constexpr Row kVersion{"quic.version", "Version", 1, 4, hex, 0, kQuicVersions};
  static constexpr Row kDestinationSize{"quic.dcil", "Destination connection id length", 0, 1};
  static constexpr Row kDestination{"quic.dcid", "Destination connection id", 1, 0, bytes};
  static constexpr Row kSourceSize{"quic.scil", "Source connection id length", 0, 1};
  static constexpr Row kSource{"quic.scid", "Source connection id", 1, 0, bytes};
  fields.row(kForm, 0);
  if ((fields.number_or_0(0, 1) & 0x80U) == 0) {
    fields.row(kFixed, 0);
    return fields.row(kSpin, 0);
  }
  const size_t version = fields.number_or_0(1, 4);
  if (version == 1 || version == kVersion2 || version >> 8 == 0xff0000) {
    fields.row(kFixed, 0);
    fields.row(version == kVersion2 ? kType2 : kType, 0);
  }
  fields.row(kVersion, 0);
  connection_id(fields, kSourceSize, kSource, connection_id(fields, kDestinationSize, kDestination, 5));
}

/// RFC 4253, section 4.2.
void ssh_fields(Fields& fields) {
  static constexpr Row kLine{"ssh.protocol", "Version line", 0, 0, text};
  const std::string_view text = fields.from(0).text();
  const size_t end = text.find('\n');
  if (!text.starts_with("SSH-") || end == std::string_view::npos) return;
  fields.row(kLine, 0, text.substr(0, end).ends_with('\r') ? end - 1 : end);
}

constexpr Description kDescriptions[] = {
    {"quic", "QUIC", {}, quic_fields},
    {"ssh", "Secure Shell", {}, ssh_fields},
};

}  // namespace

Descriptions secure_descriptions() { return kDescriptions; }

}  // namespace wl::packet
