#pragma once
// BPF capture filters ("tcp port 80"), compiled by libpcap.
#include <memory>
#include <string>
#include <vector>

#include "libcommon/capture/source.h"

namespace wl::capture {

/// One expression for packets of any link type: it is compiled when the first packet of a link type comes.
/// Not for two threads.
class Bpf {
 public:
  /// Fails (usage) where the expression makes no sense for any common link type. Host names in it are looked
  /// up.
  [[nodiscard]] static base::Result<Bpf> parse(std::string expression);
  Bpf(Bpf&&) noexcept;
  Bpf& operator=(Bpf&&) noexcept;
  ~Bpf();

  /// Whether the packet matches. Fails where the expression does not go with the link type of the packet's
  /// interface ("wlan type mgt" on Ethernet), again for each such packet.
  [[nodiscard]] base::Result<bool> matches(const Frame& frame, const std::vector<Interface>& interfaces);
  [[nodiscard]] const std::string& expression() const { return expression_; }

 private:
  struct Program;
  explicit Bpf(std::string expression);
  const Program& program_for(uint16_t link_type);

  std::string expression_;
  std::vector<std::unique_ptr<Program>> programs_;
  const Program* last_ = nullptr;
};

}  // namespace wl::capture
