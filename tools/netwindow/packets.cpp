#include "tools/netwindow/packets.h"

#include <algorithm>
#include <limits>

namespace wl::netwindow {
namespace {

using ndjson::Value;
using ndjson::ValueKind;

// Packets that are looked at before the default key is decided.
constexpr size_t kMaxHeld = 1000;
// Of an address as text; a longer one is none.
constexpr size_t kMaxAddress = 64;

Totals totals_of(uint64_t bytes, Direction dir) {
  Totals t;
  t.packets = 1;
  t.bytes = bytes;
  if (dir == Direction::in) {
    t.in_packets = 1;
    t.in_bytes = bytes;
  } else if (dir == Direction::out) {
    t.out_packets = 1;
    t.out_bytes = bytes;
  }
  return t;
}

/// False: not a whole number that `to` can hold.
template <class Number>
bool read_into(Number& to, const Value& value) {
  const uint64_t* number = &value.whole;
  std::optional<uint64_t> parsed;
  if (!value.has_whole) {
    parsed = parse_whole(value, std::numeric_limits<Number>::max());
    if (!parsed) return false;
    number = &*parsed;
  }
  to = static_cast<Number>(*number);
  return *number <= std::numeric_limits<Number>::max();
}

bool is_address(const Value& value) {
  return !value.present() || (value.kind == ValueKind::text && value.text.size() <= kMaxAddress);
}

}  // namespace

base::Result<std::unique_ptr<Input>> PacketInput::make(const Stage& stage, std::string_view by,
                                                       const base::Services& services) {
  Paths paths;
  const Places places{paths.add("type"),     paths.add("ts"),       paths.add("len"),
                      paths.add("src_ip"),   paths.add("dst_ip"),   paths.add("proto"),
                      paths.add("src_port"), paths.add("dst_port"), paths.add("tcp_flags"),
                      paths.add("dir"),      paths.add("lost")};
  std::optional<KeySpec> spec;
  if (!by.empty()) {
    auto parsed = KeySpec::parse(by, paths);
    if (!parsed) return std::unexpected(parsed.error());
    spec = std::move(*parsed);
  }
  return std::unique_ptr<Input>(new PacketInput(stage, services, std::move(paths), places, std::move(spec)));
}

PacketInput::PacketInput(const Stage& stage, const base::Services& services, Paths paths,
                         const Places& places, std::optional<KeySpec> spec)
    : stage_(stage),
      services_(services),
      paths_(std::move(paths)),
      at_(places),
      fields_(paths_.all()),
      spec_(std::move(spec)) {}

bool PacketInput::take(std::string_view line) {
  if (!fields_.read(line)) return refuse("expected a JSON object");
  const std::string_view type = fields_[at_.type].text;
  if (type == "packet") return packet(line);
  if (type == "meta") {
    upstream_.meta(stage_.aside);
  } else if (type == "stats" || type == "end") {
    upstream_.counts(fields_[at_.lost], stage_.aside);
  } else {
    ++others_;
  }
  return true;
}

bool PacketInput::packet(std::string_view line) {
  Packet p;
  if (!read_packet(p)) return false;
  const Value& ts = fields_[at_.ts];
  if (!ts.present()) {
    ++records_;
    stage_.aside.untimed.add(totals_of(p.len, p.dir));
    return true;
  }
  const std::optional<int64_t> ns = times_.read(ts);
  if (!ns) return refuse("expected a time in ts");
  p.ts = *ns;
  if (!spec_) {
    preview(line, p);
    return true;
  }
  Hash key_hash;
  const KeySpec::State state = spec_->hash(fields_, hasher_, key_hash);
  if (state == KeySpec::State::wrong) return refuse("expected " + spec_->wrong());
  ++records_;
  newest_ = std::max(newest_, p.ts);
  Window* const window = stage_.windows.at(p.ts);
  if (window == nullptr) {
    ++late_;
    stage_.aside.late.add(totals_of(p.len, p.dir));
    return true;
  }
  window->directed |= p.dir != Direction::none;
  window->nanoseconds |= times_.nanoseconds();
  if (state == KeySpec::State::missing) {
    window->unkeyed.add(totals_of(p.len, p.dir));
    return true;
  }
  const Hash hash = flow_hash(p, key_hash);
  Flow* const flow = window->find_flow(hash);
  const size_t way = p.dir == Direction::out ? 1 : 0;
  if (flow == nullptr || (flow->directed != 0) != (p.dir != Direction::none) ||
      flow->packets[way] == UINT32_MAX) {
    count_slowly(*window, p, key_hash, hash);
    return true;
  }
  if (flow->service.state == PortState::guessed && is_syn()) window->retell(*flow, service_of(p), p.ts);
  flow->first = std::min(flow->first, p.ts);
  flow->last = std::max(flow->last, p.ts);
  flow->bytes[way] += p.len;
  ++flow->packets[way];
  return true;
}

/// A new flow, or a packet that the flow's counters cannot hold.
void PacketInput::count_slowly(Window& window, const Packet& p, const Hash& key_hash, const Hash& flow_hash) {
  Key& key = window.key(key_hash, [this] { return spec_->text(fields_); });
  Service service = service_of(p);
  if (Flow* const known = window.find_flow(flow_hash)) {
    if (known->service.state == PortState::guessed && service.state == PortState::told) {
      window.retell(*known, service, p.ts);
    }
    service = known->service;
  } else {
    if (Flow* const flow = window.add_flow(key, flow_hash, service, p.dir != Direction::none)) {
      const size_t way = p.dir == Direction::out ? 1 : 0;
      if (names_flow()) ++key.flows;
      flow->first = flow->last = p.ts;
      flow->bytes[way] = p.len;
      flow->packets[way] = 1;
      return;
    }
  }
  const Totals totals = totals_of(p.len, p.dir);
  window.count(key, totals, p.ts, p.ts);
  window.count(key, service, totals.bytes, totals.in_bytes, totals.out_bytes);
}

bool PacketInput::read_packet(Packet& p) {
  const Value& len = fields_[at_.len];
  if (len.present() && !read_into(p.len, len)) return refuse("expected a whole number in len");
  const Value& dir = fields_[at_.dir];
  if (dir.kind == ValueKind::text) {
    p.dir = dir.text == "in" ? Direction::in : dir.text == "out" ? Direction::out : Direction::none;
  }
  if (!is_address(fields_[at_.src_ip])) return refuse("expected an address in src_ip");
  if (!is_address(fields_[at_.dst_ip])) return refuse("expected an address in dst_ip");
  return read_ports(p);
}

bool PacketInput::read_ports(Packet& p) {
  const Value& source = fields_[at_.src_port];
  const Value& destination = fields_[at_.dst_port];
  p.has_ports = source.present() && destination.present();
  if (!p.has_ports) return true;
  if (!read_into(p.src_port, source)) return refuse("expected a port in src_port");
  if (!read_into(p.dst_port, destination)) return refuse("expected a port in dst_port");
  return true;
}

Hash PacketInput::flow_hash(const Packet& p, const Hash& key_hash) const {
  // 0x10000: no port, which is not port 0
  const uint64_t from = p.has_ports ? p.src_port : 0x10000;
  const uint64_t to = p.has_ports ? p.dst_port : 0x10000;
  const Hash ends = hasher_.text(fields_[at_.src_ip].text, from) + hasher_.text(fields_[at_.dst_ip].text, to);
  const Hash proto = hasher_.text(fields_[at_.proto].text, 0);
  return Hasher::finished(hasher_.mix(hasher_.mix(ends, key_hash.a, key_hash.b), proto.a, proto.b));
}

/// Without any of these, packets of several flows look alike.
bool PacketInput::names_flow() const {
  return fields_[at_.src_ip].present() && fields_[at_.dst_ip].present() && fields_[at_.proto].present();
}

bool PacketInput::is_syn() const {
  const std::string_view flags = fields_[at_.tcp_flags].text;
  return flags.find('S') != std::string_view::npos && flags.find('A') == std::string_view::npos;
}

Service PacketInput::service_of(const Packet& p) {
  const std::string_view proto = fields_[at_.proto].text;
  Service service{.proto = stage_.names.id(proto)};
  if (!p.has_ports) return service;
  const bool syn = is_syn();
  service.state = syn ? PortState::told : PortState::guessed;
  service.port = services_.service_port(proto == "tcp", p.src_port, p.dst_port, syn, false);
  return service;
}

void PacketInput::preview(std::string_view line, const Packet& p) {
  const WindowClock& clock = stage_.clock;
  if (held_.empty()) decide_at_ = window_start(p.ts, clock.length) + clock.length + clock.lateness;
  newest_ = std::max(newest_, p.ts);
  held_.emplace_back(line).append(ndjson::kPadding, '\0');
  if (p.dir != Direction::none || held_.size() >= kMaxHeld || newest_ >= decide_at_) {
    decide(p.dir != Direction::none);
  }
}

void PacketInput::decide(bool client) {
  stage_.log.info(client ? "keys are client: packets carry dir (others: --by FIELDS)"
                         : "keys are pair: packets carry no dir (netsniff --local tells it)");
  auto parsed = KeySpec::parse(client ? "client" : "pair", paths_);
  spec_ = std::move(*parsed);
  const std::vector<std::string> held = std::exchange(held_, {});
  for (const std::string& line : held) {
    // Each was read without complaint when it came.
    (void)take(std::string_view(line).substr(0, line.size() - ndjson::kPadding));
  }
}

void PacketInput::idle(int64_t wall) {
  if (newest_ == INT64_MIN) return;
  if (!spec_) {
    if (!stage_.windows.live(wall, newest_) || wall < decide_at_) return;
    decide(false);
  }
  stage_.windows.idle(wall, newest_);
}

void PacketInput::finish() {
  if (!held_.empty()) decide(false);
  stage_.windows.finish();
  if (records_ == 0 && others_ != 0) {
    stage_.log.warning("no packet records, " + std::to_string(others_) +
                       " others (--time FIELD and --sum FIELD take any)");
  }
}

}  // namespace wl::netwindow
