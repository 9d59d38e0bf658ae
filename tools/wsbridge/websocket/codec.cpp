#include "tools/wsbridge/websocket/codec.h"

#include <algorithm>
#include <cstring>

namespace wl::wsbridge::websocket {
namespace {

Failure wrong(std::string_view reason) { return {kProtocolError, reason}; }

/// Codes that may be on the wire: those of section 7.4.1 and IANA's registry, and 3000 to 4999 (7.4.2).
bool may_be_sent(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace

bool Utf8Check::add(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    uint64_t word = 0;
    while (missing_ == 0 && end - at >= 8 && (std::memcpy(&word, at, 8), (word & 0x8080808080808080) == 0))
      at += 8;
    if (at == end) break;
    const auto byte = static_cast<uint8_t>(*at++);
    if (missing_ != 0) {
      if (byte < low_ || byte > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xbf;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      if (byte == 0xe0) low_ = 0xa0;   // longer than needed
      if (byte == 0xed) high_ = 0x9f;  // surrogates
      if (byte == 0xf0) low_ = 0x90;   // longer than needed
      if (byte == 0xf4) high_ = 0x8f;  // above U+10FFFF
    }
  }
  return true;
}

size_t Parser::head_wanted() const {
  if (head_size_ < 2) return 2;
  const uint8_t length = head_[1] & 127;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (side_ == Side::server ? 4u : 0u);
}

/// The first two bytes (section 5.2).
std::optional<Failure> Parser::check_start() {
  const bool masked = (head_[1] & 128) != 0;
  if (masked != (side_ == Side::server)) return wrong(masked ? "a masked frame" : "a frame without a mask");
  if (control()) {
    if (opcode() > Opcode::pong) return wrong("a reserved opcode");
    if ((head_[0] & 0x70) != 0) return wrong("a reserved bit is set");
    if (!final()) return wrong("a control frame in fragments");
    if ((head_[1] & 127) > 125) return wrong("a control frame of more than 125 bytes");
    return std::nullopt;
  }
  if (opcode() > Opcode::binary) return wrong("a reserved opcode");
  const bool first = opcode() != Opcode::continuation;
  if ((head_[0] & 0x30) != 0) return wrong("a reserved bit is set");
  if ((head_[0] & 0x40) != 0 && (inflater_ == nullptr || !first)) return wrong("a reserved bit is set");
  if (first == message_opcode_.has_value()) {
    return wrong(first ? "a message inside another" : "a continuation of nothing");
  }
  if (first) {
    message_opcode_ = opcode();
    deflated_ = (head_[0] & 0x40) != 0;
  }
  return std::nullopt;
}

std::optional<Failure> Parser::read_head() {
  const uint8_t length = head_[1] & 127;
  const size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  left_ = extra == 0 ? length : 0;
  for (size_t i = 0; i < extra; ++i) left_ = left_ << 8 | head_[2 + i];
  if ((extra == 2 && left_ < 126) || (extra == 8 && (left_ < 65536 || left_ >> 63 != 0))) {
    return wrong("a length that is not written as it must be");
  }
  if (!control() && left_ > max_message_ - message_.size()) return Failure{kTooBig, "a message is too long"};
  if (side_ == Side::server) std::memcpy(mask_.data(), &head_[2 + extra], 4);
  mask_offset_ = 0;
  in_payload_ = true;
  return std::nullopt;
}

std::optional<Failure> Parser::payload(std::string_view bytes) {
  (control() ? control_ : message_).append(bytes);
  if (!control() && message_opcode_ == Opcode::text && !deflated_ && !utf8_.add(bytes)) {
    return Failure{kBadPayload, "text that is not UTF-8"};
  }
  return std::nullopt;
}

std::expected<Event, Failure> Parser::end_control() {
  Event event{.opcode = opcode(), .payload = std::exchange(control_, {})};
  if (event.opcode != Opcode::close || event.payload.empty()) return event;
  if (event.payload.size() == 1) return std::unexpected(wrong("half a close code"));
  event.code = static_cast<uint16_t>(static_cast<uint8_t>(event.payload[0]) << 8 |
                                     static_cast<uint8_t>(event.payload[1]));
  if (!may_be_sent(event.code)) return std::unexpected(wrong("a close code that must not be sent"));
  event.payload.erase(0, 2);
  Utf8Check reason;
  if (!reason.add(event.payload) || !reason.whole()) {
    return std::unexpected(Failure{kBadPayload, "a close reason that is not UTF-8"});
  }
  return event;
}

std::expected<Event, Failure> Parser::end_message() {
  Event event{.opcode = *std::exchange(message_opcode_, std::nullopt),
              .payload = std::exchange(message_, {})};
  if (deflated_) {
    const std::string payload = std::exchange(event.payload, {});
    const Inflated result = inflater_->inflate(payload, max_message_, event.payload);
    if (result == Inflated::too_big) return std::unexpected(Failure{kTooBig, "a message is too long"});
    if (result == Inflated::broken) return std::unexpected(Failure{kBadPayload, "broken deflated data"});
    if (event.opcode == Opcode::text && !utf8_.add(event.payload)) {
      return std::unexpected(Failure{kBadPayload, "text that is not UTF-8"});
    }
  }
  if (!utf8_.whole()) return std::unexpected(Failure{kBadPayload, "text that ends inside a character"});
  return event;
}

std::expected<std::optional<Event>, Failure> Parser::next(std::span<char>& bytes) {
  while (true) {
    while (!in_payload_) {
      if (bytes.empty()) return std::nullopt;
      head_[head_size_++] = static_cast<uint8_t>(bytes.front());
      bytes = bytes.subspan(1);
      if (head_size_ == 2) {
        if (const auto failure = check_start()) return std::unexpected(*failure);
      }
      if (head_size_ < head_wanted()) continue;
      if (const auto failure = read_head()) return std::unexpected(*failure);
    }
    const std::span<char> piece = bytes.first(std::min<uint64_t>(left_, bytes.size()));
    bytes = bytes.subspan(piece.size());
    if (side_ == Side::server) apply_mask(piece, mask_, mask_offset_);
    mask_offset_ += piece.size();
    left_ -= piece.size();
    if (const auto failure = payload({piece.data(), piece.size()})) return std::unexpected(*failure);
    if (left_ != 0) return std::nullopt;
    in_payload_ = false;
    head_size_ = 0;
    if (!control() && !final()) continue;
    return control() ? end_control() : end_message();
  }
}

void apply_mask(std::span<char> bytes, const Mask& mask, size_t offset) {
  std::array<char, 8> key{};
  for (size_t i = 0; i < 8; ++i) key[i] = mask[(offset + i) % 4];
  uint64_t word_key = 0;
  std::memcpy(&word_key, key.data(), 8);
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, &bytes[at], 8);
    word ^= word_key;
    std::memcpy(&bytes[at], &word, 8);
  }
  for (; at < bytes.size(); ++at) bytes[at] = static_cast<char>(bytes[at] ^ key[at % 8]);
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool deflated,
                  std::optional<Mask> mask) {
  const uint64_t size = payload.size();
  const int extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
  out += static_cast<char>(0x80 | (deflated ? 0x40 : 0) | static_cast<int>(opcode));
  out += static_cast<char>((mask ? 0x80 : 0) | (extra == 0   ? static_cast<int>(size)
                                                : extra == 2 ? 126
                                                             : 127));
  for (int i = extra - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
  if (mask) out.append(mask->data(), 4);
  out += payload;
  if (mask) apply_mask(std::span(out).last(payload.size()), *mask, 0);
}

std::string close_payload(uint16_t code, std::string_view reason) {
  if (code == kNoCode) return {};
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return payload.append(reason.substr(0, 123));
}

}  // namespace wl::wsbridge::websocket
