#pragma once
// The packet record as a line of JSON.
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

 private:
  FieldSet selected_;
  base::TimeText time_;
};

}  // namespace wl::record
