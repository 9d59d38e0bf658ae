#include <catch2/catch.hpp>

#include "libcommon/capture/bpf.h"
#include "tests/support/capture_bytes.h"

using namespace wl::test;
using wl::capture::Bpf;
using wl::capture::Frame;
using wl::capture::Interface;

namespace {

/// An IPv4 packet with a UDP header.
Buffer udp(uint16_t port) {
  return Maker(true)
      .u16(0x4500)
      .u16(28)
      .u32(0)
      .u8(64)
      .u8(17)
      .u16(0)
      .u32(0x0a000001)
      .u32(0x0a000002)  // 10.0.0.1 > 10.0.0.2
      .u16(1000)
      .u16(port)
      .u16(8)
      .u16(0)
      .bytes();
}

Buffer ethernet(const Buffer& ip) { return Maker(true).u32(0).u32(0).u32(0).u16(0x0800).raw(ip).bytes(); }

}  // namespace

TEST_CASE("bpf: one expression for every link type") {
  auto bpf = Bpf::parse("udp port 53");
  REQUIRE(bpf);
  const std::vector<Interface> interfaces{{.link_type = 1}, {.link_type = 101}, {.link_type = 0xffff}};
  for (const uint16_t port : {uint16_t{53}, uint16_t{54}}) {
    const Buffer on_ethernet = ethernet(udp(port));
    const Buffer raw = udp(port);
    Frame frame{.data = on_ethernet, .length = static_cast<uint32_t>(on_ethernet.size())};
    CHECK(bpf->matches(frame, interfaces) == (port == 53));
    frame.interface = 1;
    CHECK(bpf->matches(frame, interfaces) == false);
    frame.data = raw;
    CHECK(bpf->matches(frame, interfaces) == (port == 53));
    frame.interface = 2;
    CHECK(bpf->matches(frame, interfaces) == false);
  }
}

TEST_CASE("bpf: it looks at the length on the wire and stops at the end of what was captured") {
  auto greater = Bpf::parse("greater 1000");
  auto far_byte = Bpf::parse("udp[1400] = 0");
  REQUIRE(greater);
  REQUIRE(far_byte);
  const Buffer bytes = ethernet(udp(53));
  const Frame frame{.data = bytes, .length = 1500};
  const std::vector<Interface> interfaces(1);
  CHECK(greater->matches(frame, interfaces) == true);
  CHECK(far_byte->matches(frame, interfaces) == false);
}

TEST_CASE("bpf: what makes no sense is a usage failure with the expression in it") {
  const auto bad = Bpf::parse("udp prot 53");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().exit == wl::base::Exit::usage);
  CHECK(bad.error().text.starts_with("filter \"udp prot 53\": "));
  CHECK(bad.error().text.find('\n') == std::string::npos);
}

TEST_CASE("bpf: words of one link type fail on another") {
  auto bpf = Bpf::parse("wlan type mgt");
  REQUIRE(bpf);
  const Buffer bytes = ethernet(udp(53));
  const auto result = bpf->matches({.data = bytes, .length = 42}, std::vector<Interface>(1));
  REQUIRE_FALSE(result);
  CHECK(result.error().text.starts_with("filter \"wlan type mgt\": link type 1: "));
  const Buffer management = Maker().u16(0x0080).raw(Buffer(24)).bytes();
  CHECK(bpf->matches({.data = management, .length = 26}, {{.link_type = 105}}) == true);
}
