#pragma once
// The request that makes a WebSocket of an HTTP connection (RFC 6455, section 4.2).
#include <expected>
#include <string>
#include <string_view>

#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::websocket {

/// A request that can be granted. `headers` go with the 101.
struct Upgrade {
  http::Headers headers{};
  bool deflate = false;            ///< permessage-deflate was agreed upon
  bool deflate_to_client = false;  ///< and we may use it too
};

/// Looks at the request; a refusal is the answer to give. `protocol`: the one subprotocol that we know;
/// chosen when the client asks for it.
[[nodiscard]] std::expected<Upgrade, http::Response> accept(const http::Request& request,
                                                            std::string_view protocol = {});

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
[[nodiscard]] std::string accept_key(std::string_view key);

/// Takes the text before the next `separator` (not one inside quotes) off `rest`, without the blanks around
/// it.
[[nodiscard]] std::string_view next_item(std::string_view& rest, char separator);
/// Whether two tokens are the same but for case.
[[nodiscard]] bool same_token(std::string_view a, std::string_view b);

}  // namespace wl::wsbridge::websocket
