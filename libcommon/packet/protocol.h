#pragma once
// What a decoder is: a protocol is a name and a function that reads one layer, notes in the record what it
// found, and says which protocol the rest of the bytes belongs to. Adding one: foo.h, foo.cpp, and its row in
// dispatch.cpp.
#include <array>
#include <cstdint>
#include <string_view>

#include "libcommon/packet/byte_reader.h"
#include "libcommon/packet/heads.h"
#include "libcommon/packet/scratch.h"
#include "libcommon/record/packet.h"

namespace wl::packet {

class Context;
struct Protocol;

/// What comes behind the layer just read: nothing, or bytes for another decoder.
struct Next {
  const Protocol* protocol = nullptr;
  ByteReader bytes{};
};

using DecodeFunction = Next (*)(ByteReader in, Context& context);

/// A layer. `name` is Wireshark's where Wireshark has one; constant text, at most 15 bytes.
struct Protocol {
  std::string_view name;
  DecodeFunction decode;
};

/// A layer that was met, and its bytes: from its first one on, with all that it carries.
struct Layer {
  const Protocol* protocol = nullptr;
  ByteReader bytes{};
};

/// The layers of a packet, outermost first. It never grows: a packet has at most kMaxLayers of them.
struct Layers {
  static constexpr size_t kMaxLayers = 32;

  std::array<Layer, kMaxLayers> all{};  ///< the first `count` of them
  size_t count = 0;
};

/// How deep the wanted fields make it necessary to look.
enum class Depth : uint8_t { network, transport, application };

/// One packet on its way through the decoders. Decoders write what they find into `out` and know nothing of
/// tunnels: when a second network layer begins, begin_flow() puts the outer flow aside, and the Decoder
/// restores it.
class Context {
 public:
  Context(record::Packet& packet, record::Packet& outer_flow, Layers& met, Scratch& scratch_memory,
          Heads& head_buffers, Depth wanted_depth)
      : out(packet),
        outer(outer_flow),
        layers(met),
        scratch(scratch_memory),
        heads(head_buffers),
        depth(wanted_depth) {}

  record::Packet& out;
  record::Packet& outer;  ///< holds the outer flow while `nested`
  Layers& layers;
  Scratch& scratch;  ///< memory that lives until the next packet
  Heads& heads;      ///< beginnings of application messages that span packets
  const Depth depth;

  /// A decoder needed `needed` bytes of `in` and did not get them: the capture cut them off, or a length
  /// lies. Ends decoding.
  Next ended_early(const ByteReader& in, size_t needed) {
    return needed <= in.wire_size() ? cut() : malformed();
  }
  /// The layer's bytes contradict themselves. Ends decoding.
  Next malformed();
  /// The capture ends inside this layer. Ends decoding.
  Next cut();

  /// To be called by a layer that carries a flow (an IP header) before it notes anything. The first flow is
  /// the outer one; when the second begins, the outer one is put aside and `out` starts afresh.
  void begin_flow();
  /// The same for an Ethernet header inside a tunnel, which replaces the link's own keys too.
  void begin_frame();
  /// To be called by a tunnel's header. `kind` ("gre", constant text) becomes the record's `tunnel` when a
  /// flow or frame does begin inside; the first tunnel counts, and in it the innermost header ("erspan" in
  /// GRE).
  void enter_tunnel(std::string_view kind) { tunnel_entered = kind; }
  /// Notes the protocol above IP; the first one counts ("ah" before "tcp").
  void note_proto(std::string_view name) {
    if (!out.present.has(record::Field::proto)) out.set_proto(name);
  }
  [[nodiscard]] bool wants(Depth wanted) const { return depth >= wanted; }

  void push_layer(const Protocol& protocol, const ByteReader& bytes) {
    layers.all[layers.count++] = {&protocol, bytes};
  }
  [[nodiscard]] bool too_deep() const { return layers.count == Layers::kMaxLayers; }
  [[nodiscard]] std::string_view innermost_layer() const {
    return layers.count == 0 ? std::string_view{} : layers.all[layers.count - 1].protocol->name;
  }

  std::string_view tunnel_entered{};  ///< by a header behind which no flow has begun yet
  bool flow_begun = false;            ///< an IP header was seen
  bool nested = false;                ///< `out` holds an inner flow
};

}  // namespace wl::packet
