// Floods: more keys, flows and protocols than are kept, with sums that stay exact and memory that stays
// small.
#include <fstream>
#include <map>
#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "tests/unit/netwindow_support.h"
#include "tools/netwindow/packets.h"

using namespace wl;
using namespace wl::netwindow;
using namespace wl::netwindow::test;
using nlohmann::json;

namespace {

// Sanitizers keep freed memory, and are slow.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

size_t resident_bytes() {
  size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

std::string address(unsigned n) {
  return "10." + std::to_string(n >> 16 & 255) + "." + std::to_string(n >> 8 & 255) + "." +
         std::to_string(n & 255);
}

}  // namespace

TEST_CASE("a flood of keys: sums stay exact, and the error bound holds", "[netwindow]") {
  std::mt19937 random(3);
  std::map<std::string, uint64_t> truth;
  std::string input;
  uint64_t all = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    // A few heavy keys between many that come once or twice.
    const auto n = static_cast<unsigned>(random() % 4 == 0 ? random() % 10 : random() % 6000);
    const unsigned bytes = 60 + static_cast<unsigned>(random() % 1000);
    truth[address(n)] += bytes;
    all += bytes;
    input += R"({"type":"packet","ts":"2026-01-01T00:00:01.000000Z","len":)" + std::to_string(bytes) +
             R"(,"src_ip":")" + address(n) +
             "\",\"dst_ip\":\"192.0.2.1\",\"proto\":\"udp\",\"src_port\":" + std::to_string(random() % 3) +
             ",\"dst_port\":53}\n";
  }
  Options options;
  options.by = "src_ip";
  options.max_keys = 100;
  const Ran ran = run_on(options, input);
  REQUIRE(ran.exit == base::Exit::ok);
  const auto windows = ran.of("window");
  const json total = ran.of("window_total").at(0);
  REQUIRE(windows.size() == 100);
  CHECK(total.at("keys_min") == 100);
  CHECK_FALSE(total.contains("keys"));
  CHECK(total.at("bytes") == all);
  CHECK(total.at("packets") == 20000);
  uint64_t shown = 0;
  uint64_t largest_bound = 0;
  std::map<std::string, json> by_key;
  for (const json& w : windows) {
    const auto bytes = w.at("bytes").get<uint64_t>();
    const uint64_t missed = w.value("missed_bytes", uint64_t{0});
    const uint64_t real = truth.at(w.at("src_ip").get<std::string>());
    CHECK(bytes <= real);
    CHECK(real <= bytes + missed);
    CHECK_FALSE(w.contains("flows"));
    CHECK(w.contains("flows_min"));
    uint64_t protocols = 0;
    for (const json& p : w.at("protocols")) protocols += p.at("bytes").get<uint64_t>();
    CHECK(protocols == bytes);
    shown += bytes;
    largest_bound = std::max(largest_bound, missed);
    by_key[w.at("src_ip").get<std::string>()] = w;
  }
  CHECK(shown + total.at("other_bytes").get<uint64_t>() == all);
  CHECK(largest_bound > 0);
  for (unsigned n = 0; n < 10; ++n) CHECK(by_key.contains(address(n)));
  // Who is not there had no more than the bound of who came last.
  for (const auto& [key, bytes] : truth) CHECK((by_key.contains(key) || bytes <= largest_bound));
}

TEST_CASE("long keys count as many", "[netwindow]") {
  std::string input;
  for (int i = 0; i < 2000; ++i) {
    input +=
        R"({"type":"packet","ts":1,"len":1,"name":")" + std::string(4000, 'x') + std::to_string(i) + "\"}\n";
  }
  Options options;
  options.by = "name";
  options.max_keys = 1000;  // 256,000 bytes of keys
  const Ran ran = run_on(options, input);
  CHECK(ran.of("window").size() <= 64);
  CHECK(ran.of("window_total").at(0).at("packets") == 2000);
  const Ran refused =
      run_on(options, R"({"type":"packet","ts":1,"name":")" + std::string(5000, 'x') + "\"}\n");
  CHECK(refused.exit == base::Exit::failed);
}

TEST_CASE("more protocols than a record holds", "[netwindow]") {
  std::string input;
  uint64_t bytes = 0;
  for (int port = 1; port <= 100; ++port) {
    input += R"({"type":"packet","ts":1,"len":)" + std::to_string(port) +
             R"(,"src_ip":"10.0.0.1","dst_ip":"10.0.0.2","proto":"sctp","src_port":60000,"dst_port":)" +
             std::to_string(port) + "}\n";
    bytes += static_cast<uint64_t>(port);
  }
  Options options;
  options.by = "pair";
  const json window = run_on(options, input).of("window").at(0);
  REQUIRE(window.at("protocols").size() == 32);
  CHECK(window.at("protocols").front().at("port") == 100);
  CHECK(window.at("protocols").back().at("proto") == "other");
  CHECK_FALSE(window.at("protocols").back().contains("port"));
  uint64_t sum = 0;
  for (const json& p : window.at("protocols")) sum += p.at("bytes").get<uint64_t>();
  CHECK(sum == bytes);
  CHECK(window.at("flows") == 100);
}

TEST_CASE("10 million flows of one client in bounded memory", "[netwindow]") {
  constexpr uint32_t kFlows = kSanitized ? 500'000 : 10'000'000;
  const WindowClock clock{.length = 5 * base::kSecond, .lateness = 0};
  const Limits limits{.keys = 1000, .flows_per_key = 131'072};
  uint64_t packets = 0, bytes = 0, flows = 0, protocol_bytes = 0;
  bool exact = true;
  Windows windows(clock, limits, [&](Window& window) {
    window.settle();
    REQUIRE(window.key_count() == 1);
    const Key& key = window.keys().front();
    packets = key.totals.packets;
    bytes = key.totals.bytes;
    flows = key.flows;
    exact = key.flows_exact;
    protocol_bytes = key.rest.bytes;
    window.protocols().each([&](const Protocol& p) { protocol_bytes += p.bytes; });
  });
  Aside aside;
  Names names;
  base::Log log("test");
  const base::Services services = base::Services::load();
  auto input = PacketInput::make({clock, windows, aside, names, log}, "client", services);
  REQUIRE(input.has_value());
  std::string line =
      R"({"type":"packet","ts":1.5,"len":60,"src_ip":"10.0.0.1","dst_ip":"192.0.2.1","proto":"tcp","src_port":10000,"dst_port":10000,"tcp_flags":"A","dir":"in"})";
  const size_t source = line.find("10000"), destination = line.find("10000", source + 1);
  const size_t size = line.size();
  line.append(ndjson::kPadding, '\0');
  const auto put = [&line](size_t at, uint32_t port) {
    for (size_t i = 5; i-- > 0; port /= 10) line[at + i] = static_cast<char>('0' + port % 10);
  };
  const size_t before = resident_bytes();
  for (uint32_t i = 0; i < kFlows; ++i) {
    put(source, 10000 + i / 5000);
    put(destination, 20000 + i % 5000);
    if (!(*input)->take(std::string_view(line).substr(0, size))) FAIL((*input)->complaint());
  }
  if (!kSanitized) CHECK(resident_bytes() - before < size_t{64} << 20);
  (*input)->finish();
  CHECK(packets == kFlows);
  CHECK(bytes == uint64_t{60} * kFlows);
  CHECK(protocol_bytes == bytes);
  CHECK(flows == limits.flows_per_key);
  CHECK_FALSE(exact);
}
