#pragma once
// A filter as a condition in SQL, DuckDB's, that says of a row what Filter::matches() says of the packet.
//
// What it takes to be in the database beside DuckDB's own functions (store/functions.h has them):
//
//   text_matches(VARCHAR, BLOB) BOOLEAN      Expression::compile(second).fits(first)
//   dns_type_number(VARCHAR) USMALLINT       packet::dns_type_number(); NULL: no number
//   dns_rcode_number(VARCHAR) USMALLINT      packet::dns_rcode_number()
//   address_of(VARCHAR, UTINYINT) BLOB       the IPv4 (second: 4) or IPv6 (6) address that the text is, or
//   NULL
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "libcommon/filter/filter.h"

namespace wl::filter {

struct SqlBytes {
  std::string bytes;  ///< a BLOB
};
using SqlValue = std::variant<uint64_t, int64_t, std::string, SqlBytes>;

struct Sql {
  std::string condition;           ///< true or false, never NULL; "true" where the filter is empty
  std::vector<SqlValue> values{};  ///< of its `?`, in their order
};

/// Expressions for what packets have, NULL where they have it not. Addresses are BLOBs of 4 or 16 bytes, MAC
/// addresses a UBIGINT, tcp_flags their byte, lists VARCHAR[]; the others are numbers, BOOLEAN and VARCHAR.
struct SqlColumns {
  std::function<std::string(record::Field)> of;
  /// For tests that ask source and destination alike: may mean the one where the other is asked for, as long
  /// as both together are the same.
  std::function<std::string(record::Field)> either;
  std::string time;  ///< TIMESTAMP_NS
};

/// Nothing of the filter's text is in the condition itself.
[[nodiscard]] Sql sql(const Filter& filter, const SqlColumns& columns);

}  // namespace wl::filter
