#pragma once
// Frames of RFC 6455, of both sides. No sockets.
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tools/wsbridge/websocket/deflate.h"

namespace wl::wsbridge::websocket {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Codes of close frames (section 7.4.1) that we send. 1005 is never sent: there was none.
enum CloseCode : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kNotTaken = 1003,
  kNoCode = 1005,
  kBadPayload = 1007,
  kPolicy = 1008,
  kTooBig = 1009,
  kTryAgainLater = 1013
};

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

/// Well-formed UTF-8 (Unicode 15, table 3-7), in pieces, told at the first byte that cannot be.
class Utf8Check {
 public:
  [[nodiscard]] bool add(std::string_view bytes);
  /// False: a character is not whole yet.
  [[nodiscard]] bool whole() const { return missing_ == 0; }

 private:
  uint8_t missing_ = 0, low_ = 0x80, high_ = 0xbf;  // of the next byte
};

enum class Side : uint8_t { server, client };

/// Reads frames as `side` gets them: a server's come masked, a client's not.
class Parser {
 public:
  /// `inflater` is null where permessage-deflate was not agreed upon; several parsers may share it.
  Parser(Side side, size_t max_message, Inflater* inflater)
      : side_(side), max_message_(max_message), inflater_(inflater) {}

  /// Takes bytes off the front of `bytes` (and unmasks them in place) up to the end of a message or control
  /// frame; nothing: all are taken, and more are needed. After a failure it must not be called again.
  [[nodiscard]] std::expected<std::optional<Event>, Failure> next(std::span<char>& bytes);

 private:
  [[nodiscard]] size_t head_wanted() const;
  [[nodiscard]] std::optional<Failure> check_start();
  [[nodiscard]] std::optional<Failure> read_head();
  [[nodiscard]] std::optional<Failure> payload(std::string_view bytes);
  [[nodiscard]] std::expected<Event, Failure> end_control();
  [[nodiscard]] std::expected<Event, Failure> end_message();
  [[nodiscard]] Opcode opcode() const { return static_cast<Opcode>(head_[0] & 15); }
  [[nodiscard]] bool control() const { return (head_[0] & 8) != 0; }
  [[nodiscard]] bool final() const { return (head_[0] & 128) != 0; }

  Side side_;
  size_t max_message_;
  Inflater* inflater_;
  std::array<uint8_t, 14> head_{};
  uint8_t head_size_ = 0;
  bool in_payload_ = false;
  std::array<char, 4> mask_{};
  uint64_t left_ = 0;       // of the payload
  size_t mask_offset_ = 0;  // of the payload's next byte
  std::optional<Opcode> message_opcode_{};
  bool deflated_ = false;
  Utf8Check utf8_{};
  std::string message_{};
  std::string control_{};
};

using Mask = std::array<char, 4>;
/// XORs with the mask, whose first byte belongs to `offset` 0 of the payload.
void apply_mask(std::span<char> bytes, const Mask& mask, size_t offset);
/// Appends one frame that is a whole message or control frame; `mask` for the client's side.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool deflated = false,
                  std::optional<Mask> mask = std::nullopt);
/// The payload of a close frame: kNoCode gives none; a long reason is cut.
[[nodiscard]] std::string close_payload(uint16_t code, std::string_view reason);

}  // namespace wl::wsbridge::websocket
