#pragma once
// How a packet is shown: as a record, or as a line for people.
#include <memory>
#include <string>

#include "libcommon/base/time.h"
#include "libcommon/capture/source.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/packet/decoder.h"
#include "tools/netsniff/options.h"

namespace wl::netsniff {

class Printer {
 public:
  virtual ~Printer() = default;
  /// Writes one packet; `frame` is what it was decoded from.
  virtual void print(const record::Packet& packet, const capture::Frame& frame) = 0;
};

/// NDJSON of the selected fields.
[[nodiscard]] std::unique_ptr<Printer> record_printer(const record::FieldSet& fields, base::TimeFormat format,
                                                      ndjson::Output& out);

/// "09:03:00.123456 10.0.0.7:51234 > 192.0.2.1:443 tcp 60 …", with the bytes below where `hex` asks for them.
[[nodiscard]] std::unique_ptr<Printer> line_printer(Hex hex, ndjson::Output& out);
/// The fields that a line is made of.
[[nodiscard]] record::FieldSet line_fields();

}  // namespace wl::netsniff
