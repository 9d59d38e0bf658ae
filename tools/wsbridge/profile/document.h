#pragma once
// JSON as people write it: with // and /* */ comments and trailing commas, every value knowing its line.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"

namespace wl::wsbridge {

struct Member;

struct Value {
  enum class Kind : uint8_t { null, boolean, number, text, array, object };
  Kind kind = Kind::null;
  size_t line = 0;
  std::string text{};             ///< of a text its bytes (UTF-8); of a number or boolean as written
  std::vector<Member> members{};  ///< of an array without names

  [[nodiscard]] const Value* find(std::string_view name) const;
};

struct Member {
  std::string name{};
  size_t line = 0;
  Value value{};
};

/// Reads a whole document of at most kMaxDocument bytes, nested at most kMaxDepth deep; a name twice in an
/// object is an error. Errors are "FILE:12: expected ':'".
[[nodiscard]] base::Result<Value> parse_document(std::string_view text, const std::string& file);
inline constexpr size_t kMaxDocument = size_t{4} << 20;
inline constexpr int kMaxDepth = 64;

/// As compact JSON.
[[nodiscard]] std::string to_json(const Value& value);
/// `text` (UTF-8) as a JSON string.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace wl::wsbridge
