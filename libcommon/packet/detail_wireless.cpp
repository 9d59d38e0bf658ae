// Wireless LAN: the capture's header and the frame's (IEEE 802.11-2016, 9.2.4).
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Row kRadiotapRows[] = {
    {"radiotap.version", "Version", 0, 1},
    {"radiotap.length", "Header length", 2, 2, little_decimal},
    {"radiotap.present.word", "Present fields", 4, 4, little_hex},
};

/// What the fields of the first bits look like, in the order of their bits; each is aligned.
struct RadiotapField {
  unsigned bit;
  size_t alignment;
  size_t size;
  std::optional<Row> row;
};
constexpr RadiotapField kRadiotapFields[] = {
    {0, 8, 8, Row{"radiotap.mactime", "Time (us)", 0, 8, little_decimal}},
    {1, 1, 1, Row{"radiotap.flags", "Flags", 0, 1, hex}},
    {2, 1, 1, std::nullopt},  // rate in 500 kbit/s
    {3, 2, 4, Row{"radiotap.channel.freq", "Channel frequency (MHz)", 0, 2, little_decimal}},
    {4, 2, 2, std::nullopt},  // hopping
    {5, 1, 1, Row{"radiotap.dbm_antsignal", "Signal (dBm)", 0, 1, signed_decimal}},
    {6, 1, 1, Row{"radiotap.dbm_antnoise", "Noise (dBm)", 0, 1, signed_decimal}},
};

void radiotap_fields(Fields& fields) {
  const size_t end = (fields.number_or_0(3, 1) << 8) | fields.number_or_0(2, 1);
  fields.set_length(end);
  const auto present = fields.number(7, 1);  // the lowest bits: little-endian is undone byte by byte
  const auto low = fields.number(4, 1);
  if (!present || !low) return;
  size_t at = 4;
  // Bit 31 of each word of the bitmap says that another one follows.
  for (bool more = true; more; at += 4) {
    const auto high = fields.number(at + 3, 1);
    if (!high) return;
    more = (*high & 0x80U) != 0;
  }
  for (const RadiotapField& field : kRadiotapFields) {
    if ((*low >> field.bit & 1U) == 0) continue;
    at = (at + field.alignment - 1) / field.alignment * field.alignment;
    if (at + field.size > end) return;
    if (field.row) fields.row(*field.row, at);
    at += field.size;
  }
}

constexpr Meaning kFrameTypes[] = {{0, "management"}, {1, "control"}, {2, "data"}, {3, "extension"}};

constexpr Row kFrameRows[] = {
    {"wlan.fc.version", "Version", 0, 1, decimal, 0x03},
    {"wlan.fc.type", "Type", 0, 1, decimal, 0x0c, kFrameTypes},
    {"wlan.fc.subtype", "Subtype", 0, 1, decimal, 0xf0},
    {"wlan.flags", "Flags", 1, 1, hex},
    {"wlan.fc.tods", "To the distribution system", 1, 1, decimal, 0x01},
    {"wlan.fc.fromds", "From the distribution system", 1, 1, decimal, 0x02},
    {"wlan.fc.frag", "More fragments", 1, 1, decimal, 0x04},
    {"wlan.fc.retry", "Retry", 1, 1, decimal, 0x08},
    {"wlan.fc.pwrmgt", "Power management", 1, 1, decimal, 0x10},
    {"wlan.fc.moredata", "More data", 1, 1, decimal, 0x20},
    {"wlan.fc.protected", "Protected", 1, 1, decimal, 0x40},
};

/// Which address stands where, by the two direction bits (table 9-26).
void data_addresses(Fields& fields, size_t directions) {
  static constexpr Row kDestination{"wlan.da", "Destination", 0, 6, mac};
  static constexpr Row kSource{"wlan.sa", "Source", 0, 6, mac};
  static constexpr Row kBssid{"wlan.bssid", "BSS", 0, 6, mac};
  constexpr size_t kFirst = 4;
  constexpr size_t kSecond = 10;
  constexpr size_t kThird = 16;
  constexpr size_t kFourth = 24;
  switch (directions) {
    case 0:
      fields.row(kDestination, kFirst);
      fields.row(kSource, kSecond);
      return fields.row(kBssid, kThird);
    case 1:
      fields.row(kBssid, kFirst);
      fields.row(kSource, kSecond);
      return fields.row(kDestination, kThird);
    case 2:
      fields.row(kDestination, kFirst);
      fields.row(kBssid, kSecond);
      return fields.row(kSource, kThird);
    default: fields.row(kDestination, kThird); return fields.row(kSource, kFourth);
  }
}

/// The elements of a management frame (9.4.2), behind the fixed part that its subtype has.
void elements(Fields& fields, size_t subtype) {
  static constexpr Row kHead[] = {{"wlan.tag.number", "Element", 0, 1},
                                  {"wlan.tag.length", "Element length", 1, 1}};
  static constexpr Row kName{"wlan.ssid", "Network name (SSID)", 2, 0, text};
  constexpr size_t kHeader = 24;
  size_t at = kHeader;
  switch (subtype) {
    case 0: at += 4; break;   // association request
    case 2: at += 10; break;  // reassociation request
    case 4: break;            // probe request
    case 5:                   // probe response
    case 8: at += 12; break;  // beacon
    default: return;
  }
  while (!fields.full()) {
    const auto head = fields.number(at, 2);
    const auto size = static_cast<size_t>(head.value_or(0) & 0xffU);
    if (!head || fields.from(at + 2).size() < size) return;
    fields.rows(kHead, at);
    if (*head >> 8 == 0 && size != 0) fields.row(kName, at, size);
    at += 2 + size;
  }
}

void frame_fields(Fields& fields) {
  static constexpr Row kDuration{"wlan.duration", "Duration (us)", 2, 2, little_decimal, 0x7fff};
  static constexpr Row kReceiver{"wlan.ra", "Receiver", 4, 6, mac};
  static constexpr Row kTransmitter{"wlan.ta", "Transmitter", 10, 6, mac};
  static constexpr Row kSequence[] = {
      {"wlan.frag", "Fragment", 22, 2, little_decimal, 0x000f},
      {"wlan.seq", "Sequence number", 22, 2, little_decimal, 0xfff0},
  };
  const size_t control = fields.number_or_0(0, 1);
  if ((control & 3U) != 0) return;  // version 0 only
  fields.rows(kFrameRows);
  fields.row(kDuration, 0);
  const size_t type = control >> 2 & 3U;
  if (type == 3) return;
  fields.row(kReceiver, 0);
  if (type == 1) return;
  fields.row(kTransmitter, 0);
  data_addresses(fields, type == 2 ? fields.number_or_0(1, 1) & 3U : 0);
  fields.rows(kSequence);
  // A protected frame is encrypted; the order bit of a management frame puts a field before the fixed part.
  const bool plain = (fields.number_or_0(1, 1) & 0xc0U) == 0;
  if (type == 0 && plain) elements(fields, control >> 4);
}

constexpr Description kDescriptions[] = {
    {"radiotap", "Radiotap capture header", kRadiotapRows, radiotap_fields},
    {"wlan", "IEEE 802.11 frame", {}, frame_fields},
};

}  // namespace

Descriptions wireless_descriptions() { return kDescriptions; }

}  // namespace wl::packet
