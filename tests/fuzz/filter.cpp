// Filters of any bytes: what is taken can be asked of a packet, and asks the same again.
#include "libcommon/filter/filter.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto filter = wl::filter::Filter::parse({reinterpret_cast<const char*>(data), size});
  if (!filter) {
    if (!filter.error().text.starts_with("column ")) ::abort();
    return 0;
  }
  wl::record::Packet packet;
  packet.set_layers("eth:ip:tcp:http");
  packet.set_src_ip({.bytes = {10, 0, 0, 1}, .version = 4});
  packet.set_src_port(80);
  packet.set_http_host("www.example.com");
  packet.set_tcp_flags(0x12);
  packet.has_time = true;
  const bool first = filter->matches(packet);
  if (filter->matches(packet) != first) ::abort();
  packet.present.clear();
  (void)filter->matches(packet);
  return 0;
}
