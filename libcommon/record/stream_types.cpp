#include "libcommon/record/stream_types.h"

#include <array>

namespace wl::record {
namespace {

constexpr std::array<KeyInfo, 5> kMetaKeys{{
    {"ts", Kind::time, "", "when the tool began to write (wall clock)", true},
    {"tool", Kind::text, "", "name of the tool", true},
    {"version", Kind::text, "", "its version", true},
    {"source", Kind::text_list, "", "files, interfaces or streams that it reads", true},
    {"options", Kind::text_list, "", "its command line, without what is secret", true},
}};

constexpr std::array<KeyInfo, 9> kStatsKeys{{
    {"ts", Kind::time, "", "of the count (wall clock)", true},
    {"records", Kind::u64, "records", "data records written so far", true},
    {"packets", Kind::u64, "packets", "seen so far"},
    {"bytes", Kind::u64, "bytes", "of the packets seen so far, on the wire"},
    {"lost", Kind::u64, "packets", "not seen so far: all drops together"},
    {"kernel_dropped", Kind::u64, "packets", "lost because the capture buffer was full"},
    {"interface_dropped", Kind::u64, "packets", "lost by the interface or its driver"},
    {"reader_dropped", Kind::u64, "packets", "left out because the reader stalled (--on-slow drop)"},
    {"skipped", Kind::u64, "", "input that could not be read"},
}};

constexpr std::array<KeyInfo, 11> kEndKeys{{
    {"ts", Kind::time, "", "of the end (wall clock)", true},
    {"reason", Kind::text, "", "why it stopped: end, limit, duration, signal or error", true},
    {"status", Kind::u8, "", "exit status", true},
    {"records", Kind::u64, "records", "data records written in all", true},
    {"packets", Kind::u64, "packets", "seen in all"},
    {"bytes", Kind::u64, "bytes", "of the packets seen in all, on the wire"},
    {"lost", Kind::u64, "packets", "not seen: all drops together"},
    {"kernel_dropped", Kind::u64, "packets", "lost because the capture buffer was full"},
    {"interface_dropped", Kind::u64, "packets", "lost by the interface or its driver"},
    {"reader_dropped", Kind::u64, "packets", "left out because the reader stalled (--on-slow drop)"},
    {"skipped", Kind::u64, "", "input that could not be read"},
}};

constexpr std::array<KeyInfo, 2> kErrorKeys{{
    {"message", Kind::text, "", "what failed, and why", true},
    {"code", Kind::u16, "", "the status of HTTP that fits, where the exit status does not tell it"},
}};

}  // namespace

const RecordType kMetaType{"meta", "what follows and who writes it: first, with --meta", kMetaKeys};
const RecordType kStatsType{"stats", "counts so far: each second, with --meta", kStatsKeys};
const RecordType kEndType{"end", "totals: last, with --meta; a stream without it was cut", kEndKeys};
const RecordType kErrorType{"error", "why a request got no answer", kErrorKeys};

}  // namespace wl::record
