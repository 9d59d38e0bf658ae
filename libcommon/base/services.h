#pragma once
// The names of ports.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wl::base {

/// The table of /etc/services. Constant after it is made; threads may share it.
class Services {
 public:
  /// Reads `path`; a file that is not there gives a table without names.
  [[nodiscard]] static Services load(const char* path = "/etc/services");
  /// The same from the file's text: "https 443/tcp # comment" a line.
  [[nodiscard]] static Services parse(std::string_view text);

  /// Name of a TCP or UDP port, empty where it has none. Lives as long as the table.
  [[nodiscard]] std::string_view name(bool tcp, uint16_t port) const {
    const uint16_t index = (*ports_)[tcp ? 0 : 1][port];
    return index == 0 ? std::string_view{} : std::string_view(names_[index]);
  }

  /// The service port of a packet's flow: the destination of a SYN, else the port that has a name (the lower
  /// one when both have), else the lower.
  [[nodiscard]] uint16_t service_port(bool tcp, uint16_t source, uint16_t destination, bool syn,
                                      bool ack) const;

 private:
  using Ports = std::array<std::array<uint16_t, 65536>, 2>;
  std::vector<std::string> names_{std::string{}};             // 0: no name
  std::unique_ptr<Ports> ports_ = std::make_unique<Ports>();  // tcp, udp: index into names_
};

}  // namespace wl::base
