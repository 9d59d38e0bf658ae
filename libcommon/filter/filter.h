#pragma once
// Display filters: Wireshark's language, the part that people use.
//
//   ip.addr == 10.0.0.0/8 and (tcp.port in {80, 443, 8000..8080} or dns.qry.name contains "example") and not
//   vlan
//
// What a test means is what it means in Wireshark 4: `==` and the comparisons are true when one value of the
// field fits (ip.addr has two), `!=` when all differ and there is one, `===` when all are equal, `!==` when
// one differs; `any` and `all` before a field say it otherwise. A field alone is true where it is in the
// packet, a protocol where it is one of its layers. `and` binds closer than `or`. `matches` is a regular
// expression of PCRE2 that does not look at case.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/filter/expression.h"
#include "libcommon/filter/fields.h"
#include "libcommon/packet/local_addresses.h"

namespace wl::filter {

enum class Op : uint8_t {
  land,    ///< left and right
  lor,     ///< left or right
  lnot,    ///< not left
  exists,  ///< the field, or protocol, is there
  equal,   ///< … to one value of `values`, or to `other`
  less,
  less_equal,
  greater,
  greater_equal,
  in,        ///< one of `values`
  contains,  ///< the text of values[0]
  matches,   ///< the expression
  bits,      ///< the number has one of the bits of values[0]
};

/// From one value to another, both included; one value is from itself to itself.
struct Range {
  Value first{}, last{};
  packet::Network network{};  ///< of addresses instead
  std::string bytes{};        ///< what first.text points to
};

struct Node {
  Op op{};
  uint32_t left = 0, right = 0;  ///< of and, or, not: their nodes
  const FilterField* field = nullptr;
  const FilterField* other = nullptr;  ///< compared with this field, not with values
  bool all = false;                    ///< every value of the field has to fit, and there must be one
  bool differ = false;                 ///< what fits is what the test denies
  std::vector<Range> values{};
  std::optional<Expression> expression{};  ///< of matches; values[0] has its text
};

/// Not for two threads at once.
class Filter {
 public:
  /// An error names the column, from 1: `column 12: "and" was not expected`.
  [[nodiscard]] static base::Result<Filter> parse(std::string_view text);

  /// What of a packet must be decoded for matches().
  [[nodiscard]] record::FieldSet fields() const;
  [[nodiscard]] bool matches(const record::Packet& packet) const;

  /// The tree: the last node is its root; none: everything matches.
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }

 private:
  std::vector<Node> nodes_;
};

}  // namespace wl::filter
