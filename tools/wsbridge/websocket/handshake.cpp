#include "tools/wsbridge/websocket/handshake.h"

#include <algorithm>

#include <openssl/evp.h>

#include "libcommon/ndjson/text.h"
#include "tools/wsbridge/websocket/deflate.h"

namespace wl::wsbridge::websocket {
namespace {

http::Response refuse(unsigned status, std::string_view title, std::string_view detail,
                      http::Headers headers = {}) {
  headers.emplace_back("Content-Type", "application/problem+json");
  std::string body = R"({"type":"about:blank","title":")";
  body.append(title).append(R"(","status":)").append(std::to_string(status));
  body.append(R"(,"detail":")").append(detail).append("\"}");
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

/// All values of a header, as one list.
std::string all_of(const http::Request& request, std::string_view name) {
  std::string all;
  for (const auto& [key, value] : request.headers) {
    if (same_token(key, name)) all.append(all.empty() ? "" : ",").append(value);
  }
  return all;
}

bool lists(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    if (same_token(next_item(list, ','), token)) return true;
  }
  return false;
}

/// Sixteen bytes in base64: 22 digits and "==".
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

}  // namespace

bool same_token(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
    return lower(x) == lower(y);
  });
}

std::string_view next_item(std::string_view& rest, char separator) {
  bool quoted = false;
  const auto end = std::ranges::find_if(rest, [&](char c) {
    quoted ^= c == '"';
    return c == separator && !quoted;
  });
  std::string_view item(rest.begin(), end);
  rest.remove_prefix(std::min(item.size() + 1, rest.size()));
  while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
  while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
  return item;
}

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest, &size, ::EVP_sha1(), nullptr);
  std::string accept(ndjson::base64_room(size), '\0');
  (void)ndjson::put_base64(accept.data(), {digest, size});
  return accept;
}

std::expected<Upgrade, http::Response> accept(const http::Request& request, std::string_view protocol) {
  if (!lists(all_of(request, "Connection"), "upgrade") || !lists(all_of(request, "Upgrade"), "websocket")) {
    return std::unexpected(refuse(426, "Upgrade Required", "this is a WebSocket",
                                  {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}));
  }
  if (request.method != "GET")
    return std::unexpected(
        refuse(405, "Method Not Allowed", "a WebSocket is opened by GET", {{"Allow", "GET"}}));
  if (all_of(request, "Sec-WebSocket-Version") != "13") {
    return std::unexpected(
        refuse(426, "Upgrade Required", "Sec-WebSocket-Version is not 13",
               {{"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"}}));
  }
  const std::string key = all_of(request, "Sec-WebSocket-Key");
  if (!is_key(key))
    return std::unexpected(refuse(400, "Bad Request", "Sec-WebSocket-Key is not 16 bytes in base64"));

  Upgrade upgrade{.headers = {{"Upgrade", "websocket"},
                              {"Connection", "Upgrade"},
                              {"Sec-WebSocket-Accept", accept_key(key)}}};
  if (const auto terms = negotiate_deflate(all_of(request, "Sec-WebSocket-Extensions"))) {
    upgrade.headers.emplace_back("Sec-WebSocket-Extensions", terms->answer);
    upgrade.deflate = true;
    upgrade.deflate_to_client = terms->to_client;
  }
  if (!protocol.empty() && lists(all_of(request, "Sec-WebSocket-Protocol"), protocol)) {
    upgrade.headers.emplace_back("Sec-WebSocket-Protocol", protocol);
  }
  return upgrade;
}

}  // namespace wl::wsbridge::websocket
