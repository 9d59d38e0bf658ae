#pragma once
// Packets of a capture again, as they were when it was taken in: record and bytes.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/capture/source.h"
#include "libcommon/packet/local_addresses.h"
#include "libcommon/record/packet.h"
#include "libcommon/store/reader.h"

namespace wl::store {

/// Decodes the bytes of the original anew; what depends on packets before (the names and messages of
/// applications, `app`, `layers` …) is as the parts have it. So the record is the one that netsniff makes of
/// the whole capture, but for `iface`, which is there in all packets of a capture with several interfaces,
/// `file_id`, and `at_file`, which only a capture has that was never ingested (Capture::name).
class StoredPackets {
 public:
  struct Options {
    record::FieldSet wanted{};                      ///< others may be left out of the record
    const packet::LocalAddresses* local = nullptr;  ///< what is ours, for `dir`; outlives the object
  };

  /// `reader` and `capture`, which is one of its captures, outlive it.
  [[nodiscard]] static base::Result<StoredPackets> open(Reader& reader, const Capture& capture,
                                                        const Options& options);
  ~StoredPackets();
  StoredPackets(StoredPackets&&) noexcept;
  StoredPackets& operator=(StoredPackets&&) noexcept;

  /// Asks for the packets with these numbers, ascending, as Hits have them; numbers that the capture has not
  /// are passed over. The reader must not be asked for anything else until next() has said false.
  [[nodiscard]] base::Result<void> ask(std::span<const uint64_t> n);
  /// The next of them, by n; false: there are no more.
  [[nodiscard]] base::Result<bool> next();

  /// What next() found; good until it is called again.
  [[nodiscard]] const record::Packet& packet() const;
  [[nodiscard]] const capture::Frame& frame() const;
  /// What Frame::interface counts.
  [[nodiscard]] const std::vector<capture::Interface>& interfaces() const;

 private:
  struct State;
  explicit StoredPackets(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wl::store
