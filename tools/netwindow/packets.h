#pragma once
// Packet records into windows.
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/services.h"
#include "tools/netwindow/input.h"
#include "tools/netwindow/key.h"
#include "tools/netwindow/values.h"

namespace wl::netwindow {

class PacketInput : public Input {
 public:
  /// `by` empty: client or pair, as the first packets have it.
  [[nodiscard]] static base::Result<std::unique_ptr<Input>> make(const Stage& stage, std::string_view by,
                                                                 const base::Services& services);

  [[nodiscard]] bool take(std::string_view line) override;
  void idle(int64_t wall) override;
  void finish() override;

 private:
  /// Where the fields of a packet stand in `fields_`.
  struct Places {
    size_t type, ts, len, src_ip, dst_ip, proto, src_port, dst_port, tcp_flags, dir, lost;
  };
  struct Packet {
    int64_t ts = 0;
    uint32_t len = 0;
    Direction dir = Direction::none;
    bool has_ports = false;
    uint16_t src_port = 0;
    uint16_t dst_port = 0;
  };

  PacketInput(const Stage& stage, const base::Services& services, Paths paths, const Places& places,
              std::optional<KeySpec> spec);

  [[nodiscard]] bool packet(std::string_view line);
  [[nodiscard]] bool read_packet(Packet& p);
  [[nodiscard]] bool read_ports(Packet& p);
  void count(const Packet& p);
  void count_slowly(Window& window, const Packet& p, const Hash& key_hash, const Hash& flow_hash);
  [[nodiscard]] Hash flow_hash(const Packet& p, const Hash& key_hash) const;
  [[nodiscard]] bool names_flow() const;
  [[nodiscard]] bool is_syn() const;
  [[nodiscard]] Service service_of(const Packet& p);

  /// Before the default key is decided: keeps the packet, or decides.
  void preview(std::string_view line, const Packet& p);
  void decide(bool client);

  Stage stage_;
  const base::Services& services_;
  Paths paths_;
  Places at_;
  ndjson::Fields fields_;
  Hasher hasher_;
  TimeReader times_;
  Upstream upstream_;
  std::optional<KeySpec> spec_;    // nothing: not decided yet
  std::vector<std::string> held_;  // packets that wait for the decision, each with its padding
  int64_t decide_at_ = 0;          // the end of the first window, and its lateness
  int64_t newest_ = INT64_MIN;
  uint64_t others_ = 0;  // records of types that are not ours to count
};

}  // namespace wl::netwindow
