#include "tools/netwindow/types.h"

#include "libcommon/record/stream_types.h"

namespace wl::netwindow {
namespace {

using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 5> kProtocolKeys{{
    {"proto", Kind::text, "", "protocol, as in the packets; other: all beyond the largest", true},
    {"port", Kind::u16, "", "service port: destination of the SYN, else the one with a name, else the lower"},
    {"bytes", Kind::u64, "bytes", "on the wire", true},
    {"in_bytes", Kind::u64, "bytes", "towards what is local"},
    {"out_bytes", Kind::u64, "bytes", "from what is local"},
}};

// A macro-free way to share rows between constant tables: each table is its parts joined.
template <size_t... N>
constexpr auto join(const std::array<KeyInfo, N>&... parts) {
  std::array<KeyInfo, (N + ...)> all{};
  size_t at = 0;
  (
      [&] {
        for (const KeyInfo& info : parts) all[at++] = info;
      }(),
      ...);
  return all;
}

constexpr std::array<KeyInfo, 2> kSpanKeys{{
    {"ts", Kind::time, "", "beginning of the window"},
    {"until", Kind::time, "", "end of the window, which is not in it"},
}};

constexpr std::array<KeyInfo, 9> kByKeys{{
    {"client", Kind::ip, "", "--by client: the address that is not local"},
    {"pair", Kind::text_list, "", "--by pair: the two addresses, the lower one first"},
    {"src_ip", Kind::ip, "", "--by src_ip; with a prefix length the first address of its network"},
    {"dst_ip", Kind::ip, "", "--by dst_ip; likewise"},
    {"proto", Kind::text, "", "--by proto"},
    {"src_port", Kind::u16, "", "--by src_port"},
    {"dst_port", Kind::u16, "", "--by dst_port"},
    {"app", Kind::text, "", "--by app"},
    {"name", Kind::text, "", "--by name"},
}};

constexpr std::array<KeyInfo, 7> kCountKeys{{
    {"packets", Kind::u64, "packets", "counted"},
    {"bytes", Kind::u64, "bytes", "of the packets, on the wire"},
    {"in_packets", Kind::u64, "packets", "towards what is local; only when packets carry dir"},
    {"in_bytes", Kind::u64, "bytes", "towards what is local"},
    {"out_packets", Kind::u64, "packets", "from what is local"},
    {"out_bytes", Kind::u64, "bytes", "from what is local"},
    {"count", Kind::u64, "records",
     "with --time or --sum, in place of packets and bytes; sum_FIELD stands beside it"},
}};

constexpr std::array<KeyInfo, 7> kDetailKeys{{
    {"protocols", Kind::object_list, "", "the largest 32 protocols by bytes", false, kProtocolKeys},
    {"flows", Kind::u64, "flows",
     "bidirectional 5-tuples; left out where there are none, or not all were counted"},
    {"flows_min", Kind::u64, "flows", "in place of flows: at least so many"},
    {"first", Kind::time, "", "time of the first record of the key in the window", true},
    {"last", Kind::time, "", "time of the last one", true},
    {"missed_bytes", Kind::u64, "bytes", "at most so many of this key's are in other (--max-keys)"},
    {"missed_count", Kind::u64, "records", "at most so many of this key's are in other (--max-keys)"},
}};

constexpr std::array<KeyInfo, 3> kTotalKeys{{
    {"keys", Kind::u64, "keys", "seen in the window"},
    {"keys_min", Kind::u64, "keys",
     "in place of keys: at least so many (--max-keys, or the input had --top)"},
    {"lost", Kind::u64, "packets", "not seen, as the input's stats tell, since the window before"},
}};

constexpr std::array<KeyInfo, 19> kAsideKeys{{
    {"other_packets", Kind::u64, "packets", "of keys that have no record (--top, --max-keys)"},
    {"other_bytes", Kind::u64, "bytes", "of keys that have no record"},
    {"other_in_packets", Kind::u64, "packets", "of keys that have no record"},
    {"other_in_bytes", Kind::u64, "bytes", "of keys that have no record"},
    {"other_out_packets", Kind::u64, "packets", "of keys that have no record"},
    {"other_out_bytes", Kind::u64, "bytes", "of keys that have no record"},
    {"other_count", Kind::u64, "records", "of keys that have no record"},
    {"unkeyed_packets", Kind::u64, "packets", "without a field of the key"},
    {"unkeyed_bytes", Kind::u64, "bytes", "without a field of the key"},
    {"unkeyed_in_packets", Kind::u64, "packets", "without a field of the key"},
    {"unkeyed_in_bytes", Kind::u64, "bytes", "without a field of the key"},
    {"unkeyed_out_packets", Kind::u64, "packets", "without a field of the key"},
    {"unkeyed_out_bytes", Kind::u64, "bytes", "without a field of the key"},
    {"unkeyed_count", Kind::u64, "records", "without a field of the key"},
    {"late_packets", Kind::u64, "packets", "that came after their window closed, since the window before"},
    {"late_bytes", Kind::u64, "bytes", "that came after their window closed"},
    {"late_count", Kind::u64, "records", "that came after their window closed"},
    {"untimed_packets", Kind::u64, "packets", "without a time, since the window before"},
    {"untimed_bytes", Kind::u64, "bytes", "without a time"},
}};

constexpr std::array<KeyInfo, 1> kUntimedKeys{{
    {"untimed_count", Kind::u64, "records", "without a time"},
}};

constexpr auto kWindowKeys = join(kSpanKeys, kByKeys, kCountKeys, kDetailKeys);
constexpr auto kWindowTotalKeys = join(kSpanKeys, kTotalKeys, kCountKeys, kAsideKeys, kUntimedKeys);
constexpr auto kEntryKeys = join(kByKeys, kCountKeys, kDetailKeys);
constexpr std::array<KeyInfo, 1> kEntriesKeys{{
    {"windows", Kind::object_list, "", "the keys, the largest first", true, kEntryKeys},
}};
constexpr auto kWindowsKeys = join(kSpanKeys, kTotalKeys, kCountKeys, kAsideKeys, kUntimedKeys, kEntriesKeys);

}  // namespace

const record::RecordType kWindowType{"window", "a key in a window: what its packets add up to", kWindowKeys};
const record::RecordType kWindowTotalType{
    "window_total",
    "a window: all of it, and what belongs to no key; without ts: what came after the last window",
    kWindowTotalKeys};
const record::RecordType kWindowsType{"windows", "--whole: a window with all its keys", kWindowsKeys};

const std::array<const record::RecordType*, 6> kTypes{&kWindowType,        &kWindowTotalType,
                                                      &kWindowsType,       &record::kMetaType,
                                                      &record::kStatsType, &record::kEndType};

}  // namespace wl::netwindow
