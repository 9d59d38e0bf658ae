#pragma once
// RFC 6455 as a server speaks it (handshake, frames) and RFC 7692 (deflated messages). No sockets.
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tools/wsbridge/http/message.h"

struct z_stream_s;  // z_stream

namespace wl::wsbridge::websocket {

/// A request that can be granted (section 4.2). `headers` go with the 101.
struct Upgrade {
  http::Headers headers{};
  bool deflate = false;            ///< permessage-deflate was agreed upon
  bool deflate_to_client = false;  ///< and we may use it too; not where the client's window is smaller
};

/// Looks at the request; a refusal is the answer to give.
[[nodiscard]] std::expected<Upgrade, http::Response> accept(const http::Request& request);

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Codes of close frames (section 7.4.1). kNoCode is never sent: there was none.
inline constexpr uint16_t kNormal = 1000, kGoingAway = 1001, kProtocolError = 1002, kNotTaken = 1003,
                          kNoCode = 1005, kBadPayload = 1007, kPolicy = 1008, kTooBig = 1009,
                          kTryAgainLater = 1013;

/// A whole message, or a control frame. `code` is of a close frame; its payload is the reason alone.
struct Event {
  Opcode opcode{};
  std::string payload{};
  uint16_t code = kNoCode;
};

/// What the peer did wrong.
struct Failure {
  uint16_t code;
  std::string_view reason;
};

/// No context is taken over, so that one deflated message serves every client.
class Deflater {
 public:
  Deflater();
  /// A message's payload, deflated. It lives until the next call.
  [[nodiscard]] std::string_view deflate(std::string_view message);

 private:
  std::unique_ptr<z_stream_s, void (*)(z_stream_s*)> zlib_;
  std::string out_{};
};

/// No context here either, so that one serves all connections, and one that is idle has no state.
class Inflater {
 public:
  Inflater();
  /// Replaces `message` by what the deflated payload says, unless that has more than `max` bytes.
  [[nodiscard]] std::optional<Failure> inflate(std::string_view payload, size_t max, std::string& message);

 private:
  std::unique_ptr<z_stream_s, void (*)(z_stream_s*)> zlib_;
};

/// Reads a client's frames.
class Parser {
 public:
  /// `inflater` is null where permessage-deflate was not agreed upon; several parsers may share it.
  Parser(size_t max_message, Inflater* inflater) : max_message_(max_message), inflater_(inflater) {}

  /// Takes bytes off the front of `bytes` (and unmasks them in place) up to the end of a message or control
  /// frame; nothing: all are taken, and more are needed. After a failure it must not be called again.
  [[nodiscard]] std::expected<std::optional<Event>, Failure> next(std::span<char>& bytes);

 private:
  [[nodiscard]] uint8_t head(size_t i) const { return static_cast<uint8_t>(head_[i]); }
  [[nodiscard]] size_t head_wanted() const;
  [[nodiscard]] std::optional<Failure> begin_frame();
  [[nodiscard]] std::expected<Event, Failure> end_control();
  [[nodiscard]] std::expected<Event, Failure> end_message();

  size_t max_message_;
  Inflater* inflater_;
  std::string head_{};              // of the frame, at most 14 bytes
  std::optional<uint64_t> left_{};  // of its payload; nothing: the head is not whole
  size_t taken_ = 0;                // of its payload
  Opcode opcode_{};                 // of the frame
  bool control_ = false, deflated_ = false;
  std::optional<Opcode> message_opcode_{};
  std::string message_{}, control_payload_{};
  size_t checked_ = 0;  // of the message: it is UTF-8 up to here
};

/// Appends one frame that is a whole message or control frame.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool deflated = false);
/// Appends a text message as one frame: deflated, unless `deflater` is null or nothing is gained by that,
/// which then costs the client nothing.
void append_text(std::string& out, std::string_view message, Deflater* deflater);
/// The payload of a close frame: kNoCode gives none; a long reason is cut.
[[nodiscard]] std::string close_payload(uint16_t code, std::string_view reason);

/// A message as a line: line ends inside become blanks.
[[nodiscard]] std::string as_line(std::string_view message);

}  // namespace wl::wsbridge::websocket
