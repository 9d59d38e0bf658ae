#pragma once
// Picks wanted fields out of JSON objects, one object a line. simdjson stays behind this interface.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/ndjson/reader.h"

namespace wl::ndjson {

class FlatScan;

enum class ValueKind : uint8_t { absent, null, boolean, number, text, object, array };

/// A field of the object that was read last. `text` is what the JSON text stands for (unescaped); of every
/// other kind it is the JSON as it stands. Lives until the next read, and no longer than the line.
struct Value {
  ValueKind kind = ValueKind::absent;
  bool has_whole = false;  ///< `whole` is the number that `text` says; false tells nothing of `text`
  std::string_view text{};
  uint64_t whole = 0;

  /// Neither absent nor null.
  [[nodiscard]] bool present() const { return kind > ValueKind::null; }
};

/// A path is a key, or keys of nested objects with dots between them: "flow.bytes_toserver" finds
/// {"flow":{"bytes_toserver":1}} and {"flow.bytes_toserver":1}. Of a key that stands twice, the last counts.
class Fields {
 public:
  explicit Fields(std::span<const std::string> paths);
  ~Fields();
  Fields(Fields&&) noexcept;
  Fields& operator=(Fields&&) noexcept;

  /// Takes the wanted fields out of `json`, behind which kPadding bytes can be read. False: it is not one
  /// JSON object and nothing else; the values are then not to be used.
  [[nodiscard]] bool read(std::string_view json);

  /// Reads each object of `array` (the text of a Value of another Fields) and calls `each` behind it. False:
  /// not an array of objects, or `each` said false, which stops.
  [[nodiscard]] bool read_each(std::string_view array, const std::function<bool()>& each);

  [[nodiscard]] const Value& operator[](size_t path) const { return values_[path]; }

  /// The keys of a JSON object, or of the first object of an array, in their order; empty when there is none.
  [[nodiscard]] static std::vector<std::string> keys(std::string_view json);

 private:
  class Parser;

  std::vector<Value> values_;
  std::unique_ptr<FlatScan> flat_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace wl::ndjson
