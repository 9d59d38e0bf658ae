#pragma once
// permessage-deflate (RFC 7692). No context is taken over in either direction, so that one deflated message
// serves every client, and a connection that is idle has no state.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace wl::wsbridge::websocket {

/// What an offer of permessage-deflate came to.
struct DeflateTerms {
  std::string answer{};    ///< for Sec-WebSocket-Extensions
  bool to_client = false;  ///< we may deflate; not where the client's window is smaller than ours
};

/// Reads all Sec-WebSocket-Extensions of a request and takes the first offer that can be kept to.
[[nodiscard]] std::optional<DeflateTerms> negotiate_deflate(std::string_view offers);

class Deflater {
 public:
  Deflater();
  ~Deflater();
  /// A message's payload, deflated. It lives until the next call.
  [[nodiscard]] std::string_view deflate(std::string_view message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class Inflated : uint8_t { whole, broken, too_big };

class Inflater {
 public:
  Inflater();
  ~Inflater();
  /// Replaces `message` by what the deflated payload says, unless that has more than `max` bytes.
  [[nodiscard]] Inflated inflate(std::string_view payload, size_t max, std::string& message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wl::wsbridge::websocket
