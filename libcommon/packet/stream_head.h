#pragma once
// Messages that begin in one TCP segment and end in a later one.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

/// The current segment, with what was kept of the same stream before it, for the decoder that asked for more.
/// Nothing when no head of this stream is kept or when the segment does not continue it: a gap drops the
/// head, a retransmission changes nothing.
[[nodiscard]] Next continue_head(const ByteReader& segment, Context& context);

/// Keeps `unfinished`, which ends where the current segment ends, until the next segment of the stream comes,
/// which goes to `protocol` together with it. Keeps nothing when the capture cut the segment or the head gets
/// too long.
void keep_head(const Protocol& protocol, const ByteReader& unfinished, Context& context);

}  // namespace wl::packet
