#pragma once
// From captured bytes to the packet record.
#include <memory>
#include <span>
#include <string>

#include "libcommon/base/services.h"
#include "libcommon/packet/community_id.h"
#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/heads.h"
#include "libcommon/packet/local_addresses.h"
#include "libcommon/packet/protocol.h"
#include "libcommon/packet/scratch.h"
#include "libcommon/record/packet.h"

namespace wl::packet {

/// Decodes packets one after the other. Holds the scratch memory that the record's texts point into, and the
/// bounded buffer of unfinished application heads: packets of one source go through one Decoder in capture
/// order. Not for two threads.
class Decoder {
 public:
  struct Options {
    record::FieldSet wanted;  ///< fields that will be looked at; others may be left out of the record
    bool decap = false;       ///< the innermost flow goes into the plain keys
    const LocalAddresses* local = nullptr;     ///< what is ours, for `dir`; outlives the Decoder
    const base::Services* services = nullptr;  ///< names of ports, for `app_port`; outlives the Decoder
  };

  explicit Decoder(const Options& options);

  /// Fills `packet` from the captured bytes, of which the wire held `length` (at least bytes.size()). Members
  /// that belong to the source (n, ts, iface, at_*) are the caller's; everything else of an earlier packet is
  /// gone.
  void decode(std::span<const uint8_t> bytes, uint32_t length, uint16_t link_type, record::Packet& packet);

  /// The layers of the packet decoded last, as deep as the wanted fields made it necessary to look; good
  /// until the next decode(), and no longer than its bytes. What the packet completes of an earlier one's
  /// message lies in memory of the Decoder.
  [[nodiscard]] std::span<const Layer> layers() const { return {layers_.all.data(), layers_.count}; }

 private:
  void look_up(uint16_t link_type);
  void finish(Context& context, bool cut);
  void note_service(record::Packet& packet) const;
  void note_direction(record::Packet& packet) const;
  void note_layers(record::Packet& packet);
  void note_community_id(record::Packet& packet);

  Options options_;
  Depth depth_;
  Layers layers_;
  Scratch scratch_;
  Heads heads_;
  CommunityId community_id_;
  std::unique_ptr<record::Packet> outer_;
  int link_type_ = -1;  // of the packet before; `link_` is what the tables say of it
  LinkType link_;
  std::string link_number_;  // its number as text, where it has no name
};

}  // namespace wl::packet
