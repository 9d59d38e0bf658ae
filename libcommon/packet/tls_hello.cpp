#include "libcommon/packet/tls_hello.h"

#include <algorithm>

namespace wl::packet {
namespace {

constexpr uint8_t kClientHello = 1;
constexpr uint8_t kServerHello = 2;
constexpr size_t kMessageHeader = 4;

// "TLS ExtensionType Values" of IANA.
constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr uint16_t kSupportedVersions = 43;

/// Drafts of TLS 1.3 count as 1.3; reserved values (GREASE, RFC 8701) and unknown ones as 0.
uint16_t known_version(uint16_t version) {
  if (version >= 0x0300 && version <= 0x0304) return version;
  return version >> 8 == 0x7f || version >> 8 == 0xfb ? 0x0304 : 0;
}

std::string_view version_text(uint16_t version) {
  switch (version) {
    case 0x0300: return "ssl3";
    case 0x0301: return "1.0";
    case 0x0302: return "1.1";
    case 0x0303: return "1.2";
    case 0x0304: return "1.3";
    default: return {};
  }
}

bool note_server_name(ByteReader in, Context& context) {
  if (in.wire_size() == 0) return true;  // a server says that it used the name
  const auto list = in.take<5>();
  if (!list) return false;
  const size_t size = list->u16<3>();
  if (list->u16<0>() > in.wire_size() + 3 || list->u8<2>() != 0 || size == 0 || size > in.size())
    return false;
  const std::string_view name = wire_text(in.first(size).text(), context.scratch);
  context.out.set_tls_sni(name);
  context.out.set_name(name);
  return true;
}

/// The protocols of an ALPN list (RFC 7301), one after the other.
std::optional<ByteReader> take_protocol(ByteReader& in) {
  const auto size = in.take_u8();
  if (!size || *size > in.size()) return std::nullopt;
  return in.take_reader(*size);
}

bool note_protocols(ByteReader in, Context& context) {
  const auto size = in.take_u16();
  if (!size) return false;
  in = in.first(*size);
  size_t count = 0;
  for (ByteReader rest = in; take_protocol(rest);) ++count;
  const auto list = context.scratch.take_list(count);
  for (auto& name : list) name = wire_text(take_protocol(in)->text(), context.scratch);
  if (!list.empty()) context.out.set_tls_alpn(list);
  return true;
}

bool note_versions(ByteReader in, bool client, Context& context) {
  if (client && !in.skip(1)) return false;
  uint16_t highest = 0;
  while (const auto version = in.take_u16()) highest = std::max(highest, known_version(*version));
  if (highest != 0) context.out.set_tls_version(version_text(highest));
  return true;
}

bool note_extension(uint16_t type, const ByteReader& body, bool client, Context& context) {
  switch (type) {
    case kServerName:
      return context.out.present.has(record::Field::tls_sni) || note_server_name(body, context);
    case kAlpn: return note_protocols(body, context);
    case kSupportedVersions: return note_versions(body, client, context);
    default: return true;
  }
}

bool note_extensions(ByteReader in, bool client, Context& context) {
  bool good = true;
  while (const auto header = in.take<4>()) {
    const size_t size = header->u16<2>();
    if (size > in.wire_size()) return false;
    good = note_extension(header->u16<0>(), in.take_reader(size), client, context) && good;
  }
  return good;
}

/// Passes over a vector whose length takes Width bytes.
template <size_t Width>
bool skip_vector(ByteReader& in) {
  const auto size = in.take<Width>();
  if (!size) return false;
  if constexpr (Width == 1) {
    return in.skip(size->template u8<0>());
  } else {
    return in.skip(size->template u16<0>());
  }
}

}  // namespace

HelloState hello_state(const ByteReader& in) {
  const auto type = in.at(0);
  if (!type || (*type != kClientHello && *type != kServerHello)) return HelloState::other;
  // The shortest one: version, random, empty session id, a cipher suite.
  constexpr uint32_t kShortest = 2 + 32 + 1 + 2;
  const auto start = in.peek<kMessageHeader + 1>();
  if (!start) return HelloState::unfinished;
  const uint32_t size = start->u24<1>();
  if (start->u8<4>() != 3 || size < kShortest || size > Heads::kMaxHead) return HelloState::other;
  return in.size() < kMessageHeader + size ? HelloState::unfinished : HelloState::whole;
}

bool note_hello(ByteReader in, Context& context) {
  const auto header = in.take<kMessageHeader>();
  if (!header) return false;
  const bool client = header->u8<0>() == kClientHello;
  in = in.first(header->u24<1>());
  const auto fixed = in.take<34>();  // version, random
  if (!fixed) return false;
  const std::string_view version = version_text(fixed->u16<0>());
  if (!version.empty()) context.out.set_tls_version(version);
  if (!skip_vector<1>(in)) return false;  // session id
  const bool skipped = client ? skip_vector<2>(in) && skip_vector<1>(in) : in.skip(3);
  if (!skipped) return false;
  if (in.wire_size() == 0) return true;  // TLS 1.0 and before know no extensions
  const auto size = in.take_u16();
  return size && note_extensions(in.first(*size), client, context);
}

}  // namespace wl::packet
