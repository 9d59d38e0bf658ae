#pragma once
// JSON with // and /* */ comments, every value knowing its line.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace wl::wsbridge {

struct Member;

struct Value {
  enum class Kind : uint8_t { null, boolean, number, text, array, object };
  Kind kind = Kind::null;
  size_t line = 0;
  std::string text{};           ///< of a text its bytes (UTF-8); of a number or boolean as JSON
  std::vector<Member> members;  ///< of an array without names

  [[nodiscard]] const Value* find(std::string_view name) const;
};

struct Member {
  std::string name{};
  size_t line = 0;
  Value value{};
};

inline constexpr size_t kMaxDocument = size_t{4} << 20;
inline constexpr size_t kMaxDepth = 64;

/// A document that cannot be read: where, and why.
struct Unreadable {
  size_t line = 0;
  std::string text{};
};
/// Reads a whole document of at most kMaxDocument bytes, nested at most kMaxDepth deep; a name twice in an
/// object is an error.
[[nodiscard]] std::expected<Value, Unreadable> parse_document(std::string_view text);

/// As compact JSON.
[[nodiscard]] std::string to_json(const Value& value);
/// `text` as a JSON string.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace wl::wsbridge
