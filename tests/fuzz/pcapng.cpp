// A pcapng file of any bytes behind the start of its section header.
#include <vector>

#include "tests/fuzz/capture_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint8_t kStart[] = {0x0a, 0x0d, 0x0d, 0x0a};
  std::vector<uint8_t> input(data, data + size);
  std::copy_n(std::begin(kStart), std::min(size, std::size(kStart)), input.begin());
  const auto at_once = wl::fuzz::read_capture(input, false);
  wl::fuzz::require(at_once == wl::fuzz::read_capture(input, true));
  return 0;
}
