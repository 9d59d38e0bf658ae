// multiply IN OUT COPIES: a long capture of small packets out of a short one. Each packet is cut to 90 bytes,
// its headers' lengths with it; each copy has other addresses, ports and times.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "libcommon/capture/open.h"
#include "libcommon/capture/writer.h"

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMostBytes = 90;
constexpr int64_t kSpanNs = 700'000'000'000;  // from one copy to the next: longer than the capture

uint16_t load(const Bytes& bytes, size_t at) { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }

void store(Bytes& bytes, size_t at, size_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

/// The ports of TCP and UDP that are not services', and UDP's length.
void change_transport(Bytes& bytes, size_t at, uint8_t protocol, unsigned copy) {
  if ((protocol != 6 && protocol != 17) || at + 8 > bytes.size()) return;
  for (const size_t port : {at, at + 2})
    if (load(bytes, port) >= 10000)
      store(bytes, port, 10000 + (load(bytes, port) - 10000 + copy * 977) % 55000);
  if (protocol == 17) store(bytes, at + 4, std::min<size_t>(load(bytes, at + 4), bytes.size() - at));
}

void change(Bytes& bytes, unsigned copy) {
  size_t at = 12;
  while (at + 4 <= bytes.size() && load(bytes, at) == 0x8100) at += 4;
  if (at + 2 > bytes.size()) return;
  const uint16_t type = load(bytes, at);
  const size_t ip = at + 2;
  if (type == 0x0800 && ip + 20 <= bytes.size()) {
    store(bytes, ip + 2, std::min<size_t>(load(bytes, ip + 2), bytes.size() - ip));
    for (const size_t address : {ip + 12, ip + 16})
      bytes[address + 1] = static_cast<uint8_t>(bytes[address + 1] + copy);
    change_transport(bytes, ip + (bytes[ip] & 15U) * 4U, bytes[ip + 9], copy);
  } else if (type == 0x86dd && ip + 40 <= bytes.size()) {
    store(bytes, ip + 4, std::min<size_t>(load(bytes, ip + 4), bytes.size() - ip - 40));
    for (const size_t address : {ip + 8, ip + 24})
      bytes[address + 5] = static_cast<uint8_t>(bytes[address + 5] + copy);
    change_transport(bytes, ip + 40, bytes[ip + 6], copy);
  }
}

bool write_copy(const char* in, wl::capture::Writer& writer, unsigned copy) {
  const auto source = wl::capture::open_file(in);
  if (!source) return false;
  wl::capture::Frame frame;
  Bytes bytes;
  for (;;) {
    const auto next = (*source)->next(frame);
    if (!next) return false;
    if (*next == wl::capture::Next::end) return true;
    bytes.assign(frame.data.begin(),
                 frame.data.begin() + static_cast<std::ptrdiff_t>(std::min(frame.data.size(), kMostBytes)));
    change(bytes, copy);
    frame.data = bytes;
    frame.length = static_cast<uint32_t>(bytes.size());
    frame.time_ns += copy * kSpanNs;
    if (!writer.write(frame, (*source)->interfaces())) return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: multiply IN OUT COPIES\n", stderr);
    return 2;
  }
  const auto writer = wl::capture::Writer::open({.path = argv[2], .format = wl::capture::Format::pcap});
  if (!writer) return 1;
  const auto copies = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
  for (unsigned copy = 0; copy < copies; ++copy) {
    if (!write_copy(argv[1], **writer, copy)) return 1;
    (*writer)->next_source();
  }
  return (*writer)->close({}) ? 0 : 1;
}
