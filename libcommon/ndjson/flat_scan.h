#pragma once
// The quick way through a line of JSON that looks like the lines before it.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/ndjson/fields.h"

namespace wl::ndjson {

/// Reads flat objects of plain values and arrays of such: no white space, no object inside, no backslash,
/// ASCII only; what tools write, netsniff among them. A stream's lines have the same keys in nearly the same
/// order, so each key remembers the two that followed it last, and is compared instead of parsed. Whatever
/// else stands in a line makes read() give up, and Fields parses it in full: a line that is accepted here is
/// one that the full parser accepts with the same values.
class FlatScan {
 public:
  explicit FlatScan(std::span<const std::string> keys);
  FlatScan(const FlatScan&) = delete;
  FlatScan& operator=(const FlatScan&) = delete;

  /// Sets the wanted values of `json`, behind which kPadding bytes can be read. False: not such an object;
  /// `values` may have been written to.
  [[nodiscard]] bool read(std::string_view json, std::vector<Value>& values);

 private:
  // More keys than a record has; a stream with more (keys that are data) is not what this is for.
  static constexpr size_t kMaxKeys = 256;
  static constexpr size_t kMaxKeySize = 32;
  static constexpr int16_t kUnwanted = -1;

  /// `"key":` as it stands in the line.
  struct Key {
    std::array<uint64_t, 2> word{};  // its first 16 bytes
    std::array<uint64_t, 2> mask{};  // those of them that count
    std::array<char, kMaxKeySize> text{};
    uint8_t size = 0;
    int16_t field = kUnwanted;
    std::array<Key*, 4> followers{};  // newest first; the beginning of the line: none yet
  };

  [[nodiscard]] static bool stands_at(const Key& key, const char* at);
  /// The key at `at`, which followed key `before`; the beginning of the line: none that we can take.
  [[nodiscard]] Key* key_at(Key* before, const char* at, const char* end);
  [[nodiscard]] Key* learn(std::string_view text);

  std::vector<std::string> wanted_;
  std::vector<Key> keys_;  // [0]: the beginning of the line; never moved
};

}  // namespace wl::ndjson
