#pragma once
// Rows of an answer as records.
#include <string>
#include <vector>

#include "libcommon/record/type.h"
#include "libcommon/store/reader.h"
#include "tools/pcapquery/object.h"

namespace wl::pcapquery {

/// Writes rows as objects: a column under its own name, in the way that the key of that name has in `keys`
/// (a column that is no key is a fault of ours, and throws). What is null is left out. A column `file_id` is
/// the id of a capture in the store, and becomes `at_file` for others.
class RowObjects {
 public:
  /// `type`: empty for objects inside of records. All arguments must outlive the object.
  RowObjects(std::string_view type, std::span<const record::KeyInfo> keys, const Style& style,
             const store::Reader& reader, const store::Rows& rows);
  /// Of the row at which `rows` is.
  [[nodiscard]] std::string next() const;

 private:
  void put(Object& object, size_t column) const;
  std::string_view type_;
  const Style& style_;
  const store::Reader& reader_;
  const store::Rows& rows_;
  std::vector<const record::KeyInfo*> columns_;
};

}  // namespace wl::pcapquery
