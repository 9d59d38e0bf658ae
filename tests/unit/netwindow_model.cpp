// netwindow against a model that is obviously right, on random input: every sum, every key, every order.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include "libcommon/base/services.h"
#include "libcommon/base/time.h"
#include "tests/unit/netwindow_support.h"

using namespace wl;
using namespace wl::netwindow::test;
using nlohmann::json;

namespace {

struct Row {
  std::optional<int64_t> ts;
  uint64_t len = 0;
  std::string src, dst, proto, dir, flags;
  std::optional<int> sport, dport;
};

class Generator {
 public:
  /// Every other seed makes few flows of many packets, the others many of few.
  explicit Generator(unsigned seed) : random_(seed), few_(seed % 2 == 0) {}

  Row row() {
    Row r;
    clock_ += pick(0, 400) * base::kMillisecond / 10 - (one_in(20) ? pick(0, 3000) * base::kMillisecond : 0);
    clock_ += pick(0, 999'999) * 1000 % base::kMillisecond;
    if (!one_in(50)) r.ts = clock_;
    r.len = static_cast<uint64_t>(pick(40, 1500));
    if (!one_in(30)) {
      const bool six = one_in(4);
      r.src = address(six);
      r.dst = address(six);
    }
    if (!one_in(40)) r.proto = choose({"tcp", "udp", "icmp"});
    if (r.proto == "tcp" || r.proto == "udp") {
      r.sport = port();
      r.dport = port();
    }
    if (r.proto == "tcp") r.flags = choose({"A", "A", "PA", "S", "SA", "FA"});
    r.dir = choose({"in", "out", "out", ""});
    return r;
  }

  /// The row as JSON, in one of the forms that mean the same.
  std::string line(const Row& r) {
    std::vector<std::string> members{R"("type":"packet")"};
    if (r.ts) members.push_back("\"ts\":" + time(*r.ts));
    members.push_back("\"len\":" + number(static_cast<int>(r.len)));
    if (!r.src.empty()) members.push_back("\"src_ip\":" + text(r.src));
    if (!r.dst.empty()) members.push_back("\"dst_ip\":" + text(r.dst));
    if (!r.proto.empty()) members.push_back("\"proto\":" + text(r.proto));
    if (r.sport) members.push_back("\"src_port\":" + number(*r.sport));
    if (r.dport) members.push_back("\"dst_port\":" + std::to_string(*r.dport));
    if (r.proto == "tcp") members.push_back("\"tcp_flags\":" + text(r.flags));
    if (!r.dir.empty()) members.push_back("\"dir\":" + text(r.dir));
    if (one_in(5)) members.push_back(R"("dns_answers":["a\"}",{"b":[1,2,{}]},-1.5e3,null,true])");
    // Of a key that stands twice, the last counts.
    if (one_in(9)) members.insert(members.begin(), R"("len":77777)");
    if (one_in(9) && !r.src.empty()) members.insert(members.begin(), R"("src_ip":"9.9.9.9")");
    std::string out = one_in(8) ? " { " : "{";
    for (size_t i = 0; i < members.size(); ++i) out += (i == 0 ? "" : one_in(8) ? " ,\t" : ",") + members[i];
    return out + "}" + (one_in(8) ? " \r\n" : "\n");
  }
  bool one_in(int n) { return pick(0, n - 1) == 0; }

 private:
  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  std::string choose(std::vector<std::string> from) {
    return from[static_cast<size_t>(pick(0, static_cast<int64_t>(from.size()) - 1))];
  }
  std::string address(bool six) {
    if (six) return "2001:db8:" + choose({"1", "2"}) + "::" + choose({"1", "2", "abcd:1"});
    return "10.0." + std::to_string(pick(0, 2)) + "." + std::to_string(pick(1, few_ ? 1 : 4));
  }
  int port() {
    if (few_) return static_cast<int>(choose({"80", "50000"}) == "80" ? 80 : 50000);
    return static_cast<int>(one_in(2) ? pick(40000, 40003) : std::stoi(choose({"80", "443", "0", "50000"})));
  }
  std::string number(int n) { return one_in(10) ? "\"" + std::to_string(n) + "\"" : std::to_string(n); }
  std::string text(const std::string& t) {
    if (!one_in(10) || t.empty()) return json(t).dump();
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", t[0]);
    return "\"" + std::string(escaped) + t.substr(1) + "\"";
  }
  std::string time(int64_t ns) {
    switch (pick(0, 4)) {
      case 0: return "\"" + std::to_string(ns) + "\"";
      case 1: return std::to_string(ns / base::kSecond) + "." + base::rfc3339(ns, 6).substr(20, 6);
      case 2: return "\"" + base::rfc3339(ns + 7200 * base::kSecond, 6).substr(0, 26) + "+0200\"";
      default: return "\"" + base::rfc3339(ns, 6) + "\"";
    }
  }

  std::mt19937 random_;
  bool few_;
  int64_t clock_ = base::parse_rfc3339("2026-03-01T23:59:50Z").value();
};

struct Sum {
  std::map<std::string, uint64_t> n;
  void add(const Row& r) {
    ++n["packets"];
    n["bytes"] += r.len;
    if (r.dir == "in") ++n["in_packets"], n["in_bytes"] += r.len;
    if (r.dir == "out") ++n["out_packets"], n["out_bytes"] += r.len;
  }
  void add(const Sum& s) {
    for (const auto& [k, v] : s.n) n[k] += v;
  }
};

struct ModelKey {
  Sum sum;
  int64_t first = INT64_MAX, last = INT64_MIN;
  std::set<std::string> flows;
  std::map<std::pair<std::string, std::optional<int>>, Sum> protocols;
};

struct ModelWindow {
  std::map<std::string, ModelKey> keys;
  Sum unkeyed;
  std::map<std::string, int> told;  // flow within a key: service port told by a SYN
  bool directed = false;
};

std::string masked(const std::string& address, int four, int six) {
  unsigned char bytes[16] = {};
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  ::inet_pton(family, address.c_str(), bytes);
  for (int bit = family == AF_INET ? four : six; bit < 128; ++bit)
    bytes[bit / 8] &= static_cast<unsigned char>(~(0x80 >> bit % 8));
  char text[64];
  return ::inet_ntop(family, bytes, text, sizeof text);
}

class Model {
 public:
  Model(netwindow::Options options) : o_(std::move(options)) {}

  void add(const Row& r) {
    if (!r.ts) return untimed.add(r);
    newest_ = std::max(newest_, *r.ts);
    const int64_t start = *r.ts / o_.window * o_.window;
    if (newest_ >= start + o_.window + o_.lateness) return late.add(r);
    ModelWindow& w = windows[start];
    w.directed |= !r.dir.empty();
    const std::optional<json> key = key_of(r);
    if (!key) return w.unkeyed.add(r);
    const std::string flow = flow_of(r);
    ModelKey& k = w.keys[key->dump()];
    k.sum.add(r);
    k.first = std::min(k.first, *r.ts);
    k.last = std::max(k.last, *r.ts);
    if (!r.src.empty() && !r.proto.empty()) k.flows.insert(flow);
    if (r.proto.empty()) return k.protocols[{"other", {}}].add(r);
    if (!r.sport) return k.protocols[{r.proto, {}}].add(r);
    const bool syn = r.flags == "S";
    auto& told = w.told;
    const std::string place = key->dump() + flow;
    if (syn && !told.contains(place)) told[place] = *r.dport;
    const int guess = services_.service_port(r.proto == "tcp", static_cast<uint16_t>(*r.sport),
                                             static_cast<uint16_t>(*r.dport), false, false);
    k.protocols[{r.proto, told.contains(place) ? told[place] : guess}].add(r);
  }

  std::map<int64_t, ModelWindow> windows;
  Sum late, untimed;

 private:
  std::optional<json> key_of(const Row& r) const {
    json key = json::object();
    if (o_.by == "none") return key;
    if (o_.by == "proto") return r.proto.empty() ? std::optional<json>{} : json{{"proto", r.proto}};
    if (r.src.empty()) return {};
    if (o_.by == "pair") {
      auto [low, high] = std::minmax(r.src, r.dst, [](const std::string& a, const std::string& b) {
        unsigned char x[16] = {}, y[16] = {};
        const int family = a.find(':') == std::string::npos ? AF_INET : AF_INET6;
        ::inet_pton(family, a.c_str(), x);
        ::inet_pton(family, b.c_str(), y);
        return std::memcmp(x, y, 16) < 0;
      });
      return json{{"pair", {low, high}}};
    }
    if (o_.by == "client") {
      if (r.dir.empty()) return {};
      return json{{"client", r.dir == "in" ? r.src : r.dst}};
    }
    if (o_.by == "src_ip/23/47,dst_port") {
      if (!r.dport) return {};
      return json{{"src_ip", masked(r.src, 23, 47)}, {"dst_port", *r.dport}};
    }
    throw std::logic_error(o_.by);
  }
  static std::string flow_of(const Row& r) {
    std::string a = r.src + "|" + (r.sport ? std::to_string(*r.sport) : "-");
    std::string b = r.dst + "|" + (r.dport ? std::to_string(*r.dport) : "-");
    return std::min(a, b) + ">" + std::max(a, b) + r.proto;
  }

  netwindow::Options o_;
  int64_t newest_ = INT64_MIN;
  base::Services services_ = base::Services::load();
};

void check_sums(const json& record, const std::string& prefix, Sum sum, bool directed) {
  for (const char* key : {"packets", "bytes", "in_packets", "in_bytes", "out_packets", "out_bytes"}) {
    const bool side = std::string_view(key).starts_with("in_") || std::string_view(key).starts_with("out_");
    if (side && !directed) {
      CHECK_FALSE(record.contains(prefix + key));
    } else {
      INFO(prefix << key);
      CHECK(record.at(prefix + key) == sum.n[key]);
    }
  }
}

void check_key(const json& record, const ModelKey& key, bool directed) {
  check_sums(record, "", key.sum, directed);
  CHECK(record.contains("flows") == !key.flows.empty());
  CHECK(record.value("flows", size_t{0}) == key.flows.size());
  CHECK(base::parse_rfc3339(record.at("first").get<std::string>()) == key.first);
  CHECK(base::parse_rfc3339(record.at("last").get<std::string>()) == key.last);
  REQUIRE(record.at("protocols").size() == key.protocols.size());
  uint64_t last_bytes = UINT64_MAX;
  for (const json& p : record.at("protocols")) {
    std::optional<int> port;
    if (p.contains("port")) port = p.at("port").get<int>();
    const auto found = key.protocols.find({p.at("proto").get<std::string>(), port});
    REQUIRE(found != key.protocols.end());
    Sum sum = found->second;
    CHECK(p.at("bytes") == sum.n["bytes"]);
    if (directed) CHECK(p.at("in_bytes") == sum.n["in_bytes"]);
    if (directed) CHECK(p.at("out_bytes") == sum.n["out_bytes"]);
    if (p.at("proto") == "other") continue;
    CHECK(p.at("bytes").get<uint64_t>() <= last_bytes);
    last_bytes = p.at("bytes").get<uint64_t>();
  }
}

json key_part(const json& record) {
  json key = json::object();
  for (const char* name : {"client", "pair", "src_ip", "dst_port", "proto"}) {
    if (record.contains(name)) key[name] = record.at(name);
  }
  return key;
}

struct Setup {
  const char* by;
  int64_t window, lateness;
  uint64_t top;
};

void compare(const Setup& setup, unsigned seed) {
  Generator generate(seed);
  netwindow::Options options;
  options.by = setup.by;
  options.window = setup.window;
  options.lateness = setup.lateness;
  options.top = setup.top;
  Model model(options);
  std::string input;
  uint64_t packets = 0;
  for (int i = 0; i < 1500; ++i) {
    const Row row = generate.row();
    model.add(row);
    input += generate.line(row);
    ++packets;
    if (generate.one_in(40))
      input += R"({"type":"window","packets":5,"ts":"2026-03-01T23:59:50Z"})"
               "\n";
  }
  const Ran ran = run_on(options, input);
  REQUIRE(ran.exit == base::Exit::ok);

  auto record = ran.records.begin();
  Sum told_late, told_untimed;
  uint64_t accounted = 0;
  for (auto& [start, window] : model.windows) {
    INFO("window " << base::rfc3339(start, 6));
    Sum total, other;
    size_t shown = 0;
    uint64_t last_bytes = UINT64_MAX;
    std::string last_key;
    for (; record->at("type") == "window"; ++record, ++shown) {
      CHECK(record->at("ts") == base::rfc3339(start, 6));
      CHECK(record->at("until") == base::rfc3339(start + options.window, 6));
      const std::string name = key_part(*record).dump();
      REQUIRE(window.keys.contains(name));
      check_key(*record, window.keys[name], window.directed);
      const uint64_t bytes = window.keys[name].sum.n["bytes"];
      CHECK(bytes <= last_bytes);
      last_bytes = bytes;
      total.add(window.keys[name].sum);
      window.keys.erase(name);
    }
    for (const auto& [name, key] : window.keys) {
      other.add(key.sum);
      CHECK(ModelKey(key).sum.n["bytes"] <= last_bytes);
    }
    if (setup.top == 0) CHECK(window.keys.empty());
    if (setup.top != 0) CHECK((shown == setup.top || window.keys.empty()));
    const json& whole = *record++;
    CHECK(whole.at("type") == "window_total");
    CHECK(whole.at("ts") == base::rfc3339(start, 6));
    CHECK(whole.at("keys") == shown + window.keys.size());
    total.add(other);
    total.add(window.unkeyed);
    check_sums(whole, "", total, window.directed);
    check_sums(whole, "other_", other, window.directed);
    check_sums(whole, "unkeyed_", window.unkeyed, window.directed);
    told_late.n["bytes"] += whole.at("late_bytes").get<uint64_t>();
    told_untimed.n["bytes"] += whole.at("untimed_bytes").get<uint64_t>();
    accounted += whole.at("packets").get<uint64_t>() + whole.at("late_packets").get<uint64_t>() +
                 whole.at("untimed_packets").get<uint64_t>();
  }
  CHECK(record == ran.records.end());
  CHECK(accounted == packets);
  CHECK(told_late.n["bytes"] == model.late.n["bytes"]);
  CHECK(told_untimed.n["bytes"] == model.untimed.n["bytes"]);
}

}  // namespace

TEST_CASE("netwindow agrees with the model", "[netwindow]") {
  const int64_t s = base::kSecond;
  const auto setup =
      GENERATE_COPY(Setup{"client", 5 * s, s, 0}, Setup{"pair", 5 * s, 0, 0}, Setup{"proto", s, 2 * s, 2},
                    Setup{"none", 7 * s, s, 0}, Setup{"src_ip/23/47,dst_port", 2 * s, s / 2, 5},
                    Setup{"client", s / 10, 10 * s, 3}, Setup{"pair", 3600 * s, 0, 4});
  for (unsigned seed = 1; seed <= 6; ++seed) {
    INFO("by " << setup.by << " seed " << seed);
    compare(setup, seed);
  }
}
