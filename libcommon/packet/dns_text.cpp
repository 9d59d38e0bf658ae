#include "libcommon/packet/dns_text.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "libcommon/base/units.h"
#include "libcommon/ndjson/text.h"

namespace wl::packet {
namespace {

constexpr size_t kMaxName = 255;  // RFC 1035, section 2.3.4

struct Named {
  uint16_t number;
  std::string_view name;
};

// "Resource Record (RR) TYPEs" of IANA's DNS parameters, in order.
constexpr Named kTypes[] = {
    {1, "A"},      {2, "NS"},      {3, "MD"},          {4, "MF"},     {5, "CNAME"},     {6, "SOA"},
    {7, "MB"},     {8, "MG"},      {9, "MR"},          {10, "NULL"},  {11, "WKS"},      {12, "PTR"},
    {13, "HINFO"}, {14, "MINFO"},  {15, "MX"},         {16, "TXT"},   {17, "RP"},       {18, "AFSDB"},
    {19, "X25"},   {20, "ISDN"},   {21, "RT"},         {22, "NSAP"},  {23, "NSAP-PTR"}, {24, "SIG"},
    {25, "KEY"},   {26, "PX"},     {27, "GPOS"},       {28, "AAAA"},  {29, "LOC"},      {30, "NXT"},
    {31, "EID"},   {32, "NIMLOC"}, {33, "SRV"},        {34, "ATMA"},  {35, "NAPTR"},    {36, "KX"},
    {37, "CERT"},  {38, "A6"},     {39, "DNAME"},      {40, "SINK"},  {41, "OPT"},      {42, "APL"},
    {43, "DS"},    {44, "SSHFP"},  {45, "IPSECKEY"},   {46, "RRSIG"}, {47, "NSEC"},     {48, "DNSKEY"},
    {49, "DHCID"}, {50, "NSEC3"},  {51, "NSEC3PARAM"}, {52, "TLSA"},  {53, "SMIMEA"},   {55, "HIP"},
    {56, "NINFO"}, {57, "RKEY"},   {58, "TALINK"},     {59, "CDS"},   {60, "CDNSKEY"},  {61, "OPENPGPKEY"},
    {62, "CSYNC"}, {63, "ZONEMD"}, {64, "SVCB"},       {65, "HTTPS"}, {99, "SPF"},      {100, "UINFO"},
    {101, "UID"},  {102, "GID"},   {103, "UNSPEC"},    {104, "NID"},  {105, "L32"},     {106, "L64"},
    {107, "LP"},   {108, "EUI48"}, {109, "EUI64"},     {249, "TKEY"}, {250, "TSIG"},    {251, "IXFR"},
    {252, "AXFR"}, {253, "MAILB"}, {254, "MAILA"},     {255, "ANY"},  {256, "URI"},     {257, "CAA"},
    {258, "AVC"},  {259, "DOA"},   {260, "AMTRELAY"},  {32768, "TA"}, {32769, "DLV"},
};

// "DNS RCODEs" of the same registry; 16 as EDNS has it (RFC 6891), not as TSIG.
constexpr Named kRcodes[] = {
    {0, "NOERROR"},  {1, "FORMERR"},    {2, "SERVFAIL"}, {3, "NXDOMAIN"},  {4, "NOTIMP"},
    {5, "REFUSED"},  {6, "YXDOMAIN"},   {7, "YXRRSET"},  {8, "NXRRSET"},   {9, "NOTAUTH"},
    {10, "NOTZONE"}, {11, "DSOTYPENI"}, {16, "BADVERS"}, {17, "BADKEY"},   {18, "BADTIME"},
    {19, "BADMODE"}, {20, "BADNAME"},   {21, "BADALG"},  {22, "BADTRUNC"}, {23, "BADCOOKIE"},
};

std::string_view number_text(std::string_view prefix, uint16_t number, Scratch& scratch) {
  const auto room = scratch.take(prefix.size() + ndjson::kMaxNumber);
  if (room.empty()) return {};
  const char* const end = ndjson::put_u32(ndjson::put(room.data(), prefix), number);
  scratch.give_back(end);
  return {room.data(), static_cast<size_t>(end - room.data())};
}

bool is_plain(uint8_t byte) { return byte < 0x80 && byte != '.' && byte != '\\'; }

/// Writes a label at `out`, which has room for four times its size.
char* put_label(char* out, std::string_view label, Scratch& scratch) {
  if (std::ranges::all_of(label, [](char c) { return is_plain(static_cast<uint8_t>(c)); })) {
    return ndjson::put(out, label);
  }
  // wire_text takes scratch memory behind the name's, which take_dns_name() gives back with it.
  for (const char c : wire_text(label, scratch)) {
    if (c == '.') *out++ = '\\';
    *out++ = c;
  }
  return out;
}

/// Several parts in scratch memory, one behind the other with a space between.
class Joined {
 public:
  explicit Joined(Scratch& scratch) : scratch_(scratch) {}

  void number(uint16_t value) { part(number_text("", value, scratch_)); }
  void part(std::string_view text) {
    if (count_ < parts_.size() && !text.empty()) parts_[count_++] = text;
  }
  [[nodiscard]] std::optional<std::string_view> text() {
    size_t size = 0;
    for (const auto& part : used()) size += part.size() + 1;
    const auto room = scratch_.take(size);
    if (size == 0 || room.empty()) return std::nullopt;
    char* out = room.data();
    for (const auto& part : used()) {
      out = ndjson::put(out, part);
      *out++ = ' ';
    }
    return std::string_view(room.data(), size - 1);
  }

 private:
  [[nodiscard]] std::span<const std::string_view> used() const { return std::span(parts_).first(count_); }

  Scratch& scratch_;
  std::array<std::string_view, 4> parts_;
  size_t count_ = 0;
};

template <size_t Size, char* (*put)(char*, const uint8_t*)>
std::optional<std::string_view> address_text(ByteReader data, Scratch& scratch) {
  if (data.wire_size() != Size || data.size() != Size) return std::nullopt;
  const auto room = scratch.take(ndjson::kMaxAddress);
  if (room.empty()) return std::nullopt;
  const char* const end = put(room.data(), data.bytes().data());
  scratch.give_back(end);
  return std::string_view(room.data(), static_cast<size_t>(end - room.data()));
}

/// `numbers` 16-bit values and a name.
std::optional<std::string_view> numbered_name(int numbers, ByteReader data, const ByteReader& message,
                                              Scratch& scratch) {
  Joined joined(scratch);
  for (int i = 0; i < numbers; ++i) {
    const auto value = data.take_u16();
    if (!value) return std::nullopt;
    joined.number(*value);
  }
  const auto name = take_dns_name(data, message, scratch);
  if (!name) return std::nullopt;
  joined.part(*name);
  return joined.text();
}

/// Character strings, joined without a separator as SPF and DKIM readers do (RFC 7208, section 3.3).
std::optional<std::string_view> strings_text(ByteReader data, Scratch& scratch) {
  const auto room = scratch.take(data.size());
  if (room.empty()) return std::nullopt;
  char* out = room.data();
  while (const auto length = data.take_u8()) {
    if (*length > data.size()) return std::nullopt;
    out = ndjson::put(out, data.take_reader(*length).text());
  }
  return wire_text({room.data(), static_cast<size_t>(out - room.data())}, scratch);
}

std::optional<std::string_view> authority_text(ByteReader data, const ByteReader& message, Scratch& scratch) {
  Joined joined(scratch);
  for (int i = 0; i < 2; ++i) {
    const auto name = take_dns_name(data, message, scratch);
    if (!name) return std::nullopt;
    joined.part(*name);
  }
  return joined.text();
}

}  // namespace

std::optional<std::string_view> take_dns_name(ByteReader& in, const ByteReader& message, Scratch& scratch) {
  const auto room = scratch.take(kMaxName * 4);
  if (room.empty()) return std::nullopt;
  char* out = room.data();
  size_t size = 0;
  ByteReader at = in;
  // A pointer has to lie in front of the one before, so there is an end to them.
  size_t limit = message.size() - in.size();
  bool jumped = false;
  while (const auto length = at.take_u8()) {
    if (*length == 0) {
      if (!jumped) in = at;
      if (out == room.data())
        *out++ = '.';
      else
        --out;
      scratch.give_back(out);
      return std::string_view(room.data(), static_cast<size_t>(out - room.data()));
    }
    if ((*length & 0xc0) == 0xc0) {
      const auto low = at.take_u8();
      const size_t target = (*length & 0x3fU) << 8 | low.value_or(0);
      if (!low || target >= limit) return std::nullopt;
      if (!jumped) in = at;
      jumped = true;
      limit = target;
      at = message;
      if (!at.skip(target)) return std::nullopt;
      continue;
    }
    size += *length + size_t{1};
    if (*length > 63 || size >= kMaxName || *length > at.size()) return std::nullopt;
    out = put_label(out, at.take_reader(*length).text(), scratch);
    *out++ = '.';
  }
  return std::nullopt;
}

bool skip_dns_name(ByteReader& in) {
  while (const auto length = in.take_u8()) {
    if (*length == 0) return true;
    if ((*length & 0xc0) == 0xc0) return in.skip(1);
    if (*length > 63 || !in.skip(*length)) return false;
  }
  return false;
}

std::string_view dns_type_text(uint16_t type, Scratch& scratch) {
  const auto* const found = std::ranges::lower_bound(kTypes, type, {}, &Named::number);
  if (found != std::end(kTypes) && found->number == type) return found->name;
  return number_text("TYPE", type, scratch);
}

std::string_view dns_rcode_text(uint16_t rcode, Scratch& scratch) {
  const auto* const found = std::ranges::lower_bound(kRcodes, rcode, {}, &Named::number);
  if (found != std::end(kRcodes) && found->number == rcode) return found->name;
  return number_text("", rcode, scratch);
}

namespace {

std::optional<uint16_t> number_of(std::span<const Named> table, std::string_view prefix,
                                  std::string_view text) {
  const auto found = std::ranges::find(table, text, &Named::name);
  if (found != table.end()) return found->number;
  if (!text.starts_with(prefix)) return std::nullopt;
  const auto number = base::parse_number(text.substr(prefix.size()), UINT16_MAX);
  return number ? std::optional(static_cast<uint16_t>(*number)) : std::nullopt;
}

}  // namespace

std::optional<uint16_t> dns_type_number(std::string_view text) { return number_of(kTypes, "TYPE", text); }
std::optional<uint16_t> dns_rcode_number(std::string_view text) { return number_of(kRcodes, "", text); }

std::optional<std::string_view> dns_data_text(uint16_t type, ByteReader data, const ByteReader& message,
                                              Scratch& scratch) {
  switch (type) {
    case 1: return address_text<4, ndjson::put_ipv4>(data, scratch);
    case 28: return address_text<16, ndjson::put_ipv6>(data, scratch);
    case 2:   // NS
    case 5:   // CNAME
    case 12:  // PTR
    case 39:  // DNAME
      return take_dns_name(data, message, scratch);
    case 6:  // SOA: the two names
      return authority_text(data, message, scratch);
    case 15:  // MX
    case 64:  // SVCB
    case 65:  // HTTPS
      return numbered_name(1, data, message, scratch);
    case 16:  // TXT
    case 99:  // SPF
      return strings_text(data, scratch);
    case 33:  // SRV
      return numbered_name(3, data, message, scratch);
    default: return std::nullopt;
  }
}

}  // namespace wl::packet
