#include "libcommon/packet/dns.h"

#include "libcommon/packet/dns_text.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kMinQuestion = 5;  // the root, type, class
constexpr size_t kMinRecord = 11;   // the root, type, class, time to live, length
constexpr size_t kMaxAnswers = 1024;

constexpr uint16_t kResponse = 0x8000;
constexpr uint16_t kOpcode = 0x7800;
constexpr uint16_t kTruncated = 0x0200;
constexpr uint16_t kReserved = 0x0040;
constexpr uint16_t kOpt = 41;

struct Header {
  uint16_t flags;
  size_t questions;
  size_t answers;
  size_t authorities;
  size_t additionals;

  explicit Header(const Fixed<kHeader>& bytes)
      : flags(bytes.u16<2>()),
        questions(bytes.u16<4>()),
        answers(bytes.u16<6>()),
        authorities(bytes.u16<8>()),
        additionals(bytes.u16<10>()) {}
  [[nodiscard]] bool response() const { return (flags & kResponse) != 0; }
  [[nodiscard]] size_t records() const { return answers + authorities + additionals; }
};

/// The bytes hold, or may hold where the counts say so, what the header announces.
bool counts_fit(const Header& header, size_t message_size) {
  // A truncated answer may keep the counts of what was left out.
  const size_t records = (header.flags & kTruncated) != 0 ? 0 : header.records();
  return kHeader + header.questions * kMinQuestion + records * kMinRecord <= message_size;
}

/// Opcode 6 is the last assigned one (DSO, RFC 8490).
bool is_known_opcode(uint16_t flags) { return (flags & kOpcode) >> 11 <= 6; }

bool is_known_class(uint16_t query_class) {
  const unsigned plain = query_class & 0x7fffU;  // multicast DNS uses the upper bit (RFC 6762, section 18.12)
  return plain == 1 || plain == 3 || plain == 4 || plain == 254 || plain == 255;
}

/// The question in front of `in` is well formed, as far as it is there.
bool is_question(ByteReader in) {
  while (const auto length = in.take_u8()) {
    if (*length != 0 && (*length & 0xc0) != 0xc0) {
      if (*length > 63) return false;
      if (!in.skip(*length)) return true;
      continue;
    }
    if (*length != 0 && !in.skip(1)) return true;
    const auto fixed = in.take<4>();
    return !fixed || (fixed->u16<0>() != 0 && is_known_class(fixed->u16<2>()));
  }
  return true;
}

struct Record {
  uint16_t type = 0;
  uint32_t ttl = 0;
  ByteReader data;
};

std::optional<Record> take_record(ByteReader& in) {
  if (!skip_dns_name(in)) return std::nullopt;
  const auto fixed = in.take<10>();
  if (!fixed || fixed->u16<8>() > in.size()) return std::nullopt;
  return Record{fixed->u16<0>(), fixed->u32<4>(), in.take_reader(fixed->u16<8>())};
}

/// Reads the message behind its header.
class Body {
 public:
  Body(const ByteReader& message, const ByteReader& rest, Context& context)
      : message_(message), rest_(rest), context_(context) {}

  /// Each of these returns false where the message ends too early or contradicts itself.
  bool questions(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (i == 0 ? !first_question() : !skip_dns_name(rest_) || !rest_.skip(4)) return false;
    }
    return true;
  }
  bool answers(size_t count) {
    const auto list = context_.scratch.take_list(std::min(count, kMaxAnswers));
    size_t used = 0;
    bool whole = true;
    for (size_t i = 0; whole && i < count; ++i) {
      const auto record = take_record(rest_);
      whole = record.has_value();
      if (!whole || used == list.size()) continue;
      const auto text = dns_data_text(record->type, record->data, message_, context_.scratch);
      if (text && !text->empty()) list[used++] = *text;
    }
    if (used != 0) context_.out.set_dns_answers(list.first(used));
    return whole;
  }
  /// The upper bits of the answer code are in the OPT record (RFC 6891, section 6.1.3).
  bool others(size_t count, uint16_t rcode) {
    for (size_t i = 0; i < count; ++i) {
      const auto record = take_record(rest_);
      if (!record) return false;
      const auto upper = static_cast<uint16_t>(record->ttl >> 24 << 4);
      if (record->type != kOpt || upper == 0) continue;
      context_.out.set_dns_rcode(dns_rcode_text(upper | rcode, context_.scratch));
    }
    return true;
  }

 private:
  bool first_question() {
    const auto name = take_dns_name(rest_, message_, context_.scratch);
    const auto fixed = rest_.take<4>();
    if (!name || !fixed) return false;
    context_.out.set_dns_qname(*name);
    context_.out.set_name(*name);
    context_.out.set_dns_qtype(dns_type_text(fixed->u16<0>(), context_.scratch));
    return true;
  }

  const ByteReader& message_;
  ByteReader rest_;
  Context& context_;
};

/// `whole`: all of the message is in this packet, unless the capture cut it.
Next decode_message(const ByteReader& message, bool whole, Context& context) {
  record::Packet& out = context.out;
  out.set_app(context.innermost_layer());
  ByteReader rest = message;
  const auto start = rest.peek<4>();
  if (!start) return context.ended_early(message, kHeader);
  const uint16_t flags = start->u16<2>();
  const bool response = (flags & kResponse) != 0;
  const uint16_t rcode = flags & 0x0fU;
  out.set_dns_id(start->u16<0>());
  out.set_dns_response(response);
  if (response) out.set_dns_rcode(dns_rcode_text(rcode, context.scratch));
  const auto fixed = rest.take<kHeader>();
  if (!fixed) return context.ended_early(message, kHeader);
  const Header header(*fixed);

  Body body(message, rest, context);
  bool good = body.questions(header.questions);
  if (good && response) {
    good = body.answers(header.answers);
    if (good && header.additionals != 0) good = body.others(header.authorities + header.additionals, rcode);
  }
  if (good || !whole || (header.flags & kTruncated) != 0) return {};
  return message.cut() ? context.cut() : context.malformed();
}

Next decode_dns(ByteReader in, Context& context) { return decode_message(in, true, context); }

Next decode_dns_tcp(ByteReader in, Context& context) {
  const auto length = in.take_u16();
  if (!length) return context.ended_early(in, 2);
  return decode_message(in.first(*length), *length <= in.wire_size(), context);
}

/// `size`: of the message, which may end in another segment.
bool is_message(const ByteReader& message, size_t size) {
  ByteReader rest = message;
  const auto fixed = rest.take<kHeader>();
  if (!fixed) {
    const auto start = message.peek<4>();
    return message.cut() && start && is_known_opcode(start->u16<2>());
  }
  const Header header(*fixed);
  if (is_known_opcode(header.flags) && counts_fit(header, size)) return true;
  return header.questions != 0 && is_question(rest);
}

}  // namespace

bool is_dns(const ByteReader& payload) { return is_message(payload, payload.wire_size()); }

bool is_dns_tcp(const ByteReader& payload) {
  ByteReader rest = payload;
  const auto length = rest.take_u16();
  return length && *length >= kHeader && is_message(rest.first(*length), *length);
}

bool is_plain_dns(const ByteReader& payload) {
  ByteReader rest = payload;
  const auto fixed = rest.take<kHeader>();
  if (!fixed || fixed->u16<4>() != 1 || (fixed->u16<2>() & (kOpcode | kReserved)) != 0) return false;
  const Header header(*fixed);
  if (!header.response() && (header.answers != 0 || header.authorities != 0 || header.additionals > 2)) {
    return false;
  }
  if (!counts_fit(header, payload.wire_size()) || !skip_dns_name(rest)) return false;
  const auto question = rest.take<4>();
  if (!question || question->u16<0>() == 0 || !is_known_class(question->u16<2>())) return false;
  return header.records() != 0 || rest.wire_size() == 0;
}

const Protocol kDns{"dns", decode_dns};
const Protocol kMdns{"mdns", decode_dns};
const Protocol kLlmnr{"llmnr", decode_dns};
const Protocol kDnsTcp{"dns", decode_dns_tcp};

}  // namespace wl::packet
