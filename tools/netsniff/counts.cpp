#include "tools/netsniff/counts.h"

namespace wl::netsniff {

record::StreamCounts Counts::stream(bool live) const {
  record::StreamCounts counts;
  counts.records = records;
  counts.packets = packets;
  counts.bytes = bytes;
  if (live) {
    counts.kernel_dropped = drops.kernel;
    counts.interface_dropped = drops.interface;
    counts.reader_dropped = reader_dropped;
    counts.lost = drops.kernel + drops.interface + reader_dropped;
  }
  return counts;
}

std::string packets_text(uint64_t count) {
  return std::to_string(count) + (count == 1 ? " packet" : " packets");
}

std::string Counts::line(bool live) const {
  std::string text = packets_text(packets);
  if (!live) return text + " read";
  text += " captured, " + std::to_string(drops.kernel) + " dropped by the kernel, ";
  text += std::to_string(drops.interface) + " by the interface";
  if (reader_dropped != 0) text += ", " + std::to_string(reader_dropped) + " because the reader is slow";
  return text;
}

}  // namespace wl::netsniff
