#include "tools/wsbridge/websocket/codec.h"

#include <algorithm>
#include <array>
#include <new>
#include <regex>
#include <set>

#include <boost/algorithm/string.hpp>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <zlib.h>

#include "libcommon/base/utf8.h"

namespace wl::wsbridge::websocket {
namespace {

constexpr Failure kTooLong{kTooBig, "a message is too long"};
constexpr Failure kNotText{kBadPayload, "text that is not UTF-8"};
constexpr Failure kBroken{kBadPayload, "broken deflated data"};
/// What a flush ends with, and no message carries (RFC 7692, 7.2.1).
constexpr std::string_view kTail("\0\0\xff\xff", 4);
constexpr size_t kMaxRatio = 1032;  // of deflate: 258 bytes for two bits

std::unexpected<http::Response> refuse(unsigned status, std::string_view detail,
                                       const http::Headers& headers = {}) {
  http::Response response = http::problem(status, detail);
  response.headers.insert(response.headers.end(), headers.begin(), headers.end());
  return std::unexpected(std::move(response));
}

std::string accept_key(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  std::array<unsigned char, 29> base64;
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  ::EVP_EncodeBlock(base64.data(), digest.data(), SHA_DIGEST_LENGTH);
  return reinterpret_cast<const char*>(base64.data());
}

/// The parts between separators, without blanks around them. It knows no quotes: no value that we take needs
/// them.
std::vector<std::string> split(const std::string& text, const char* separator) {
  std::vector<std::string> parts;
  boost::split(parts, text, boost::is_any_of(separator));
  for (std::string& part : parts) boost::trim(part);
  return parts;
}

bool lists(const std::string& list, const char* token) {
  return std::ranges::any_of(split(list, ","), [&](const auto& item) { return boost::iequals(item, token); });
}

/// Adds the answer to the first offer of permessage-deflate that can be kept to; the others are declined
/// (RFC 7692, section 7.1). Our window takes all that a client has: that needs no answer.
void negotiate_deflate(const std::string& offers, Upgrade& upgrade) {
  static const std::regex kParam(R"re(((?:server|client)_no_context_takeover|client_max_window_bits)|)re"
                                 R"re(((?:server|client)_max_window_bits) ?= ?("?)([89]|1[0-5])\3)re");
  for (const std::string& offer : split(offers, ",")) {
    const std::vector<std::string> words = split(offer, ";");
    bool good = boost::iequals(words[0], "permessage-deflate");
    std::set<std::string> names;
    std::string bits;
    for (size_t i = 1; i < words.size() && good; ++i) {
      std::smatch param;
      good =
          std::regex_match(words[i], param, kParam) && names.insert(param[1].str() + param[2].str()).second;
      if (good && param[2] == "server_max_window_bits") bits = param[4];
    }
    if (!good) continue;
    upgrade.deflate = true;
    upgrade.deflate_to_client = bits.empty() || bits == "15";
    std::string answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    if (!bits.empty()) answer += "; server_max_window_bits=" + bits;
    return void(upgrade.headers.emplace_back("Sec-WebSocket-Extensions", answer));
  }
}

template <int (*end)(z_stream*)>
void release(z_stream* zlib) {
  end(zlib);
  delete zlib;
}

void set_ends(z_stream& zlib, std::string_view in, std::span<char> out) {
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // zlib's is not const
  zlib.avail_in = static_cast<uInt>(in.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
}

}  // namespace

std::expected<Upgrade, http::Response> accept(const http::Request& request) {
  const http::Headers wanted{
      {"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"}};
  const auto value = [&](const char* name) { return request.joined(name).value_or(""); };
  if (!lists(value("Connection"), "upgrade") || !lists(value("Upgrade"), "websocket"))
    return refuse(426, "this is a WebSocket", wanted);
  if (request.method != "GET") return refuse(405, "a WebSocket is opened by GET", {{"Allow", "GET"}});
  if (value("Sec-WebSocket-Version") != "13") return refuse(426, "Sec-WebSocket-Version is not 13", wanted);
  const std::string key = value("Sec-WebSocket-Key");
  if (key.size() != 24 || key.find('=') != 22)
    return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  Upgrade upgrade{.headers = {{"Upgrade", "websocket"},
                              {"Connection", "Upgrade"},
                              {"Sec-WebSocket-Accept", accept_key(key)}}};
  negotiate_deflate(value("Sec-WebSocket-Extensions"), upgrade);
  return upgrade;
}

Deflater::Deflater() : zlib_(new z_stream{}, release<::deflateEnd>) {
  // Level 1: records are short, and the clients are many.
  if (::deflateInit2(zlib_.get(), 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
}

std::string_view Deflater::deflate(std::string_view message) {
  ::deflateReset(zlib_.get());
  out_.resize(::deflateBound(zlib_.get(), message.size()) + 16);
  set_ends(*zlib_, message, out_);
  ::deflate(zlib_.get(), Z_SYNC_FLUSH);
  return std::string_view(out_).substr(0, out_.size() - zlib_->avail_out - kTail.size());
}

Inflater::Inflater() : zlib_(new z_stream{}, release<::inflateEnd>) {
  if (::inflateInit2(zlib_.get(), -15) != Z_OK) throw std::bad_alloc();
}

std::optional<Failure> Inflater::inflate(std::string_view payload, size_t max, std::string& message) {
  const std::string whole = std::string(payload).append(kTail);
  message.resize(std::min(max, whole.size() * kMaxRatio) + 1);  // one more than allowed, so that it shows
  set_ends(*zlib_, whole, message);
  int result = Z_STREAM_END;  // of a block marked as the last one; others may follow (7.2.3.4)
  while (zlib_->avail_in != 0 && zlib_->avail_out != 0 && (result == Z_OK || result == Z_STREAM_END)) {
    if (result == Z_STREAM_END) ::inflateReset(zlib_.get());
    result = ::inflate(zlib_.get(), Z_SYNC_FLUSH);
  }
  if (zlib_->avail_out == 0) return kTooLong;
  message.resize(message.size() - zlib_->avail_out);
  // 128: at a block's end (zlib.h, inflate). Else the payload broke off inside one.
  return result == Z_OK && (zlib_->data_type & 128) != 0 ? std::nullopt : std::optional(kBroken);
}

size_t Parser::head_wanted() const {
  if (head_.size() < 2) return 2;
  const int length = head(1) & 127;
  return size_t{2} + (length < 126 ? 0 : length == 126 ? 2 : 8) + ((head(1) & 128) != 0 ? 4 : 0);
}

/// The head is there (section 5.2).
std::optional<Failure> Parser::begin_frame() {
  const int bits = head(0);
  const bool masked = (head(1) & 128) != 0;
  const size_t extra = head_.size() - (masked ? 6 : 2);
  uint64_t size = extra == 0 ? head(1) & 127 : 0;
  for (size_t i = 0; i < extra; ++i) size = size << 8 | head(2 + i);
  opcode_ = static_cast<Opcode>(bits & 15);
  control_ = (bits & 8) != 0;
  const bool first = opcode_ != Opcode::continuation, final = (bits & 128) != 0, deflated = (bits & 64) != 0;
  const std::pair<bool, std::string_view> faults[]{
      {!masked, "a frame without a mask"},
      {opcode_ > (control_ ? Opcode::pong : Opcode::binary), "a reserved opcode"},
      {(bits & 0x30) != 0, "a reserved bit is set"},
      {deflated && (control_ || !first || inflater_ == nullptr), "a reserved bit is set"},
      {control_ && !final, "a control frame in fragments"},
      {control_ && size > 125, "a control frame of more than 125 bytes"},
      {!control_ && first && message_opcode_, "a message inside another"},
      {!first && !message_opcode_, "a continuation of nothing"},
      {extra == 2 && size < 126, "a length that is not written as it must be"},
      {extra == 8 && (size < 65536 || size >> 63 != 0), "a length that is not written as it must be"}};
  for (const auto& [wrong, reason] : faults) {
    if (wrong) return Failure{kProtocolError, reason};
  }
  if (!control_ && size > max_message_ - message_.size()) return kTooLong;
  if (!control_ && first) {
    message_opcode_ = opcode_;
    deflated_ = deflated;
  }
  taken_ = 0;
  left_ = size;
  return std::nullopt;
}

std::expected<Event, Failure> Parser::end_control() {
  Event event{.opcode = opcode_, .payload = std::exchange(control_payload_, {})};
  if (event.opcode != Opcode::close || event.payload.empty()) return event;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(event.payload[i]); };
  const auto code = static_cast<uint16_t>(event.payload.size() == 1 ? 0 : byte(0) << 8 | byte(1));
  event.code = code;
  event.payload.erase(0, 2);
  // Those of section 7.4.1 and IANA's registry, and 3000 to 4999 (7.4.2).
  if (code < 1000 || (code > 1003 && code < 1007) || (code > 1014 && code < 3000) || code > 4999) {
    return std::unexpected(Failure{kProtocolError, "a close code that must not be sent"});
  }
  if (!base::is_utf8(event.payload)) return std::unexpected(kNotText);
  return event;
}

std::expected<Event, Failure> Parser::end_message() {
  Event event{.opcode = *std::exchange(message_opcode_, {}), .payload = std::exchange(message_, {})};
  size_t checked = std::exchange(checked_, 0);
  if (deflated_) {
    const std::string payload = std::exchange(event.payload, {});
    const auto failure = inflater_->inflate(payload, max_message_, event.payload);
    if (failure) return std::unexpected(*failure);
  }
  if (event.opcode == Opcode::binary) return event;
  const bool good = base::utf8_so_far(event.payload, checked) && checked == event.payload.size();
  if (!good) return std::unexpected(kNotText);
  return event;
}

std::expected<std::optional<Event>, Failure> Parser::next(std::span<char>& bytes) {
  while (true) {
    for (; !left_ && head_.size() < head_wanted(); bytes = bytes.subspan(1)) {
      if (bytes.empty()) return std::nullopt;
      head_ += bytes.front();
    }
    const auto failure = left_ ? std::nullopt : begin_frame();
    if (failure) return std::unexpected(*failure);
    const std::span<char> piece = bytes.first(std::min<uint64_t>(*left_, bytes.size()));
    const std::string_view mask = std::string_view(head_).substr(head_.size() - 4);
    for (char& byte : piece) byte = static_cast<char>(byte ^ mask[taken_++ % 4]);
    bytes = bytes.subspan(piece.size());
    *left_ -= piece.size();
    (control_ ? control_payload_ : message_).append(piece.data(), piece.size());
    const bool text = !control_ && message_opcode_ == Opcode::text && !deflated_;
    if (text && !base::utf8_so_far(message_, checked_)) return std::unexpected(kNotText);
    if (*left_ != 0) return std::nullopt;
    left_.reset();
    const bool final = (std::exchange(head_, {})[0] & 128) != 0;
    if (control_) return end_control();
    if (final) return end_message();
  }
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool deflated) {
  const uint64_t size = payload.size();
  const int extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
  out += static_cast<char>(0x80 | (deflated ? 0x40 : 0) | static_cast<int>(opcode));
  out += static_cast<char>(extra == 0 ? size : extra == 2 ? 126 : 127);
  for (int i = extra - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
  out += payload;
}

void append_text(std::string& out, std::string_view message, Deflater* deflater) {
  const std::string_view deflated = deflater != nullptr ? deflater->deflate(message) : message;
  const bool gains = deflated.size() < message.size();
  append_frame(out, Opcode::text, gains ? deflated : message, gains);
}

std::string close_payload(uint16_t code, std::string_view reason) {
  if (code == kNoCode) return {};
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return payload.append(reason.substr(0, 123));
}

std::string as_line(std::string_view message) {
  std::string line(message);
  std::ranges::replace(line, '\n', ' ');
  return line += '\n';
}

}  // namespace wl::wsbridge::websocket
