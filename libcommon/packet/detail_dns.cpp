// DNS messages (RFC 1035), over UDP and TCP: the header, questions, and records.
#include "libcommon/packet/detail_fields.h"
#include "libcommon/packet/dns.h"
#include "libcommon/packet/dns_text.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Meaning kOpcodes[] = {{0, "query"},  {1, "inverse query"}, {2, "status"},
                                {4, "notify"}, {5, "update"},        {6, "stateful operations"}};
constexpr Meaning kClasses[] = {{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}};

constexpr Row kHeader[] = {
    {"dns.id", "Transaction", 0, 2, hex},
    {"dns.flags", "Flags", 2, 2, hex},
    {"dns.flags.response", "Response", 2, 2, decimal, 0x8000},
    {"dns.flags.opcode", "Operation", 2, 2, decimal, 0x7800, kOpcodes},
};
constexpr Row kAuthoritative{"dns.flags.authoritative", "Authoritative", 2, 2, decimal, 0x0400};
constexpr Row kRequested[] = {
    {"dns.flags.truncated", "Truncated", 2, 2, decimal, 0x0200},
    {"dns.flags.recdesired", "Recursion desired", 2, 2, decimal, 0x0100},
};
constexpr Row kAnswered[] = {
    {"dns.flags.recavail", "Recursion available", 2, 2, decimal, 0x0080},
    {"dns.flags.authenticated", "Authenticated", 2, 2, decimal, 0x0020},
};
/// RFC 4795, section 2.1.1.
constexpr Row kLinkLocal[] = {
    {"dns.flags.conflict", "Conflict", 2, 2, decimal, 0x0400},
    {"dns.flags.truncated", "Truncated", 2, 2, decimal, 0x0200},
    {"dns.flags.tentative", "Tentative", 2, 2, decimal, 0x0100},
};
constexpr Row kCounts[] = {
    {"dns.count.queries", "Questions", 4, 2},
    {"dns.count.answers", "Answers", 6, 2},
    {"dns.count.auth_rr", "Authorities", 8, 2},
    {"dns.count.add_rr", "Additional records", 10, 2},
};

/// What stands behind the name of a question or a record. Multicast DNS takes the highest bit of the class
/// (RFC 6762, sections 5.4 and 10.2).
struct Section {
  std::string_view name;
  std::span<const Row> plain;
  std::span<const Row> multicast;
};
constexpr Row kQuestionRows[] = {{"dns.qry.type", "Type", 0, 2},
                                 {"dns.qry.class", "Class", 2, 2, hex, 0, kClasses}};
constexpr Row kMulticastQuestionRows[] = {{"dns.qry.type", "Type", 0, 2},
                                          {"dns.qry.class", "Class", 2, 2, hex, 0x7fff, kClasses},
                                          {"dns.qry.qu", "Unicast answer wanted", 2, 2, decimal, 0x8000}};
constexpr Row kRecordRows[] = {{"dns.resp.type", "Type", 0, 2},
                               {"dns.resp.class", "Class", 2, 2, hex, 0, kClasses}};
constexpr Row kMulticastRecordRows[] = {
    {"dns.resp.type", "Type", 0, 2},
    {"dns.resp.class", "Class", 2, 2, hex, 0x7fff, kClasses},
    {"dns.resp.cache_flush", "Replaces what is cached", 2, 2, decimal, 0x8000}};
constexpr Section kQuestion{"dns.qry.name", kQuestionRows, kMulticastQuestionRows};
constexpr Section kRecord{"dns.resp.name", kRecordRows, kMulticastRecordRows};

/// Reads a message that begins `start` bytes into the layer.
class Message {
 public:
  Message(Fields& fields, size_t start)
      : fields_(fields), start_(start), bytes_(fields.from(start)), rest_(bytes_) {}

  void run() {
    header();
    if (!rest_.skip(12)) return;
    for (size_t left = count(4); left != 0; --left) {
      if (fields_.full() || !question()) return;
    }
    for (size_t left = count(6) + count(8) + count(10); left != 0; --left) {
      if (fields_.full() || !record()) return;
    }
  }

 private:
  [[nodiscard]] size_t count(size_t at) const { return fields_.number_or_0(start_ + at, 2); }
  /// Of `in`, a part of the message, in the layer.
  [[nodiscard]] size_t place(const ByteReader& in) const { return start_ + bytes_.size() - in.size(); }

  void header() {
    static constexpr Row kCode{"dns.flags.rcode", "Answer code", 2, 2, decimal, 0x000f};
    const bool response = (count(2) & 0x8000U) != 0;
    fields_.rows(kHeader, start_);
    if (&fields_.protocol() == &kLlmnr) {
      fields_.rows(kLinkLocal, start_);
    } else {
      if (response) fields_.row(kAuthoritative, start_);
      fields_.rows(kRequested, start_);
      if (response) fields_.rows(kAnswered, start_);
    }
    if (response) fields_.row(kCode, start_);
    fields_.rows(kCounts, start_);
  }

  /// A name in front of `in`, and takes it.
  bool name(ByteReader& in, std::string_view key, std::string_view label) {
    const ByteReader before = in;
    const auto text = take_dns_name(in, bytes_, fields_.scratch());
    if (!text) return false;
    fields_.add(key, label, *text, place(before), before.size() - in.size());
    return true;
  }

  void type_and_class(const Section& section) {
    const bool multicast = &fields_.protocol() == &kMdns;
    fields_.rows(multicast ? section.multicast : section.plain, place(rest_));
  }

  bool question() {
    if (!name(rest_, kQuestion.name, "Name")) return false;
    type_and_class(kQuestion);
    return rest_.skip(4);
  }

  bool record() {
    static constexpr Row kRest[] = {{"dns.resp.ttl", "Time to live", 4, 4},
                                    {"dns.resp.len", "Data length", 8, 2}};
    static constexpr Row kOpt[] = {{"dns.resp.type", "Type", 0, 2},
                                   {"dns.rr.udp_payload_size", "UDP payload size", 2, 2},
                                   {"dns.resp.ext_rcode", "Upper bits of the answer code", 4, 1, hex},
                                   {"dns.resp.edns0_version", "EDNS version", 5, 1},
                                   {"dns.resp.z", "EDNS flags", 6, 2, hex},
                                   {"dns.resp.z.do", "DNSSEC wanted", 6, 2, decimal, 0x8000},
                                   {"dns.resp.len", "Data length", 8, 2}};
    if (!name(rest_, kRecord.name, "Name")) return false;
    const auto fixed = rest_.peek<10>();
    if (!fixed) return false;
    const uint16_t type = fixed->u16<0>();
    if (type == 41) {
      fields_.rows(kOpt, place(rest_));
    } else {
      type_and_class(kRecord);
      fields_.rows(kRest, place(rest_));
    }
    if (!rest_.skip(10)) return false;
    const ByteReader before = rest_;
    if (!rest_.skip(fixed->u16<8>())) return false;
    data(type, before, fixed->u16<8>());
    return true;
  }

  /// `in` goes on to the end of the message, so that places can be told from it.
  void data(uint16_t type, ByteReader in, size_t size) {
    static constexpr Row kA{"dns.a", "Address", 0, 4, ipv4};
    static constexpr Row kAaaa{"dns.aaaa", "Address", 0, 16, ipv6};
    static constexpr Row kPreference{"dns.mx.preference", "Preference", 0, 2};
    const size_t at = place(in);
    switch (type) {
      case 1: return size == 4 ? fields_.row(kA, at) : void();
      case 28: return size == 16 ? fields_.row(kAaaa, at) : void();
      case 2: (void)name(in, "dns.ns", "Name server"); return;
      case 5: (void)name(in, "dns.cname", "Canonical name"); return;
      case 12: (void)name(in, "dns.ptr.domain_name", "Domain name"); return;
      case 39: (void)name(in, "dns.dname", "Target name"); return;
      case 6: return authority(in);
      case 15:
        fields_.row(kPreference, at);
        if (in.skip(2)) (void)name(in, "dns.mx.mail_exchange", "Mail exchange");
        return;
      case 16: return strings("dns.txt.length", "dns.txt", at, size);
      case 99: return strings("dns.spf.length", "dns.spf", at, size);
      case 33: return service(in);
      default: return;
    }
  }

  void authority(ByteReader in) {
    static constexpr Row kRows[] = {{"dns.soa.serial_number", "Serial number", 0, 4},
                                    {"dns.soa.refresh_interval", "Refresh interval", 4, 4},
                                    {"dns.soa.retry_interval", "Retry interval", 8, 4},
                                    {"dns.soa.expire_limit", "Expire limit", 12, 4},
                                    {"dns.soa.minimum_ttl", "Lifetime of negative answers", 16, 4}};
    if (!name(in, "dns.soa.mname", "Primary name server")) return;
    if (name(in, "dns.soa.rname", "Responsible mailbox")) fields_.rows(kRows, place(in));
  }

  void service(ByteReader in) {
    static constexpr Row kRows[] = {{"dns.srv.priority", "Priority", 0, 2},
                                    {"dns.srv.weight", "Weight", 2, 2},
                                    {"dns.srv.port", "Port", 4, 2}};
    fields_.rows(kRows, place(in));
    if (in.skip(6)) (void)name(in, "dns.srv.target", "Target");
  }

  void strings(std::string_view length_key, std::string_view key, size_t at, size_t size) {
    for (const size_t end = at + size; at < end && !fields_.full();) {
      const auto length = fields_.number(at, 1);
      if (!length || at + 1 + *length > end) return;
      fields_.row({length_key, "Text length", 0, 1}, at);
      fields_.row({key, "Text", 1, 0, text}, at, *length);
      at += 1 + *length;
    }
  }

  Fields& fields_;
  size_t start_;
  ByteReader bytes_;
  ByteReader rest_;
};

void dns_fields(Fields& fields) {
  static constexpr Row kLength{"dns.length", "Length", 0, 2};
  const bool over_tcp = &fields.protocol() == &kDnsTcp;
  if (over_tcp) fields.row(kLength, 0);
  Message(fields, over_tcp ? 2 : 0).run();
}

constexpr Description kDescriptions[] = {
    {"dns", "Domain Name System", {}, dns_fields},
    {"mdns", "Multicast Domain Name System", {}, dns_fields},
    {"llmnr", "Link-local Multicast Name Resolution", {}, dns_fields},
};

}  // namespace

Descriptions dns_descriptions() { return kDescriptions; }

}  // namespace wl::packet
