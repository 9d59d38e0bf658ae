// Bytes of a client as WebSocket frames, plain and deflated. They read the same however they are cut into
// pieces, text is UTF-8, nothing is longer than allowed, and what was read can be written.
#include <cstdlib>
#include <string>
#include <vector>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/websocket/codec.h"

namespace {

using namespace wl::wsbridge::websocket;

constexpr size_t kMax = 1000;

/// As a client would send it, with a mask of zeros.
void append_masked(std::string& out, Opcode opcode, std::string_view payload) {
  std::string frame;
  append_frame(frame, opcode, payload);
  frame[1] = static_cast<char>(frame[1] | 0x80);
  out += frame.insert(frame.size() - payload.size(), 4, '\0');
}

std::string read(std::string bytes, size_t step, Inflater* inflater) {
  Parser parser(kMax, inflater);
  std::string seen;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::span<char> piece(&bytes[at], std::min(step, bytes.size() - at));
    while (true) {
      const auto event = parser.next(piece);
      if (!event) return seen + "failed " + std::to_string(event.error().code);
      if (!*event) break;
      if ((*event)->payload.size() > kMax) ::abort();
      if ((*event)->opcode == Opcode::text) {
        const std::string& text = (*event)->payload;
        const char* const end = text.data() + text.size();
        for (const char* c = text.data(); c != end;) {
          const size_t length = wl::base::utf8_length(c, end);
          if (length == 0) ::abort();
          c += length;
        }
      }
      const bool close = (*event)->opcode == Opcode::close;
      append_masked(seen, (*event)->opcode,
                    close ? close_payload((*event)->code, (*event)->payload) : (*event)->payload);
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Inflater inflater;
  Inflater* const chosen = (data[0] & 2) != 0 ? &inflater : nullptr;
  const std::string whole = read(bytes, bytes.size(), chosen);
  if (read(bytes, 1, chosen) != whole) ::abort();
  if (read(bytes, size_t{2} + data[0] / 4, chosen) != whole) ::abort();
  const size_t frames = whole.rfind("failed ");
  const std::string good = whole.substr(0, frames);
  if (frames == std::string::npos && read(good, good.size() + 1, nullptr) != good) ::abort();

  std::string message;
  if (!inflater.inflate(bytes, kMax, message)) {
    Deflater deflater;
    const std::string again(deflater.deflate(message));
    std::string back;
    if (inflater.inflate(again, kMax, back) || back != message) ::abort();
  }
  wl::wsbridge::http::Request request{.method = "GET",
                                      .headers = {{"Connection", "Upgrade"},
                                                  {"Upgrade", "websocket"},
                                                  {"Sec-WebSocket-Version", "13"},
                                                  {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                                  {"Sec-WebSocket-Extensions", bytes}}};
  if (!accept(request)) ::abort();
  request.headers[data[0] % 4].second = bytes;
  (void)accept(request);
  return 0;
}
