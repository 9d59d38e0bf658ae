// HTTP/1 heads, NTP, SNMP, NetBIOS names.
#include <algorithm>
#include <array>

#include "libcommon/base/time.h"
#include "libcommon/packet/detail_fields.h"
#include "libcommon/packet/http.h"

namespace wl::packet {
namespace {

using enum Format;

/// Headers with a key of their own; the others stand as whole lines.
struct Header {
  std::string_view name;  ///< in lower case
  std::string_view key;
  std::string_view label;
};
constexpr Header kHeaders[] = {
    {"accept", "http.accept", "Accept"},
    {"accept-encoding", "http.accept_encoding", "Accept-Encoding"},
    {"accept-language", "http.accept_language", "Accept-Language"},
    {"authorization", "http.authorization", "Authorization"},
    {"cache-control", "http.cache_control", "Cache-Control"},
    {"connection", "http.connection", "Connection"},
    {"content-encoding", "http.content_encoding", "Content-Encoding"},
    {"content-length", "http.content_length_header", "Content-Length"},
    {"content-type", "http.content_type", "Content-Type"},
    {"cookie", "http.cookie", "Cookie"},
    {"date", "http.date", "Date"},
    {"host", "http.host", "Host"},
    {"last-modified", "http.last_modified", "Last-Modified"},
    {"location", "http.location", "Location"},
    {"referer", "http.referer", "Referer"},
    {"server", "http.server", "Server"},
    {"set-cookie", "http.set_cookie", "Set-Cookie"},
    {"transfer-encoding", "http.transfer_encoding", "Transfer-Encoding"},
    {"upgrade", "http.upgrade", "Upgrade"},
    {"user-agent", "http.user_agent", "User-Agent"},
};

bool same_name(std::string_view name, std::string_view lower) {
  return std::ranges::equal(
      name, lower, [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b); });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Reads the lines of a head, one after the other.
class Head {
 public:
  explicit Head(Fields& fields) : fields_(fields), text_(fields.from(0).text()) {}

  void run() {
    // The lines of a request whose first one stood in an earlier packet have a protocol of their own.
    if (&fields_.protocol() == &kHttp && !begin()) return;
    while (!fields_.full() && take_line() && !line_.empty()) header();
  }

 private:
  bool begin() {
    while (text_.substr(at_).starts_with("\r\n")) at_ += 2;
    if (!take_line()) return false;
    response_ = line_.starts_with("HTTP/") || line_.starts_with("ICY ");
    start_line();
    return true;
  }

  /// A whole line: `line_` without its end, from `begin_` up to `at_`.
  bool take_line() {
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) return false;
    begin_ = at_;
    line_ = text_.substr(at_, end - at_);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    at_ = end + 1;
    return true;
  }

  /// A part of the line, as it stands there.
  void part(std::string_view key, std::string_view label, std::string_view part) {
    const auto at = begin_ + static_cast<size_t>(part.data() - line_.data());
    fields_.add(key, label, wire_text(part, fields_.scratch()), at, part.size());
  }

  void start_line() {
    const size_t first = line_.find(' ');
    if (first == std::string_view::npos) return;
    const std::string_view rest = line_.substr(first + 1);
    if (response_) {
      const size_t second = std::min(rest.find(' '), rest.size());
      part("http.response.version", "Version", line_.substr(0, first));
      part("http.response.code", "Status", rest.substr(0, second));
      if (second + 1 < rest.size()) part("http.response.phrase", "Phrase", rest.substr(second + 1));
      return;
    }
    const size_t second = rest.rfind(' ');
    part("http.request.method", "Method", line_.substr(0, first));
    part("http.request.uri", "Target", rest.substr(0, second));
    if (second != std::string_view::npos) part("http.request.version", "Version", rest.substr(second + 1));
  }

  void header() {
    const size_t colon = line_.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view name = line_.substr(0, colon);
    const auto* const known =
        std::ranges::find_if(kHeaders, [&](const Header& header) { return same_name(name, header.name); });
    if (known != std::end(kHeaders)) {
      const std::string_view value = wire_text(trimmed(line_.substr(colon + 1)), fields_.scratch());
      return fields_.add(known->key, known->label, value, begin_, at_ - begin_);
    }
    fields_.add(response_ ? "http.response.line" : "http.request.line", "Header",
                wire_text(line_, fields_.scratch()), begin_, at_ - begin_);
  }

  Fields& fields_;
  std::string_view text_;
  std::string_view line_;
  size_t begin_ = 0;
  size_t at_ = 0;
  bool response_ = false;
};

void http_fields(Fields& fields) { Head(fields).run(); }

constexpr Meaning kModes[] = {{1, "symmetric active"}, {2, "symmetric passive"}, {3, "client"}, {4, "server"},
                              {5, "broadcast"},        {6, "control"},           {7, "private"}};
constexpr Meaning kLeaps[] = {
    {0, "no warning"}, {1, "61 seconds"}, {2, "59 seconds"}, {3, "not synchronised"}};

/// RFC 5905, section 6: seconds since 1900 and their fraction; the era is the one that we live in.
void ntp_time(Fields& fields, std::string_view key, std::string_view label, size_t at) {
  const auto stamp = fields.number(at, 8);
  if (!stamp) return;
  if (*stamp == 0) return fields.add(key, label, "unknown", at, 8);
  constexpr uint64_t kEra = uint64_t{1} << 32;
  constexpr uint64_t kTo1970 = 2'208'988'800;
  const uint64_t seconds = *stamp >> 32;
  const uint64_t since_1900 = (seconds & 0x80000000U) != 0 ? seconds : seconds + kEra;
  const uint64_t nanoseconds = ((*stamp & 0xffffffffU) * 1'000'000'000) >> 32;
  const auto time = static_cast<int64_t>((since_1900 - kTo1970) * 1'000'000'000 + nanoseconds);
  fields.add(key, label, base::rfc3339(time, 9), at, 8);
}

void ntp_fields(Fields& fields) {
  static constexpr Row kFlags[] = {{"ntp.flags", "Flags", 0, 1, hex},
                                   {"ntp.flags.li", "Leap second", 0, 1, decimal, 0xc0, kLeaps},
                                   {"ntp.flags.vn", "Version", 0, 1, decimal, 0x38},
                                   {"ntp.flags.mode", "Mode", 0, 1, decimal, 0x07, kModes}};
  static constexpr Row kRows[] = {{"ntp.stratum", "Stratum", 1, 1},
                                  {"ntp.ppoll", "Poll interval (log2 s)", 2, 1},
                                  {"ntp.precision", "Precision (log2 s)", 3, 1, signed_decimal},
                                  {"ntp.refid", "Reference", 12, 4, bytes}};
  const size_t mode = fields.number_or_0(0, 1) & 7U;
  if (mode == 7) return;
  fields.rows(kFlags);
  if (mode == 6) return;
  fields.rows(kRows);
  ntp_time(fields, "ntp.reftime", "Reference time", 16);
  ntp_time(fields, "ntp.org", "Originate time", 24);
  ntp_time(fields, "ntp.rec", "Receive time", 32);
  ntp_time(fields, "ntp.xmt", "Transmit time", 40);
}

/// Version and community of the first two versions (RFC 3416): short lengths in BER.
void snmp_fields(Fields& fields) {
  static constexpr Meaning kVersions[] = {{0, "1"}, {1, "2c"}, {3, "3"}};
  static constexpr Row kVersion{"snmp.version", "Version", 2, 1, decimal, 0, kVersions};
  static constexpr Row kCommunity{"snmp.community", "Community", 2, 0, text};
  const size_t length = fields.number_or_0(1, 1);
  const size_t at = length < 0x80 ? 2 : 2 + (length & 0x7fU);
  if (fields.number_or_0(at, 2) != 0x0201) return;
  fields.row(kVersion, at);
  const size_t octets = fields.number_or_0(at + 3, 2);
  if (octets >> 8 == 0x04 && (octets & 0xffU) < 0x80) fields.row(kCommunity, at + 3, octets & 0xffU);
}

constexpr Row kNameServiceRows[] = {
    {"nbns.id", "Transaction", 0, 2, hex},
    {"nbns.flags", "Flags", 2, 2, hex},
    {"nbns.flags.response", "Response", 2, 2, decimal, 0x8000},
    {"nbns.flags.opcode", "Operation", 2, 2, decimal, 0x7800},
    {"nbns.flags.broadcast", "Broadcast", 2, 2, decimal, 0x0010},
    {"nbns.count.queries", "Questions", 4, 2},
    {"nbns.count.answers", "Answers", 6, 2},
    {"nbns.count.auth_rr", "Authorities", 8, 2},
    {"nbns.count.add_rr", "Additional records", 10, 2},
};

constexpr Description kDescriptions[] = {
    {"snmp", "Simple Network Management Protocol", {}, snmp_fields},
    {"nbns", "NetBIOS Name Service", kNameServiceRows},
    {"http", "Hypertext Transfer Protocol", {}, http_fields},
    {"ntp", "Network Time Protocol", {}, ntp_fields},
};

}  // namespace

Descriptions application_descriptions() { return kDescriptions; }

}  // namespace wl::packet
