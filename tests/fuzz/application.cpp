// Application payloads in one flow: a byte for the transport (bit 0: TCP) and the direction (bit 1), the port
// of the service, then packets: two bytes of length, whose upper four bits say how much of the packet the
// capture cut off (sixteenths), and the payload.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "libcommon/packet/decoder.h"
#include "libcommon/record/field_selection.h"

namespace {

using namespace wl;

constexpr uint16_t kLinkIpv4 = 228;
constexpr uint16_t kClientPort = 50000;

/// An IPv4 packet with a TCP or UDP header.
std::vector<uint8_t> wrap(bool tcp, bool reply, uint16_t service, uint32_t sequence,
                          std::span<const uint8_t> payload) {
  std::vector<uint8_t> bytes(20 + (tcp ? 20U : 8U));
  const auto put = [&](size_t at, size_t value) {
    bytes[at] = static_cast<uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<uint8_t>(value);
  };
  bytes[0] = 0x45;
  put(2, bytes.size() + payload.size());
  bytes[9] = tcp ? 6 : 17;
  bytes[15] = 1;
  bytes[19] = 2;
  put(20, reply ? service : kClientPort);
  put(22, reply ? kClientPort : service);
  put(24, tcp ? sequence >> 16 : payload.size() + 8);
  put(26, tcp ? sequence & 0xffffU : 0);
  if (tcp) put(32, 0x5018);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

/// wire_text() lengthens valid UTF-8 by its backslashes only.
void require_utf8(std::string_view text, packet::Scratch& scratch) {
  scratch.reset();
  const auto backslashes = static_cast<size_t>(std::ranges::count(text, '\\'));
  if (packet::wire_text(text, scratch).size() != text.size() + backslashes) std::abort();
}

void check_texts(const record::Packet& packet, packet::Scratch& scratch) {
  using record::Field;
  const auto has = [&](Field field) { return packet.present.has(field); };
  if (has(Field::name)) require_utf8(packet.name, scratch);
  if (has(Field::dns_qname)) require_utf8(packet.dns_qname, scratch);
  if (has(Field::http_uri)) require_utf8(packet.http_uri, scratch);
  if (has(Field::http_host)) require_utf8(packet.http_host, scratch);
  if (has(Field::tls_sni)) require_utf8(packet.tls_sni, scratch);
  if (has(Field::info)) require_utf8(packet.info, scratch);
  if (has(Field::dns_answers)) {
    for (const auto text : packet.dns_answers) require_utf8(text, scratch);
  }
  if (has(Field::tls_alpn)) {
    for (const auto text : packet.tls_alpn) require_utf8(text, scratch);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  static packet::Scratch scratch;
  packet::Decoder::Options options;
  options.wanted = record::default_fields();
  for (const auto field : {record::Field::info, record::Field::community_id, record::Field::layers}) {
    options.wanted.add(field);
  }
  packet::Decoder decoder(options);
  record::Packet packet;
  const uint8_t mode = data[0];
  const auto service = static_cast<uint16_t>(data[1] << 8 | data[2]);
  std::span<const uint8_t> rest(data + 3, size - 3);
  for (uint32_t sequence = 1; rest.size() >= 2;) {
    const size_t length = (rest[0] & 0x0fU) << 8 | rest[1];
    const size_t missing = rest[0] >> 4;
    rest = rest.subspan(2);
    const auto payload = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(payload.size());
    auto bytes = wrap((mode & 1) != 0, (mode & 2) != 0, service, sequence, payload);
    const auto whole = static_cast<uint32_t>(bytes.size());
    bytes.resize(bytes.size() - payload.size() * missing / 16);
    bytes.shrink_to_fit();
    decoder.decode(bytes, whole, kLinkIpv4, packet);
    check_texts(packet, scratch);
    sequence += static_cast<uint32_t>(payload.size());
  }
  return 0;
}
