#pragma once
// --fields: which fields of the packet record are written.
#include <string_view>

#include "libcommon/base/error.h"
#include "libcommon/record/packet.h"

namespace wl::record {

/// core, app and tunnel: what is written when nothing is asked for.
[[nodiscard]] FieldSet default_fields();

/// Reads "core,+ip,-app", "ts,src_ip,len", "all,-layers". Words are groups, keys or `all` (every group but
/// the fields that are written only by name). Where the first word has '+' or '-' the list changes the
/// default; words without a sign add. `ts` and `type` are in every record and may be named. An unknown word
/// is an error that says which is nearest.
[[nodiscard]] base::Result<FieldSet> parse_fields(std::string_view text);

}  // namespace wl::record
