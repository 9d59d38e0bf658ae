// A pcap file of any bytes.
#include "tests/fuzz/capture_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span input(data, size);
  if (wl::fuzz::compressed(input)) return 0;
  (void)wl::fuzz::read_capture(input, false);
  (void)wl::fuzz::read_capture(input, true);  // may differ: a pipe's dialect is not guessed from its records
  return 0;
}
