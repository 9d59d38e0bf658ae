#include "tools/wsbridge/http/parser.h"

#include <algorithm>

#include <boost/beast/http/basic_parser.hpp>

namespace wl::wsbridge::http {

namespace beast = boost::beast;
using beast::iequals;

namespace {

/// Takes "http://host" off an absolute target and puts host where Host was (RFC 9112, 3.2.2).
bool make_origin_form(Request& request) {
  std::string& path = request.path;
  if (path.starts_with('/') || (path == "*" && request.method == "OPTIONS")) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!iequals(std::string_view(path).substr(0, scheme.size()), scheme)) continue;
    const size_t slash = std::min(path.find('/', scheme.size()), path.size());
    for (auto& [name, value] : request.headers) {
      if (iequals(name, "Host")) value = path.substr(scheme.size(), slash - scheme.size());
    }
    path.erase(0, slash);
    if (path.empty()) path = "/";
    return true;
  }
  return false;
}

}  // namespace

struct Parser::Beast final : beast::http::basic_parser<true> {
  void on_request_impl(beast::http::verb, std::string_view method, std::string_view target, int version,
                       error_code&) override {
    head.request.method = method;
    head.http11 = version == 11;
    const size_t query = std::min(target.find('?'), target.size());
    head.request.path = target.substr(0, query);
    if (query < target.size()) head.request.query = target.substr(query + 1);
  }
  void on_field_impl(beast::http::field, std::string_view name, std::string_view value,
                     error_code&) override {
    if (!head_read) head.request.headers.emplace_back(name, value);  // else a trailer, which we do not use
  }
  void on_header_impl(error_code&) override { head_read = true; }
  size_t on_body_impl(std::string_view bytes, error_code& error) override {
    status = (*sink)(bytes);
    if (status != 0) error = beast::http::error::body_limit;
    return bytes.size();
  }
  size_t on_chunk_body_impl(uint64_t, std::string_view bytes, error_code& error) override {
    return on_body_impl(bytes, error);
  }
  void on_response_impl(int, std::string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(uint64_t, std::string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  Head head{};
  bool head_read = false;
  const Sink* sink = nullptr;
  unsigned status = 0;
};

Parser::Parser(size_t max_head) : max_head_(max_head) {}
Parser::~Parser() = default;

unsigned Parser::head(std::string& bytes, Head& head) {
  if (line_ == 0) bytes.erase(0, bytes.find_first_not_of("\r\n"));  // RFC 9112, 2.2
  for (size_t size = 0; size != 1;) {
    const size_t end = bytes.find('\n', line_);
    if (std::min(end, bytes.size()) >= max_head_) return line_ == 0 ? 414 : 431;
    if (end == std::string::npos) return kMore;
    const std::string_view line = std::string_view(bytes).substr(line_, end - line_);
    // The only '\r' is the one before '\n'; and no line goes on on the next (obs-fold).
    if (line.find('\r') != line.size() - 1 || line.find('\0') != std::string_view::npos ||
        line.find_first_of(" \t") == 0) {
      return 400;
    }
    line_ = end + 1;
    size = line.size();
  }
  const unsigned status = parse(std::string_view(bytes).substr(0, line_));
  bytes.erase(0, std::exchange(line_, 0));
  if (status == kWhole) head = std::move(beast_->head);
  return status;
}

unsigned Parser::parse(std::string_view bytes) {
  beast_ = std::make_unique<Beast>();
  beast_->header_limit(static_cast<uint32_t>(bytes.size() + 1));
  beast_->body_limit(UINT64_MAX);  // sinks have their own
  error_code error;
  beast_->put(asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::http::error::bad_version) {
    const std::string_view line = bytes.substr(0, bytes.find('\r'));
    return std::ranges::count(line, ' ') == 2 && line.rfind(" HTTP/") + 9 == line.size() ? 505 : 400;
  }
  if (error || !beast_->head_read) return 400;
  Head& head = beast_->head;
  Request& request = head.request;
  const auto times = [&](std::string_view name) {
    return std::ranges::count_if(request.headers, [&](const auto& one) { return iequals(one.first, name); });
  };
  const auto value = [&](std::string_view name) {
    const std::string* const found = request.header(name);
    return found == nullptr ? std::string_view{} : std::string_view(*found);
  };
  const auto hosts = times("Host"), lengths = times("Content-Length"), codings = times("Transfer-Encoding");
  const std::string_view expect = head.http11 ? value("Expect") : "";
  // Beast takes several equal lengths, lists of them, codings that it does not know, and one after another.
  if (hosts > 1 || (head.http11 && hosts == 0) || lengths + codings > 1 || (codings > 0 && !head.http11) ||
      value("Content-Length").find_first_not_of("0123456789") != std::string_view::npos) {
    return 400;
  }
  if (codings > 0 && !iequals(value("Transfer-Encoding"), "chunked")) return 501;
  if (request.path.find('#') != std::string::npos || !make_origin_form(request)) return 400;
  if (!expect.empty() && !iequals(expect, "100-continue")) return 417;
  head.expects_continue = !expect.empty();
  head.has_body = !beast_->is_done();
  if (lengths > 0) head.length = *beast_->content_length();
  head.keep_alive = beast_->keep_alive();
  head.head_only = request.method == "HEAD";
  if (head.head_only) request.method = "GET";
  return kWhole;
}

unsigned Parser::body(std::string& bytes, const Sink& sink) {
  beast_->sink = &sink;
  beast_->eager(true);
  error_code error;
  bytes.erase(0, beast_->put(asio::const_buffer(bytes.data(), bytes.size()), error));
  if (error == beast::http::error::body_limit) return beast_->status;
  if (error && error != beast::http::error::need_more) return 400;
  return beast_->is_done() ? kWhole : kMore;
}

}  // namespace wl::wsbridge::http
