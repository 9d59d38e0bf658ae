#pragma once
// The bytes of one capture file as it is written.
#include <memory>
#include <string>
#include <vector>

#include "libcommon/capture/source.h"
#include "libcommon/capture/writer.h"
#include "libcommon/ndjson/output.h"

namespace wl::capture {

/// Encodes one file into an Output, which outlives it.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// The file header, once; nothing if it is written. `interfaces` tells what it may need.
  [[nodiscard]] virtual base::Result<void> begin(const std::vector<Interface>& interfaces) = 0;
  /// A packet, which is no custom block; begin() came before.
  [[nodiscard]] virtual base::Result<void> packet(const Frame& frame,
                                                  const std::vector<Interface>& interfaces) = 0;
  /// The packets from now on have other interfaces.
  virtual void next_source() {}
};

[[nodiscard]] std::unique_ptr<Encoder> encode_pcapng(ndjson::Output& output, std::string application);
/// `name` stands in messages.
[[nodiscard]] std::unique_ptr<Encoder> encode_pcap(ndjson::Output& output, std::string name);

}  // namespace wl::capture
