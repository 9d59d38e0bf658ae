#include "libcommon/packet/http.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "libcommon/packet/stream_head.h"

namespace wl::packet {
namespace {

// IANA's HTTP method registry, and those of widespread extensions (DAV of Microsoft, RPC over HTTP, UPnP).
constexpr std::string_view kMethods[] = {
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "PATCH",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "CHECKOUT",
    "CHECKIN",
    "UNCHECKOUT",
    "MKWORKSPACE",
    "UPDATE",
    "LABEL",
    "MERGE",
    "MKACTIVITY",
    "ORDERPATCH",
    "ACL",
    "BIND",
    "UNBIND",
    "REBIND",
    "LINK",
    "UNLINK",
    "MKCALENDAR",
    "MKREDIRECTREF",
    "UPDATEREDIRECTREF",

    "VERSION-CONTROL",
    "BASELINE-CONTROL",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "NOTIFY",
    "POLL",
    "BCOPY",
    "BMOVE",
    "BDELETE",
    "BPROPFIND",
    "BPROPPATCH",
    "RPC_CONNECT",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "CCM_POST",
    "M-SEARCH",
    "DESCRIBE",
};
constexpr size_t kMaxMethod = 17;

/// A line without its end; nothing when `text` ends first. Moves `text` behind it.
std::optional<std::string_view> take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// The part up to the next space, which is passed over with those that follow.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

bool is_response(std::string_view text) { return text.starts_with("HTTP/") || text.starts_with("ICY "); }

bool begins_with_method(std::string_view text) {
  const std::string_view start = text.substr(0, kMaxMethod + 1);
  const size_t space = start.find(' ');
  return space != std::string_view::npos &&
         std::ranges::find(kMethods, start.substr(0, space)) != std::end(kMethods);
}

std::string_view trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The value of `line` when it is a Host header.
std::optional<std::string_view> host_value(std::string_view line) {
  constexpr std::string_view kHost = "host:";
  if (line.size() < kHost.size()) return std::nullopt;
  const bool same = std::ranges::equal(line.substr(0, kHost.size()), kHost, [](char a, char b) {
    return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b);
  });
  return same ? std::optional(trim(line.substr(kHost.size()))) : std::nullopt;
}

/// Without the port; an IPv6 address keeps its brackets' inside.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.rfind(':'));
}

Next decode_headers(ByteReader in, Context& context);
/// Header lines that come in a later segment than the first line.
const Protocol kHttpHeaders{"http", decode_headers};

Next decode_headers(ByteReader in, Context& context) {
  context.out.set_app("http");
  std::string_view rest = in.text();
  std::string_view unfinished = rest;
  while (const auto line = take_line(rest)) {
    unfinished = rest;
    if (line->empty()) return {};
    const auto host = host_value(*line);
    if (!host) continue;
    if (host->empty()) return {};
    context.out.set_http_host(wire_text(*host, context.scratch));
    context.out.set_name(wire_text(host_name(*host), context.scratch));
    return {};
  }
  if (in.cut()) return context.cut();
  (void)in.skip(in.size() - unfinished.size());
  keep_head(kHttpHeaders, in, context);
  return {};
}

/// False: the line ends before its status code.
bool note_status(std::string_view line, Context& context) {
  (void)take_word(line);
  uint16_t status = 0;
  const char* const end = line.data() + std::min<size_t>(line.size(), 3);
  const auto [at, error] = std::from_chars(line.data(), end, status);
  if (error != std::errc{} || at != line.data() + 3) return line.size() >= 3;
  context.out.set_http_status(status);
  return true;
}

/// False: the line ends before its method and target do. `whole`: it ends with a line end.
bool note_request(std::string_view line, bool whole, Context& context) {
  const std::string_view method = take_word(line);
  const std::string_view uri = take_word(line);
  const bool ended = whole || uri.data() + uri.size() != line.data();
  if (!ended && !context.out.present.has(record::Field::truncated_at)) return false;
  context.out.set_http_method(wire_text(method, context.scratch));
  if (!uri.empty()) context.out.set_http_uri(wire_text(uri, context.scratch));
  return true;
}

/// A server passes over empty lines in front of a request (RFC 9112, section 2.2).
std::string_view without_empty_lines(std::string_view text) {
  while (text.starts_with("\r\n")) text.remove_prefix(2);
  return text;
}

Next decode_http(ByteReader in, Context& context) {
  context.out.set_app("http");
  if (in.cut()) context.cut();
  std::string_view rest = without_empty_lines(in.text());
  std::string_view line = rest;
  const auto whole = take_line(rest);
  if (whole) line = *whole;
  const bool response = is_response(line);
  const bool noted = response ? note_status(line, context) : note_request(line, whole.has_value(), context);
  if (!noted && !whole) {
    keep_head(kHttp, in, context);
    return {};
  }
  if (response) return {};
  (void)in.skip(in.size() - rest.size());
  return decode_headers(in, context);
}

}  // namespace

bool is_http(const ByteReader& payload) {
  std::string_view text = without_empty_lines(payload.text());
  if (is_response(text)) return true;
  if (!begins_with_method(text)) return false;
  (void)take_word(text);
  std::string_view rest = text;
  if (const auto line = take_line(rest)) {
    const std::string_view end = line->substr(line->size() - std::min<size_t>(line->size(), 9));
    return end.starts_with(" HTTP/1.") || line->find(" HTTP/1.") != std::string_view::npos;
  }
  return text.starts_with('/') || text.starts_with("http") || text.starts_with('*');
}

bool is_http_request(const ByteReader& payload) {
  return begins_with_method(without_empty_lines(payload.text()));
}

const Protocol kHttp{"http", decode_http};

}  // namespace wl::packet
