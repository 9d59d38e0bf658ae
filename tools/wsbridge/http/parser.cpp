#include "tools/wsbridge/http/parser.h"

#include <algorithm>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>
#include <strings.h>

namespace wl::wsbridge::http {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string text(beast::string_view view) { return {view.data(), view.size()}; }

/// How often a header is there, and its last value.
struct Seen {
  unsigned times = 0;
  std::string_view value{};
};

Seen look_for(const Headers& headers, std::string_view name) {
  Seen seen;
  for (const auto& [key, value] : headers) {
    if (same_word(key, name)) seen = {seen.times + 1, value};
  }
  return seen;
}

/// Takes "http://host" off an absolute target and puts host where Host was (RFC 9112, 3.2.2).
bool make_origin_form(Request& request) {
  if (request.path.starts_with('/') || (request.path == "*" && request.method == "OPTIONS")) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!same_word(std::string_view(request.path).substr(0, scheme.size()), scheme)) continue;
    const size_t slash = std::min(request.path.find('/', scheme.size()), request.path.size());
    const auto host =
        std::ranges::find_if(request.headers, [](const auto& one) { return same_word(one.first, "host"); });
    if (host != request.headers.end())
      host->second = request.path.substr(scheme.size(), slash - scheme.size());
    request.path.erase(0, slash);
    if (request.path.empty()) request.path = "/";
    return true;
  }
  return false;
}

}  // namespace

struct Parser::Beast final : beast::http::basic_parser<true> {
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version,
                       error_code&) override {
    head.request.method = text(method);
    head.http11 = version == 11;
    const size_t query = std::min(target.find('?'), target.size());
    head.request.path = text(target.substr(0, query));
    if (query < target.size()) head.request.query = text(target.substr(query + 1));
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     error_code&) override {
    if (!head_read)
      head.request.headers.emplace_back(text(name), text(value));  // else a trailer, which we do not use
  }
  void on_header_impl(error_code&) override { head_read = true; }
  size_t give(beast::string_view bytes, error_code& error) {
    status = sink->add({bytes.data(), bytes.size()});
    if (status != 0) error = beast::http::error::body_limit;
    return bytes.size();
  }
  size_t on_body_impl(beast::string_view bytes, error_code& error) override { return give(bytes, error); }
  size_t on_chunk_body_impl(uint64_t, beast::string_view bytes, error_code& error) override {
    return give(bytes, error);
  }
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(uint64_t, beast::string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  Head head{};
  bool head_read = false;
  Sink* sink = nullptr;
  unsigned status = 0;
};

Parser::Parser() = default;
Parser::~Parser() = default;

Parser::Outcome<size_t> Parser::find_head(std::string_view bytes, size_t& line) {
  for (;;) {
    const size_t end = bytes.find('\n', line);
    if (end == std::string_view::npos) return 0;
    const std::string_view one = bytes.substr(line, end - line);
    // The only '\r' is the one before '\n'; and no line goes on on the next (obs-fold).
    if (one.find('\r') != one.size() - 1 || one.find('\0') != std::string_view::npos)
      return std::unexpected(400);
    if (one.starts_with(' ') || one.starts_with('\t')) return std::unexpected(400);
    line = end + 1;
    if (one.size() == 1) return line;
  }
}

Parser::Outcome<Head> Parser::parse_head(std::string_view bytes) {
  beast_ = std::make_unique<Beast>();
  beast_->header_limit(static_cast<uint32_t>(bytes.size() + 1));
  beast_->body_limit(UINT64_MAX);  // sinks have their own
  error_code error;
  beast_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::http::error::bad_version) {
    const std::string_view line = bytes.substr(0, bytes.find('\r'));
    const bool other = std::ranges::count(line, ' ') == 2 && line.rfind(" HTTP/") + 9 == line.size();
    return std::unexpected(other ? 505U : 400U);
  }
  if (error || !beast_->head_read) return std::unexpected(400);
  Head& head = beast_->head;
  Request& request = head.request;
  const Seen host = look_for(request.headers, "host");
  const Seen length = look_for(request.headers, "content-length");
  const Seen coding = look_for(request.headers, "transfer-encoding");
  // Beast takes several equal lengths, lists of them, codings that it does not know, and one after another.
  const bool digits = length.value.find_first_not_of("0123456789") == std::string_view::npos;
  if (host.times > 1 || (head.http11 && host.times == 0) || length.times > 1 || !digits)
    return std::unexpected(400);
  if (coding.times > 1 || (coding.times == 1 && (!head.http11 || length.times != 0)))
    return std::unexpected(400);
  if (coding.times == 1 && !same_word(coding.value, "chunked")) return std::unexpected(501);
  if (request.path.find('#') != std::string::npos || !make_origin_form(request)) return std::unexpected(400);

  head.has_body = !beast_->is_done();
  if (length.times == 1) head.length = *beast_->content_length();
  head.keep_alive = beast_->keep_alive();
  if (const Seen expect = look_for(request.headers, "expect"); head.http11 && expect.times != 0) {
    if (!same_word(expect.value, "100-continue")) return std::unexpected(417);
    head.expects_continue = true;
  }
  head.head_only = request.method == "HEAD";
  if (head.head_only) request.method = "GET";
  return std::move(head);
}

Parser::Outcome<size_t> Parser::body(std::string_view bytes, Sink& sink) {
  beast_->sink = &sink;
  beast_->eager(true);
  error_code error;
  const size_t used = beast_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error && error != beast::http::error::need_more) {
    return std::unexpected(beast_->status != 0 ? beast_->status : 400U);
  }
  return used;
}

bool Parser::done() const { return beast_->is_done(); }

std::string_view reason_phrase(unsigned status) {
  const beast::string_view text = beast::http::obsolete_reason(static_cast<beast::http::status>(status));
  return {text.data(), text.size()};
}

}  // namespace wl::wsbridge::http
