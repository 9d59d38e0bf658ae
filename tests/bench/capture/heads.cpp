#include "tests/bench/capture/heads.h"

#include <array>

#include "tests/bench/capture/byte_writer.h"

namespace wl::bench {
namespace {

constexpr uint32_t kInternetClass = 1;
constexpr uint32_t kQuestionAt = 12;  // behind the DNS header

void write_name(ByteWriter& out, std::string_view name) {
  while (!name.empty()) {
    const size_t dot = std::min(name.find('.'), name.size());
    out.u8(static_cast<uint32_t>(dot)).text(name.substr(0, dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out.u8(0);
}

void write_pointer(ByteWriter& out, size_t at) { out.u16(0xC000U | static_cast<uint32_t>(at)); }

/// EDNS0 (RFC 6891): the root name, OPT, 1232 bytes of UDP, nothing more.
void write_opt(ByteWriter& out) { out.u8(0).u16(41).u16(1232).u32(0).u16(0); }

std::string_view one_of(Random& random, std::span<const std::string_view> choices) {
  return choices[random.below(static_cast<uint32_t>(choices.size()))];
}

}  // namespace

namespace dns {

std::string query(uint16_t id, std::string_view name, uint16_t type, bool edns) {
  ByteWriter out;
  out.u16(id).u16(0x0100).u16(1).u16(0).u16(0).u16(edns ? 1 : 0);
  write_name(out, name);
  out.u16(type).u16(kInternetClass);
  if (edns) write_opt(out);
  return out.take();
}

std::string response(uint16_t id, std::string_view name, uint16_t type, uint16_t rcode,
                     std::span<const Answer> answers, bool edns) {
  const bool denied = answers.empty();
  ByteWriter out;
  out.u16(id).u16(0x8180U | rcode).u16(1).u16(static_cast<uint32_t>(answers.size()));
  out.u16(denied ? 1 : 0).u16(edns ? 1 : 0);
  write_name(out, name);
  out.u16(type).u16(kInternetClass);
  size_t owner = kQuestionAt;
  for (const Answer& answer : answers) {
    write_pointer(out, owner);
    out.u16(answer.type).u16(kInternetClass).u32(300);
    const size_t data_at = out.size() + 2;
    out.sized(2, [&] {
      if (answer.type == kCname) {
        write_name(out, answer.data);
      } else {
        out.text(answer.data);
      }
    });
    if (answer.type == kCname) owner = data_at;
  }
  if (denied) {  // RFC 2308: the zone's SOA says how long the denial holds
    const size_t zone = name.rfind('.', name.rfind('.') - 1);
    const size_t zone_at = kQuestionAt + (zone == std::string_view::npos ? 0 : zone + 1);
    write_pointer(out, zone_at);
    out.u16(kSoa).u16(kInternetClass).u32(900);
    out.sized(2, [&] {
      out.u8(2).text("ns");
      write_pointer(out, zone_at);
      out.u8(10).text("hostmaster");
      write_pointer(out, zone_at);
      out.u32(2026112001).u32(7200).u32(3600).u32(1209600).u32(900);
    });
  }
  if (edns) write_opt(out);
  return out.take();
}

}  // namespace dns

namespace http {
namespace {
constexpr std::array<std::string_view, 6> kAgents{
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 "
    "Safari/537.36",
    "Debian APT-HTTP/1.3 (2.6.1)",
    "curl/7.88.1",
    "Wget/1.21.3",
    "python-requests/2.28.1"};
constexpr std::array<std::string_view, 8> kPaths{
    "/",         "/index.html", "/api/v1/items",       "/images/logo.png", "/static/app.js",
    "/feed.xml", "/search",     "/download/report.pdf"};
constexpr std::array<std::string_view, 5> kTypes{"text/html; charset=utf-8", "application/octet-stream",
                                                 "application/pdf", "text/plain", "application/zip"};
constexpr std::array<std::string_view, 6> kStatuses{
    "200 OK", "200 OK", "200 OK", "206 Partial Content", "404 Not Found", "500 Internal Server Error"};
}  // namespace

std::string request(Random& random, std::string_view host) {
  std::string out(random.chance(0.05) ? "HEAD " : "GET ");
  out += one_of(random, kPaths);
  if (random.chance(0.4)) out += "?id=" + std::to_string(random.below(100000));
  out.append(" HTTP/1.1\r\nHost: ").append(host).append("\r\nUser-Agent: ").append(one_of(random, kAgents));
  out += "\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n";
  if (random.chance(0.3)) {
    out += "Cookie: session=";
    for (int i = 0; i < 32; ++i) out += "0123456789abcdef"[random.below(16)];
    out += "\r\n";
  }
  return out + "Connection: keep-alive\r\n\r\n";
}

std::string response(Random& random, uint64_t body_size) {
  std::string out("HTTP/1.1 ");
  out.append(one_of(random, kStatuses)).append("\r\nServer: nginx/1.22.1\r\nContent-Type: ");
  out.append(one_of(random, kTypes)).append("\r\nContent-Length: ").append(std::to_string(body_size));
  return out + "\r\nConnection: keep-alive\r\n\r\n";
}

}  // namespace http

namespace tls {
namespace {

constexpr uint32_t kX25519 = 0x001D;
constexpr uint32_t kX25519MlKem768 = 0x11EC;
constexpr size_t kX25519Size = 32;
constexpr size_t kMlKemShareSize = 1216;

template <class Body>
void extension(ByteWriter& out, uint32_t type, Body&& body) {
  out.u16(type).sized(2, body);
}

void write_key_shares(ByteWriter& out, Random& random, bool post_quantum) {
  out.sized(2, [&] {
    if (post_quantum) {
      out.u16(kX25519MlKem768).u16(kMlKemShareSize).noise(random, kMlKemShareSize);
    }
    out.u16(kX25519).u16(kX25519Size).noise(random, kX25519Size);
  });
}

void write_client_extensions(ByteWriter& out, Random& random, const ClientHello& hello) {
  extension(out, 0, [&] {  // server_name (RFC 6066)
    out.sized(2, [&] { out.u8(0).sized(2, [&] { out.text(hello.sni); }); });
  });
  extension(out, 23, [] {});                   // extended_master_secret
  extension(out, 0xFF01, [&] { out.u8(0); });  // renegotiation_info
  extension(out, 10, [&] {                     // supported_groups
    out.sized(2, [&] {
      if (hello.post_quantum) out.u16(kX25519MlKem768);
      out.u16(kX25519).u16(0x0017).u16(0x0018);
    });
  });
  extension(out, 11, [&] { out.u8(1).u8(0); });  // ec_point_formats
  if (!hello.alpn.empty()) {
    extension(out, 16, [&] {
      out.sized(2, [&] {
        for (std::string_view name : hello.alpn) out.sized(1, [&] { out.text(name); });
      });
    });
  }
  extension(out, 13, [&] {  // signature_algorithms
    out.sized(2, [&] { out.u16(0x0403).u16(0x0804).u16(0x0401).u16(0x0503).u16(0x0805).u16(0x0501); });
  });
  if (hello.tls13) {
    extension(out, 43, [&] { out.u8(4).u16(0x0304).u16(0x0303); });  // supported_versions
    extension(out, 45, [&] { out.u8(1).u8(1); });                    // psk_key_exchange_modes
    extension(out, 51, [&] { write_key_shares(out, random, hello.post_quantum); });
  }
  if (!hello.quic_parameters.empty()) extension(out, 57, [&] { out.text(hello.quic_parameters); });
}

}  // namespace

std::string client_hello(Random& random, const ClientHello& hello) {
  ByteWriter out;
  const bool quic = !hello.quic_parameters.empty();
  out.u8(1).sized(3, [&] {
    out.u16(0x0303).noise(random, 32);
    out.sized(1, [&] { out.noise(random, quic ? 0 : 32); });
    out.sized(2, [&] {
      if (hello.tls13) out.u16(0x1301).u16(0x1302).u16(0x1303);
      if (!quic) out.u16(0xC02B).u16(0xC02F).u16(0xC02C).u16(0xC030).u16(0xCCA9).u16(0xCCA8);
      if (random.chance(0.5) && !quic) out.u16(0x009C).u16(0x009D).u16(0x002F).u16(0x0035);
    });
    out.u8(1).u8(0);
    out.sized(2, [&] { write_client_extensions(out, random, hello); });
  });
  return out.take();
}

std::string server_hello(Random& random, bool tls13) {
  ByteWriter out;
  out.u8(2).sized(3, [&] {
    out.u16(0x0303).noise(random, 32);
    out.sized(1, [&] { out.noise(random, 32); });
    out.u16(tls13 ? 0x1301 : 0xC02F).u8(0);
    out.sized(2, [&] {
      if (tls13) {
        extension(out, 43, [&] { out.u16(0x0304); });
        extension(out, 51, [&] { out.u16(kX25519).u16(kX25519Size).noise(random, kX25519Size); });
      } else {
        extension(out, 0xFF01, [&] { out.u8(0); });
        extension(out, 23, [] {});
      }
    });
  });
  return out.take();
}

std::string record(uint8_t content_type, uint16_t version, std::string_view fragment) {
  ByteWriter out;
  out.u8(content_type).u16(version).sized(2, [&] { out.text(fragment); });
  return out.take();
}

}  // namespace tls

namespace ntp {

std::string packet(Random& random, uint8_t mode, uint32_t seconds) {
  ByteWriter out;
  const bool answer = mode == 4;
  out.u8(0x20U | mode).u8(answer ? 2 : 0).u8(6).u8(0xEC);
  out.u32(answer ? 0x0200 : 0).u32(answer ? 0x0300 : 0).u32(answer ? 0xC0000235 : 0);
  out.u32(answer ? seconds - 60 : 0).u32(0).u32(0).u32(0);
  out.u32(answer ? seconds : 0).u32(0).u32(seconds).noise(random, 4);
  return out.take();
}

}  // namespace ntp

}  // namespace wl::bench
