// RFC 6455 and RFC 7692: frames at every split point, what must be refused and with which code, handshakes.
#include <catch2/catch.hpp>

#include "tools/wsbridge/websocket/codec.h"

namespace {

using namespace wl::wsbridge;
using namespace wl::wsbridge::websocket;

/// A client's frame with any first byte.
std::string frame(int first, std::string_view payload) {
  constexpr std::string_view kMask = "\x37\xfa\x21\x3d";
  std::string text;
  append_frame(text, Opcode::text, payload);
  text.resize(text.size() - payload.size());
  text[0] = static_cast<char>(first);
  text[1] = static_cast<char>(text[1] | 0x80);
  text += kMask;
  for (size_t i = 0; i < payload.size(); ++i) text += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return text;
}

struct Read {
  std::vector<Event> events{};
  uint16_t failure = 0;
};

/// Feeds `bytes` in pieces of `step`.
Read read(std::string bytes, size_t step, size_t max = 1 << 20, bool deflate = false) {
  Inflater inflater;
  Parser parser(max, deflate ? &inflater : nullptr);
  Read result;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::span<char> piece(&bytes[at], std::min(step, bytes.size() - at));
    while (true) {
      auto event = parser.next(piece);
      if (!event) return result.failure = event.error().code, result;
      if (!*event) break;
      result.events.push_back(std::move(**event));
    }
  }
  return result;
}

uint16_t failure(const std::string& bytes, bool deflate = false) {
  const uint16_t whole = read(bytes, bytes.size(), 1 << 20, deflate).failure;
  REQUIRE(read(bytes, 1, 1 << 20, deflate).failure == whole);
  return whole;
}

std::string text_of(const std::string& bytes) {
  const Read result = read(bytes, 3);
  REQUIRE(result.failure == 0);
  REQUIRE(result.events.size() == 1);
  return result.events[0].payload;
}

http::Request request(std::string extensions = {}) {
  http::Request made{.method = "GET",
                     .path = "/ws",
                     .headers = {{"Host", "localhost"},
                                 {"connection", "keep-alive, UPGRADE"},
                                 {"Upgrade", "WebSocket"},
                                 {"Sec-WebSocket-Version", "13"},
                                 {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}};
  if (!extensions.empty()) made.headers.emplace_back("Sec-WebSocket-Extensions", std::move(extensions));
  return made;
}

void set(http::Request& changed, std::string_view name, std::string value) {
  for (auto& [key, old] : changed.headers) {
    if (key == name) old = std::move(value);
  }
}

unsigned refused(const http::Request& asked) {
  const auto upgrade = accept(asked);
  return upgrade ? 0 : upgrade.error().status;
}

}  // namespace

TEST_CASE("websocket: a frame reads the same wherever it is split") {
  for (const size_t size : {0u, 1u, 7u, 8u, 9u, 125u, 126u, 127u, 1000u, 65535u, 65536u, 70001u}) {
    std::string payload;
    for (size_t i = 0; i < size; ++i) payload += static_cast<char>('a' + i % 26);
    const std::string bytes = frame(0x81, payload) + frame(0x89, "p") + frame(0x82, payload);
    for (const size_t step : {1u, 2u, 3u, 5u, 13u, 14u, 15u, 64u, 4096u, 1000000u}) {
      const Read result = read(bytes, step);
      REQUIRE(result.failure == 0);
      REQUIRE(result.events.size() == 3);
      CHECK(result.events[0].opcode == Opcode::text);
      CHECK(result.events[0].payload == payload);
      CHECK(result.events[1].opcode == Opcode::ping);
      CHECK(result.events[2].opcode == Opcode::binary);
      CHECK(result.events[2].payload == payload);
    }
  }
}

TEST_CASE("websocket: the examples of RFC 6455, section 5.7") {
  std::string hello;
  append_frame(hello, Opcode::text, "Hello");
  CHECK(hello == std::string("\x81\x05Hello"));
  CHECK(frame(0x81, "Hello") == std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
  std::string large;
  append_frame(large, Opcode::binary, std::string(65536, 'x'));
  CHECK(large.substr(0, 10) == std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
  CHECK(text_of(std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")) == "Hello");
}

TEST_CASE("websocket: fragments with control frames between them") {
  const std::string bytes = frame(0x01, "Hel") + frame(0x89, "one") + frame(0x00, "") + frame(0x8a, "two") +
                            frame(0x00, "l") + frame(0x80, "o");
  for (size_t step = 1; step <= bytes.size(); ++step) {
    const Read result = read(bytes, step);
    REQUIRE(result.events.size() == 3);
    CHECK(result.events[0].payload == "one");
    CHECK(result.events[1].payload == "two");
    CHECK(result.events[2].payload == "Hello");
  }
}

TEST_CASE("websocket: what breaks the protocol is closed with 1002") {
  for (const int reserved : {0xb, 0xc, 0xd, 0xe, 0xf, 3, 4, 5, 6, 7})
    CHECK(failure(frame(0x80 | reserved, "")) == 1002);
  for (const int bits : {0x10, 0x20, 0x40, 0x70}) {
    CHECK(failure(frame(0x81 | bits, "x")) == 1002);
    CHECK(failure(frame(0x89 | bits, "x"), true) == 1002);
  }
  CHECK(failure(frame(0x91, "x"), true) == 1002);
  CHECK(failure(frame(0x80, "x")) == 1002);                     // a continuation of nothing
  CHECK(failure(frame(0x01, "x") + frame(0x81, "y")) == 1002);  // a message inside another
  CHECK(failure(frame(0x01, "x") + frame(0x80, "y") + frame(0x80, "z")) ==
        1002);                                                         // nothing to continue any more
  CHECK(failure(frame(0x09, "x")) == 1002);                            // a control frame in fragments
  CHECK(failure(frame(0x89, std::string(126, 'x'))) == 1002);          // too long
  CHECK(failure(frame(0x41, "x") + frame(0xc0, "y"), true) == 1002);   // RSV1 on a continuation
  CHECK(failure("\x81\x05Hello") == 1002);                             // no mask
  CHECK(failure(std::string("\x81\xfe\x00\x7d\1\2\3\4", 8)) == 1002);  // 125 in two bytes
  CHECK(failure(std::string("\x81\xff\0\0\0\0\0\0\xff\xff\1\2\3\4", 14)) == 1002);  // 65535 in eight
  CHECK(failure(std::string("\x81\xff\x80\0\0\0\0\0\0\0\1\2\3\4", 14)) == 1002);    // the highest bit
  CHECK(failure(std::string("\x81\x00", 2)) == 1002);  // no mask, and nothing else
}

TEST_CASE("websocket: a message may have its limit, however it comes") {
  CHECK(read(frame(0x81, std::string(100, 'x')), 1, 100).failure == 0);
  CHECK(read(frame(0x81, std::string(101, 'x')), 1, 100).failure == 1009);
  CHECK(read(frame(0x01, std::string(60, 'x')) + frame(0x80, std::string(40, 'x')), 1, 100).failure == 0);
  CHECK(read(frame(0x01, std::string(60, 'x')) + frame(0x80, std::string(41, 'x')), 1, 100).failure == 1009);
  CHECK(read(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4", 14), 1, 100).failure == 1009);
  CHECK(read(frame(0x01, std::string(100, 'x')) + frame(0x89, "ping"), 1, 100).failure == 0);
}

TEST_CASE("websocket: text is UTF-8, across fragments, and fails at once") {
  const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 \xf0\x9f\x98\x80";
  for (size_t cut = 0; cut <= kosme.size(); ++cut) {
    CHECK(text_of(frame(0x01, kosme.substr(0, cut)) + frame(0x80, kosme.substr(cut))) == kosme);
  }
  for (const std::string bad :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xce", "\xe1\xbd", "\xf0\x9f\x98"}) {
    CHECK(failure(frame(0x81, "ok" + bad)) == 1007);
    CHECK(failure(frame(0x81, bad + "k and more text behind it")) == 1007);
    CHECK(failure(frame(0x82, bad)) == 0);
  }
  // The message is not over, the frame is not either, and still it is told.
  CHECK(failure(frame(0x01, "\xf4\x90")) == 1007);
  CHECK(failure(frame(0x81, "\xed\xa0 and so on").substr(0, 8)) == 1007);
  CHECK(failure(frame(0x81, "\xed\xa0 and so on").substr(0, 7)) == 0);
  CHECK(failure(frame(0x01, "\xce") + frame(0x80, "")) == 1007);
}

TEST_CASE("websocket: close frames") {
  const auto close = [](int code, std::string reason = {}) {
    return frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
  };
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    const Read result = read(close(code, "why"), 1);
    REQUIRE(result.events.size() == 1);
    CHECK(result.events[0].code == code);
    CHECK(result.events[0].payload == "why");
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    CHECK(failure(close(code)) == 1002);
  }
  CHECK(failure(frame(0x88, "\x03")) == 1002);
  CHECK(failure(close(1000, "\xce")) == 1007);
  CHECK(read(frame(0x88, ""), 1).events.at(0).code == kNoCode);
  CHECK(close_payload(kNoCode, "x").empty());
  CHECK(close_payload(1000, std::string(200, 'x')).size() == 125);
}

TEST_CASE("websocket: deflate, the examples of RFC 7692, section 7.2.3") {
  const std::string hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
  const auto inflated = [](const std::string& bytes) {
    const Read result = read(bytes, 1, 1000, true);
    REQUIRE(result.failure == 0);
    REQUIRE(result.events.size() == 1);
    return result.events[0].payload;
  };
  CHECK(inflated(frame(0xc1, hello)) == "Hello");
  CHECK(inflated(frame(0x41, hello.substr(0, 3)) + frame(0x80, hello.substr(3))) == "Hello");
  CHECK(inflated(frame(0xc1, std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11))) ==
        "Hello");                                                                               // stored
  CHECK(inflated(frame(0xc1, std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8))) == "Hello");  // BFINAL
  CHECK(inflated(frame(0xc1, std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13))) ==
        "Hello");
  CHECK(inflated(frame(0xc1, std::string("\x00", 1))).empty());
  CHECK(inflated(frame(0x81, "plain")) == "plain");
  CHECK(failure(frame(0xc1, "\xff\xff\xff"), true) == 1007);
  CHECK(failure(frame(0xc1, hello.substr(0, 3)), true) == 1007);
  CHECK(failure(frame(0xc1, hello)) == 1002);
}

TEST_CASE("websocket: what is deflated inflates, and no bomb goes off") {
  Deflater deflater;
  Inflater inflater;
  std::string out;
  for (const size_t size : {0u, 1u, 10u, 300u, 16383u, 16384u, 16385u, 1000000u}) {
    std::string message;
    for (size_t i = 0; i < size; ++i) message += static_cast<char>(i * i % 251);
    const std::string deflated(deflater.deflate(message));
    CHECK_FALSE(inflater.inflate(deflated, size, out));
    CHECK(out == message);
    if (size > 0) {
      CHECK(inflater.inflate(deflated, size - 1, out).value().code == kTooBig);
    }
    const Read result = read(frame(0xc2, deflated), 1000, 1 << 20, true);
    REQUIRE(result.events.size() == 1);
    CHECK(result.events[0].payload == message);
  }
  const std::string bomb(deflater.deflate(std::string(64 << 20, ' ')));
  CHECK(inflater.inflate(bomb, 1 << 20, out).value().code == kTooBig);
  CHECK(out.capacity() < size_t{4} << 20);
  CHECK(read(frame(0xc1, bomb), 4096, 1 << 20, true).failure == 1009);
  CHECK(failure(frame(0xc1, std::string(deflater.deflate("\xff bad"))), true) == 1007);
}

TEST_CASE("websocket: offers of permessage-deflate") {
  const std::string both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const auto answer = [](const std::string& offers) {
    const Upgrade granted = accept(request(offers)).value();
    const auto found = std::ranges::find(granted.headers, "Sec-WebSocket-Extensions",
                                         &std::pair<std::string, std::string>::first);
    CHECK(granted.deflate == (found != granted.headers.end()));
    return granted.deflate ? found->second : "";
  };
  CHECK(answer("permessage-deflate") == both);
  CHECK(answer("permessage-deflate; client_max_window_bits") == both);
  CHECK(answer("permessage-deflate; client_max_window_bits=10; server_no_context_takeover") == both);
  CHECK(answer("Permessage-Deflate;server_max_window_bits=\"15\"") == both + "; server_max_window_bits=15");
  CHECK(answer("permessage-deflate; server_max_window_bits=9") == both + "; server_max_window_bits=9");
  CHECK_FALSE(accept(request("permessage-deflate; server_max_window_bits=9"))->deflate_to_client);
  CHECK(accept(request("permessage-deflate; server_max_window_bits=15"))->deflate_to_client);
  CHECK(accept(request("permessage-deflate"))->deflate_to_client);
  for (const char* bad :
       {"server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
        "server_max_window_bits=08", "client_max_window_bits=99", "server_no_context_takeover=1", "unknown",
        "client_max_window_bits; client_max_window_bits"}) {
    CHECK(answer(std::string("permessage-deflate; ") + bad) == "");
    CHECK(answer(std::string("permessage-deflate; ") + bad + ", permessage-deflate") == both);
  }
  CHECK(answer("x-webkit-deflate-frame") == "");
  CHECK(answer("foo; a=\"x,permessage-deflate\"") == "");
  CHECK(answer("") == "");
}

TEST_CASE("websocket: handshakes") {
  const auto upgrade = accept(request("permessage-deflate"));
  REQUIRE(upgrade);
  CHECK(upgrade->deflate);
  CHECK(std::ranges::count(upgrade->headers, std::pair<std::string, std::string>(
                                                 "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) ==
        1);

  http::Request asked = request();
  CHECK(refused(asked) == 0);
  set(asked, "Sec-WebSocket-Version", "8");
  const auto old = accept(asked);
  REQUIRE_FALSE(old);
  CHECK(old.error().status == 426);
  CHECK(std::ranges::count(old.error().headers,
                           std::pair<std::string, std::string>("Sec-WebSocket-Version", "13")) == 1);
  asked = request(), set(asked, "Sec-WebSocket-Key", "short==");
  CHECK(refused(asked) == 400);
  asked = request(), set(asked, "Upgrade", "h2c");
  CHECK(refused(asked) == 426);
  asked = request(), set(asked, "connection", "close");
  CHECK(refused(asked) == 426);
  asked = request(), asked.method = "POST";
  CHECK(refused(asked) == 405);
  asked = request(), asked.headers.emplace_back("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(refused(asked) == 400);
}

TEST_CASE("websocket: a message is one line") { CHECK(as_line("{\n \"a\": 1\n}") == "{  \"a\": 1 }\n"); }
