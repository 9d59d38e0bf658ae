// Bytes of a client (or, by the first byte, of a server) as WebSocket frames, plain and deflated. They read
// the same however they are cut into pieces, text is UTF-8, nothing is longer than allowed, and what was read
// can be written.
#include <cstdlib>
#include <string>
#include <vector>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/websocket/codec.h"

namespace {

using namespace wl::wsbridge::websocket;

constexpr size_t kMax = 1000;

std::string read(std::string bytes, Side side, size_t step, Inflater* inflater) {
  Parser parser(side, kMax, inflater);
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
      append_frame(seen, (*event)->opcode,
                   close ? close_payload((*event)->code, (*event)->payload) : (*event)->payload);
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Side side = (data[0] & 1) != 0 ? Side::client : Side::server;
  Inflater inflater;
  Inflater* const chosen = (data[0] & 2) != 0 ? &inflater : nullptr;
  const std::string whole = read(bytes, side, bytes.size(), chosen);
  if (read(bytes, side, 1, chosen) != whole) ::abort();
  if (read(bytes, side, size_t{2} + data[0] / 4, chosen) != whole) ::abort();
  const size_t frames = whole.rfind("failed ");
  const std::string good = whole.substr(0, frames);
  if (frames == std::string::npos && read(good, Side::client, good.size() + 1, nullptr) != good) ::abort();

  std::string message;
  const Inflated plain = inflater.inflate(bytes, kMax, message);
  if (plain == Inflated::whole) {
    Deflater deflater;
    const std::string again(deflater.deflate(message));
    std::string back;
    if (inflater.inflate(again, kMax, back) != Inflated::whole || back != message) ::abort();
  }
  (void)negotiate_deflate(bytes);
  return 0;
}
