#pragma once
// The packet record as a line of JSON.
#include <string_view>
#include <vector>

#include "libcommon/base/time.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/record/packet.h"

namespace wl::record {

/// Writes the selected fields of each packet, driven by the field table. Not for two threads.
class PacketWriter {
 public:
  PacketWriter(const FieldSet& selected, base::TimeFormat time_format)
      : selected_(selected), time_(time_format) {}

  void write(const Packet& packet, ndjson::Output& out);
  /// The same as text, with its '\n'; good until the next call.
  [[nodiscard]] std::string_view line(const Packet& packet);

 private:
  [[nodiscard]] size_t room(const Packet& packet) const;
  char* put(char* at, const Packet& packet);

  FieldSet selected_;
  base::TimeText time_;
  std::vector<char> line_;
};

}  // namespace wl::record
