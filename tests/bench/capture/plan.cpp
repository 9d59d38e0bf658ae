#include "tests/bench/capture/plan.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "tests/bench/capture/heads.h"
#include "tests/bench/capture/quic_initial.h"
#include "tests/bench/capture/talk.h"

namespace wl::bench {
namespace {

constexpr int64_t kStartUs = 1'795'165'200'000'000;  // 2026-11-20 09:00:00 UTC
constexpr uint32_t kNtpEpochOffset = 2'208'988'800;  // 1900 to 1970 in seconds
constexpr uint32_t kSmallestConversation = 14;       // packets of a TLS connection that says next to nothing
constexpr double kTailShape = 1.37;  // of the lengths: a tenth of the conversations has half of the packets
constexpr uint16_t kDnsPort = 53;

class Planner {
 public:
  Planner(uint64_t packets, uint64_t seed) : random_(seed), world_(random_, packets), wanted_(packets) {
    span_us_ = 60e6 * std::pow(static_cast<double>(packets) / 3000.0, 0.35);
    longest_ = static_cast<double>(std::max<uint64_t>(60, packets / 80));
    plan_.packets.reserve(packets + 4096);
  }

  Plan make() {
    while (plan_.packets.size() < wanted_) add_conversation();
    // The last conversation may overshoot: its tail is the end of the capture, as in life.
    plan_.packets.resize(wanted_);
    std::stable_sort(plan_.packets.begin(), plan_.packets.end(),
                     [](const Packet& a, const Packet& b) { return a.time_us < b.time_us; });
    return std::move(plan_);
  }

 private:
  void add_conversation() {
    const double kind = random_.unit();
    if (kind < 0.56) {
      visit();
    } else if (kind < 0.86) {
      lookup(pick_client(), start(), kind < 0.63);
    } else if (kind < 0.89) {
      ping();
    } else if (kind < 0.92) {
      clock_sync();
    } else if (kind < 0.95) {
      refused_connection();
    } else if (kind < 0.98) {
      address_resolution();
    } else {
      media_stream();
    }
  }

  [[nodiscard]] int64_t start() { return kStartUs + static_cast<int64_t>(random_.unit() * span_us_ * 0.97); }
  [[nodiscard]] const Host& pick_client() { return world_.clients[world_.client_popularity.pick(random_)]; }
  [[nodiscard]] const Site& pick_site() { return world_.sites[world_.site_popularity.pick(random_)]; }
  [[nodiscard]] uint16_t ephemeral_port() { return static_cast<uint16_t>(random_.between(32768, 60999)); }
  [[nodiscard]] uint32_t conversation_length() {
    return random_.pareto(kSmallestConversation, kTailShape, longest_);
  }

  [[nodiscard]] Flow flow(const Host& client, const Host& server, Protocol protocol, uint16_t port) {
    Flow made;
    made.client = client;
    made.server = server;
    made.protocol = protocol;
    made.ipv6 = client.dual_stack && server.dual_stack && random_.chance(0.6);
    made.tcp_timestamps = client.ttl == 64;
    made.client_port = ephemeral_port();
    made.server_port = port;
    return made;
  }

  /// What is left of the capture, spread over the packets of a conversation, as the mean time between two.
  [[nodiscard]] double pace(int64_t from_us, uint32_t length) {
    const double left = static_cast<double>(kStartUs) + span_us_ - static_cast<double>(from_us);
    return std::min(left, random_.exponential(40e6)) / static_cast<double>(length);
  }

  void lookup(const Host& client, int64_t at, bool denied) { resolve(client, pick_site(), at, denied); }

  /// The name's query and answer; returns when the answer came.
  int64_t resolve(const Host& client, const Site& site, int64_t at, bool denied) {
    const Host& server = world_.servers[site.server];
    const bool wants_ipv6 = client.dual_stack && random_.chance(0.5);
    const uint16_t type = wants_ipv6 ? dns::kAaaa : dns::kA;
    const auto id = static_cast<uint16_t>(random_.below(65536));
    const bool edns = random_.chance(0.5);
    const std::string name =
        denied ? "old-" + std::to_string(random_.below(10000)) + "." + site.name : site.name;
    std::vector<dns::Answer> answers;
    if (!denied && (!wants_ipv6 || server.dual_stack)) {
      if (random_.chance(0.3)) answers.push_back({dns::kCname, "edge-" + site.name});
      const uint32_t addresses = random_.chance(0.8) ? 1 : 3;
      for (uint32_t i = 0; i < addresses; ++i)
        answers.push_back({type, address_bytes(server, wants_ipv6, i)});
    }
    Talk talk(plan_, random_, flow(client, world_.resolver, Protocol::udp, kDnsPort), at);
    talk.send_head(false, dns::query(id, name, type, edns));
    talk.wait(8000);
    talk.send_head(true,
                   dns::response(id, name, type, denied ? dns::kNxDomain : dns::kNoError, answers, edns));
    return talk.time_us() + 200;
  }

  static std::string address_bytes(const Host& server, bool ipv6, uint32_t nth) {
    std::string bytes = ipv6 ? std::string(server.ipv6.begin(), server.ipv6.end())
                             : std::string(server.ipv4.begin(), server.ipv4.end());
    bytes.back() = static_cast<char>(bytes.back() ^ static_cast<char>(nth));
    return bytes;
  }

  /// Somebody opens a page: a lookup, mostly, then a connection.
  void visit() {
    const Host& client = pick_client();
    const Site& site = pick_site();
    int64_t at = start();
    if (random_.chance(0.6)) at = resolve(client, site, at, false);
    const double kind = random_.unit();
    if (kind < 0.85) {
      tls_connection(client, site, at);
    } else if (kind < 0.915) {
      http_connection(client, site, at);
    } else {
      quic_connection(client, site, at);
    }
  }

  void tls_connection(const Host& client, const Site& site, int64_t at) {
    const uint32_t length = conversation_length();
    const double gap = pace(at, length);
    TcpTalk talk(plan_, random_, flow(client, world_.servers[site.server], Protocol::tcp, 443), at);
    talk.open();
    tls_handshake(talk, site.name);
    const double full = random_.chance(0.25) ? 0.6 : 0.04;  // a download, or a chat
    while (talk.sent() + 3 < length) {
      talk.send(false, Body::tls_record, random_.between(40, 400));
      talk.pause_round_trip();
      for (uint32_t run = random_.between(1, 6); run > 0; --run) {
        talk.send(true, Body::tls_record, random_.chance(full) ? talk.segment() : random_.between(60, 600));
        if (random_.chance(0.75)) talk.acknowledge(false);
        talk.wait(gap);
      }
    }
    talk.close();
  }

  void tls_handshake(TcpTalk& talk, std::string_view name) {
    tls::ClientHello hello;
    hello.sni = name;
    hello.tls13 = random_.chance(0.75);
    hello.post_quantum = hello.tls13 && random_.chance(0.2);
    if (random_.chance(0.85)) hello.alpn = {"h2", "http/1.1"};
    if (random_.chance(0.1)) hello.alpn = {"http/1.1"};
    talk.send_stream(false, tls::record(22, 0x0301, tls::client_hello(random_, hello)));
    talk.pause_round_trip();
    const std::string noise(hello.tls13 ? 900 : 40, '\x5A');
    talk.send_head(true, tls::record(22, 0x0303, tls::server_hello(random_, hello.tls13)) +
                             tls::record(20, 0x0303, "\x01") +
                             tls::record(hello.tls13 ? 23 : 22, 0x0303, noise));
    talk.send_head(false, tls::record(20, 0x0303, "\x01") +
                              tls::record(hello.tls13 ? 23 : 22, 0x0303, noise.substr(0, 40)));
    talk.acknowledge(true);
  }

  void http_connection(const Host& client, const Site& site, int64_t at) {
    const uint32_t length = conversation_length();
    const double gap = pace(at, length);
    TcpTalk talk(plan_, random_, flow(client, world_.servers[site.server], Protocol::tcp, 80), at);
    talk.open();
    while (talk.sent() + 3 < length) {
      talk.send_head(false, http::request(random_, site.name));
      talk.pause_round_trip();
      http_answer(talk, random_.chance(0.8) ? 1 : random_.pareto(2, 0.9, length), gap);
    }
    talk.close();
  }

  /// A response of `segments` segments, all full but the last.
  void http_answer(TcpTalk& talk, uint32_t segments, double gap) {
    const uint32_t last = random_.between(1, 500);
    std::string head = http::response(random_, uint64_t{segments - 1} * talk.segment() + last);
    if (plan_.heads[plan_.heads.size() - 1].starts_with("HEAD ")) segments = 0;
    const auto head_size = static_cast<uint32_t>(head.size());
    if (segments <= 1) {
      talk.send_head(true, std::move(head), segments == 0 ? 0 : head_size + last);
      talk.acknowledge(false);
      talk.wait(gap);
      return;
    }
    talk.send_head(true, std::move(head), talk.segment());
    for (uint32_t left = (segments - 1) * talk.segment() + last - (talk.segment() - head_size); left > 0;) {
      const uint32_t size = std::min(left, talk.segment());
      talk.send(true, Body::filler, size);
      if (random_.chance(0.6)) talk.acknowledge(false);
      talk.wait(gap);
      left -= size;
    }
  }

  void quic_connection(const Host& client, const Site& site, int64_t at) {
    const uint32_t length = conversation_length();
    const double gap = pace(at, length);
    Talk talk(plan_, random_, flow(client, world_.servers[site.server], Protocol::udp, 443), at);
    const std::string first_id = connection_id();
    const std::string client_id = connection_id();
    const std::string server_id = connection_id();
    const std::string hello =
        tls::client_hello(random_, {site.name, true, false, {"h3"}, quic_transport_parameters(client_id)});
    talk.send_head(false, quic_initial({first_id, first_id, client_id, hello}));
    talk.wait(15000);
    std::string answer =
        quic_initial({first_id, client_id, server_id, tls::server_hello(random_, true), true});
    answer += quic_handshake(random_, client_id, server_id, kQuicDatagram - answer.size());
    talk.send_head(true, std::move(answer));
    talk.wait(500);
    talk.send_head(false, quic_handshake(random_, server_id, client_id, 120));
    while (talk.sent() < length) {
      talk.send(random_.chance(0.55), Body::quic_short,
                random_.chance(0.12) ? kQuicDatagram : random_.between(30, 300));
      talk.wait(gap);
    }
  }

  std::string connection_id() {
    std::string id(8, '\0');
    for (char& byte : id) byte = static_cast<char>(random_.byte());
    return id;
  }

  void ping() {
    const Host& client = pick_client();
    Flow echo = flow(client, world_.servers[pick_site().server], Protocol::icmp, 0);
    if (echo.ipv6) echo.protocol = Protocol::icmpv6;
    Talk talk(plan_, random_, echo, start());
    for (uint32_t i = random_.between(1, 5); i > 0; --i) {
      talk.send(false, Body::filler, 56);
      talk.wait(20000);
      talk.send(true, Body::filler, 56);
      talk.wait(1e6);
    }
  }

  void clock_sync() {
    const int64_t at = start();
    const auto seconds = static_cast<uint32_t>(at / 1'000'000 + kNtpEpochOffset);
    Talk talk(plan_, random_, flow(pick_client(), world_.gateway, Protocol::udp, 123), at);
    talk.send_head(false, ntp::packet(random_, 3, seconds));
    talk.wait(900);
    talk.send_head(true, ntp::packet(random_, 4, seconds));
  }

  void refused_connection() {
    constexpr std::array<uint16_t, 5> kPorts{23, 445, 3389, 8080, 5900};
    const uint16_t port = kPorts[random_.below(kPorts.size())];
    TcpTalk talk(plan_, random_, flow(pick_client(), world_.servers[pick_site().server], Protocol::tcp, port),
                 start());
    talk.refused();
  }

  void address_resolution() {
    Talk talk(plan_, random_, flow(pick_client(), world_.gateway, Protocol::arp, 0), start());
    talk.send(false, Body::filler, 0);
    talk.wait(400);
    talk.send(true, Body::filler, 0);
  }

  /// A call: packets of one size at an even pace in both directions.
  void media_stream() {
    const int64_t at = start();
    const uint32_t length = conversation_length();
    const uint32_t size = random_.between(150, 220);
    const double gap = std::min(20000.0, pace(at, length));
    Talk talk(plan_, random_,
              flow(pick_client(), world_.servers[pick_site().server], Protocol::udp,
                   static_cast<uint16_t>(random_.between(50000, 50100))),
              at);
    while (talk.sent() < length) {
      talk.send((talk.sent() & 1U) != 0, Body::media, size);
      talk.wait(gap);
    }
  }

  Random random_;
  World world_;
  uint64_t wanted_;
  double span_us_;
  double longest_;
  Plan plan_;
};

}  // namespace

Plan make_plan(uint64_t packets, uint64_t seed) { return Planner(packets, seed).make(); }

}  // namespace wl::bench
