#include "libcommon/capture/bpf.h"

#include <algorithm>
#include <array>

#include <pcap/pcap.h>

#include "libcommon/capture/link_types.h"

namespace wl::capture {

/// The expression for one link type, or why there is none.
struct Bpf::Program {
  Program(const std::string& expression, uint16_t type) : link_type(type) {
    if (type == kLinkCustomBlock) return;
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> dead(
        pcap_open_dead(dlt_of(type), static_cast<int>(max_packet_size(kLinkEthernet))), pcap_close);
    good = dead && pcap_compile(dead.get(), &code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!good) reason = dead ? pcap_geterr(dead.get()) : "out of memory";
  }
  ~Program() {
    if (good) pcap_freecode(&code);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  uint16_t link_type;
  bool good = false;
  std::string reason;  // where it is not good; none for custom blocks, which match nothing
  bpf_program code{};
};

namespace {

std::unexpected<base::Error> fail_filter(const std::string& expression, const std::string& reason,
                                         base::Exit exit) {
  return base::fail("filter \"" + expression + "\": " + reason, "the language is pcap-filter(7)'s", exit);
}

}  // namespace

Bpf::Bpf(std::string expression) : expression_(std::move(expression)) {}
Bpf::Bpf(Bpf&&) noexcept = default;
Bpf& Bpf::operator=(Bpf&&) noexcept = default;
Bpf::~Bpf() = default;

base::Result<Bpf> Bpf::parse(std::string expression) {
  Bpf bpf(std::move(expression));
  // Ethernet, 802.11 (bare, radiotap), SLL, SLL2, raw IP, null, PPP, PF log, ATM, MTP2, USB: each has words
  // of its own.
  constexpr std::array<uint16_t, 12> kCommon{kLinkEthernet, 105, 127, 113, 276, kLinkRawIp, 0, 9,
                                             117,           123, 140, 189};
  for (const uint16_t link_type : kCommon) {
    if (bpf.program_for(link_type).good) return bpf;
  }
  return fail_filter(bpf.expression_, bpf.program_for(kLinkEthernet).reason, base::Exit::usage);
}

base::Result<bool> Bpf::matches(const Frame& frame, const std::vector<Interface>& interfaces) {
  const uint16_t link_type = interfaces[frame.interface].link_type;
  if (last_ == nullptr || last_->link_type != link_type) last_ = &program_for(link_type);
  if (!last_->good) [[unlikely]] {
    if (link_type == kLinkCustomBlock) return false;
    return fail_filter(expression_, "link type " + std::to_string(link_type) + ": " + last_->reason,
                       base::Exit::failed);
  }
  return bpf_filter(last_->code.bf_insns, frame.data.data(), frame.length,
                    static_cast<u_int>(frame.data.size())) != 0;
}

const Bpf::Program& Bpf::program_for(uint16_t link_type) {
  const auto known = std::ranges::find(programs_, link_type, [](const auto& p) { return p->link_type; });
  if (known != programs_.end()) return **known;
  return *programs_.emplace_back(std::make_unique<Program>(expression_, link_type));
}

}  // namespace wl::capture
