#pragma once
// What a record type looks like: the description from which --schema, the manual and the tests are made.
// Every tool declares the types that it writes as constant tables of these.
#include <cstdint>
#include <span>
#include <string_view>

namespace wl::record {

/// The JSON shapes a key may have. One key has one kind in all records of all tools.
enum class Kind : uint8_t {
  u8,
  u16,
  u32,
  u64,     ///< whole numbers; a u64 stays below 2^53
  number,  ///< with a fraction
  boolean,
  text,       ///< UTF-8 text
  ip,         ///< an IPv4 or IPv6 address (RFC 5952) as text
  mac,        ///< "00:11:22:33:44:55"
  tcp_flags,  ///< letters in the order FSRPAUEC
  time,       ///< RFC 3339, or as --time says
  base64,
  text_list,    ///< array of text
  object_list,  ///< array of flat objects: KeyInfo::items
};

struct KeyInfo {
  std::string_view key;
  Kind kind;
  std::string_view unit;             ///< "bytes", "s"; empty where there is none
  std::string_view text;             ///< one line for people
  bool always = false;               ///< present in every record of the type
  std::span<const KeyInfo> items{};  ///< keys of the objects of an object_list
};

/// `"type":name` comes first in each record, and is not among `keys`. `ts`, where the type has it, is.
struct RecordType {
  std::string_view name;
  std::string_view text;  ///< one line: what one record stands for
  std::span<const KeyInfo> keys;
  bool open = false;  ///< records may have keys beside these
};

}  // namespace wl::record
