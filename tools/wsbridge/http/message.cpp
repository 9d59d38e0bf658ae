#include "tools/wsbridge/http/message.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <ranges>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace wl::wsbridge::http {
namespace {

/// False: a '%' without two hexadecimal digits, or NUL.
bool decode(std::string_view text, bool plus_is_space, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' && plus_is_space ? ' ' : text[i];
    if (c == '%') {
      unsigned byte = 0;
      const char* const digits = text.data() + i + 1;
      if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
        return false;
      c = static_cast<char>(byte);
      i += 2;
    }
    if (c == '\0') return false;
    out += c;
  }
  return true;
}

}  // namespace

const std::string* Request::header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const auto& one) { return boost::beast::iequals(one.first, name); });
  return found == headers.end() ? nullptr : &found->second;
}

std::optional<std::string> Request::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const auto& [key, value] : headers) {
    if (boost::beast::iequals(key, name)) all = all ? *all + "," + value : value;
  }
  return all;
}

std::string_view reason(unsigned status) {
  return boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
}

Response problem(unsigned status, std::string_view detail, int retry_after_s) {
  nlohmann::ordered_json document{{"type", "about:blank"}, {"title", reason(status)}, {"status", status}};
  if (!detail.empty()) document["detail"] = detail;
  Response response{.status = status,
                    .headers = {{"Content-Type", "application/problem+json"}},
                    .body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 429 || status == 503)
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return response;
}

std::optional<std::vector<std::string>> decode_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  std::vector<std::string> segments;
  for (const auto part : std::views::split(path.substr(1), '/')) {
    if (!segments.empty() && segments.back().empty()) return std::nullopt;
    std::string& segment = segments.emplace_back();
    if (!decode({part.begin(), part.end()}, false, segment) || segment == "." || segment == ".." ||
        segment.find_first_of("/\\") != std::string::npos) {
      return std::nullopt;
    }
  }
  return segments;
}

std::optional<Headers> parse_query(std::string_view query) {
  Headers pairs;
  for (const auto part : std::views::split(query, '&')) {
    const std::string_view one(part.begin(), part.end());
    if (one.empty()) continue;
    const size_t equals = std::min(one.find('='), one.size());
    auto& [name, value] = pairs.emplace_back();
    if (!decode(one.substr(0, equals), true, name)) return std::nullopt;
    if (!decode(one.substr(std::min(equals + 1, one.size())), true, value)) return std::nullopt;
  }
  return pairs;
}

void append_encoded(std::string& query, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      query += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      query += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

std::string http_date(time_t time) {
  tm parts{};
  std::array<char, 64> text{};
  ::gmtime_r(&time, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace wl::wsbridge::http
