#include "tools/wsbridge/websocket/deflate.h"

#include <algorithm>
#include <new>
#include <set>

#include <zlib.h>

#include "tools/wsbridge/websocket/handshake.h"

namespace wl::wsbridge::websocket {
namespace {

constexpr std::string_view kTail("\0\0\xff\xff",
                                 4);  // what a flush ends with, and no message carries (7.2.1)
constexpr size_t kStep = 16384;

/// "8" to "15" without a leading zero (7.1.2).
std::optional<int> window_bits(std::string_view text) {
  for (int bits = 8; bits <= 15; ++bits) {
    if (text == std::to_string(bits)) return bits;
  }
  return std::nullopt;
}

/// One offer, "permessage-deflate; a; b=1"; nothing where it must be declined (7.1).
std::optional<DeflateTerms> read_offer(std::string_view offer) {
  if (!same_token(next_item(offer, ';'), "permessage-deflate")) return std::nullopt;
  DeflateTerms terms{.answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                     .to_client = true};
  std::set<std::string_view> seen;
  while (!offer.empty()) {
    std::string_view value = next_item(offer, ';');
    const bool has_value = value.find('=') != std::string_view::npos;
    const std::string_view name = next_item(value, '=');
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (!seen.insert(name).second) return std::nullopt;
    const std::optional<int> bits = window_bits(value);
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (has_value) return std::nullopt;
    } else if (name == "client_max_window_bits") {  // our window takes all there are: no answer is needed
      if (has_value && !bits) return std::nullopt;
    } else if (name == "server_max_window_bits" && bits) {
      terms.answer += "; server_max_window_bits=" + std::to_string(*bits);
      terms.to_client = *bits == 15;
    } else {
      return std::nullopt;
    }
  }
  return terms;
}

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib's next_in is not const
}

}  // namespace

std::optional<DeflateTerms> negotiate_deflate(std::string_view offers) {
  while (!offers.empty()) {
    if (auto terms = read_offer(next_item(offers, ','))) return terms;
  }
  return std::nullopt;
}

struct Deflater::State {
  z_stream zlib{};
  std::string out{};
};

Deflater::Deflater() : state_(std::make_unique<State>()) {
  // Level 1: records are short, and the clients are many.
  if (::deflateInit2(&state_->zlib, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}
Deflater::~Deflater() { ::deflateEnd(&state_->zlib); }

std::string_view Deflater::deflate(std::string_view message) {
  z_stream& zlib = state_->zlib;
  ::deflateReset(&zlib);
  state_->out.resize(::deflateBound(&zlib, message.size()) + 16);
  zlib.next_in = bytes_of(message);
  zlib.avail_in = static_cast<uInt>(message.size());
  zlib.next_out = bytes_of(state_->out);
  zlib.avail_out = static_cast<uInt>(state_->out.size());
  ::deflate(&zlib, Z_SYNC_FLUSH);
  return std::string_view(state_->out).substr(0, state_->out.size() - zlib.avail_out - kTail.size());
}

struct Inflater::State {
  z_stream zlib{};
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  if (::inflateInit2(&state_->zlib, -15) != Z_OK) throw std::bad_alloc();
}
Inflater::~Inflater() { ::inflateEnd(&state_->zlib); }

Inflated Inflater::inflate(std::string_view payload, size_t max, std::string& message) {
  z_stream& zlib = state_->zlib;
  ::inflateReset(&zlib);
  size_t size = 0;
  for (const std::string_view piece : {payload, kTail}) {
    zlib.next_in = bytes_of(piece);
    zlib.avail_in = static_cast<uInt>(piece.size());
    do {
      // One byte more than allowed has room, so that it shows.
      message.resize(std::min(size + std::max(kStep, size), max + 1));
      zlib.next_out = bytes_of(message) + size;
      zlib.avail_out = static_cast<uInt>(message.size() - size);
      const int result = ::inflate(&zlib, Z_SYNC_FLUSH);
      size = message.size() - zlib.avail_out;
      if (size > max) return Inflated::too_big;
      if (result == Z_STREAM_END) {
        ::inflateReset(&zlib);  // a block marked as the last one; others may follow (7.2.3.4)
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return Inflated::broken;
      }
    } while (zlib.avail_in != 0 || zlib.avail_out == 0);
  }
  message.resize(size);
  // 128: at a block's end (zlib.h, inflate). Else the payload broke off inside one.
  return (zlib.data_type & 128) != 0 ? Inflated::whole : Inflated::broken;
}

}  // namespace wl::wsbridge::websocket
