#include "libcommon/filter/sql.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libcommon/base/utf8.h"

namespace wl::filter {
namespace {

using record::Field;
using record::Form;

bool is_address(Type type) { return type == Type::ipv4 || type == Type::ipv6 || type == Type::ip; }
bool is_time(Type type) { return type == Type::time || type == Type::epoch; }

std::string_view sign_of(Op op) {
  switch (op) {
    case Op::less: return " < ";
    case Op::less_equal: return " <= ";
    case Op::greater: return " > ";
    case Op::greater_equal: return " >= ";
    default: return " = ";
  }
}

std::string bytes_of(const record::Ip& ip) {
  const auto wire = ip.wire();
  return {wire.begin(), wire.end()};
}

uint64_t mac_number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

/// The expression of exactly these bytes. (?-i): case counts.
std::string literal_expression(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string expression = "(?-i)";
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    expression += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  return expression;
}

/// First and last address of a network.
std::array<std::string, 2> ends_of(const packet::Network& network) {
  std::array<std::string, 2> ends{bytes_of(network.address), bytes_of(network.address)};
  for (size_t i = 0; i < ends[0].size(); ++i) {
    const size_t kept = std::clamp<size_t>(network.prefix, i * 8, i * 8 + 8) - i * 8;  // bits of this byte
    const auto rest = static_cast<uint8_t>(0xFFU >> kept);
    ends[0][i] = static_cast<char>(static_cast<uint8_t>(ends[0][i]) & ~rest);
    ends[1][i] = static_cast<char>(static_cast<uint8_t>(ends[1][i]) | rest);
  }
  return ends;
}

std::string letters_of_flags(const std::string& flags) {
  std::string text = "case when " + flags + " is not null then ''";
  for (size_t bit = 0; bit < kTcpFlags.size(); ++bit)
    text += " || case when (" + flags + " & " + std::to_string(1U << bit) + ") <> 0 then '" + kTcpFlags[bit] +
            "' else '' end";
  return text + " end";
}

/// Source and destination of the same: a test for which it does not matter which is which may take either.
bool are_ends(const FilterField& a, const FilterField& b) {
  if (a.sources != 1 || b.sources != 1) return false;
  std::string_view one = record::info(a.of[0]).key, other = record::info(b.of[0]).key;
  if (one.find("dst_") != std::string_view::npos) std::swap(one, other);
  const size_t at = one.find("src_");
  return at != std::string_view::npos && one.size() == other.size() &&
         one.substr(0, at) == other.substr(0, at) && other.substr(at, 4) == "dst_" &&
         one.substr(at + 4) == other.substr(at + 4);
}

/// Writes conditions one behind the other, so that a `?` stands where its value does. What tests one value is
/// NULL where the value is, and never else.
class SqlWriter {
 public:
  SqlWriter(const std::vector<Node>& nodes, const SqlColumns& columns) : nodes_(nodes), columns_(columns) {}

  /// `around`: a chain of the same operator needs no parentheses, and DuckDB takes only so many.
  void node(uint32_t index, Op around) {
    const Node& node = nodes_[index];
    switch (node.op) {
      case Op::land:
      case Op::lor: {
        const bool inside = node.op != around;
        if (inside) put("(");
        this->node(node.left, node.op);
        put(node.op == Op::land ? " and " : " or ");
        this->node(node.right, node.op);
        if (inside) put(")");
        return;
      }
      case Op::lnot:
        put("(not ");
        this->node(node.left, Op::lnot);
        return put(")");
      default: return test(node);
    }
  }
  Sql take() { return std::move(sql_); }

 private:
  void put(std::string_view text) { sql_.condition += text; }
  void bind(SqlValue value) {
    put("?");
    sql_.values.push_back(std::move(value));
  }

  void test(const Node& node) {
    const FilterField& field = *node.field;
    const auto there = [&](const std::string& value) { put(value + " is not null"); };
    if (node.op == Op::exists) {
      if (field.type == Type::protocol) return layer(field.layer);
      return any(field, there);
    }
    if (!node.all) return any_fits(node, node.differ);
    // All fit: there is one, and none that does not.
    put("(");
    if (node.other != nullptr) {
      any(field, [&](const std::string&) { any(*node.other, there, field.layer); });
    } else {
      any(field, there);
    }
    put(" and not ");
    any_fits(node, !node.differ);
    put(")");
  }

  void any_fits(const Node& node, bool denied) {
    either_ = node.other != nullptr && node.op == Op::equal && are_ends(*node.field, *node.other);
    any(*node.field, [&](const std::string& value) {
      if (node.other == nullptr) return denied_or_not(denied, [&] { fits(node, value); });
      const auto compare = [&](const std::string& other) {
        denied_or_not(denied, [&] { related(node, value, other); });
      };
      any(*node.other, compare, node.field->layer);
    });
    either_ = false;
  }

  template <class Test>
  void denied_or_not(bool denied, const Test& write_test) {
    if (denied) put("not (");
    write_test();
    if (denied) put(")");
  }

  void layer(const Layers& layers) { put(has_layer(layers)); }

  [[nodiscard]] std::string has_layer(const Layers& layers) const {
    std::string condition;
    for (const std::string_view name : layers.names) {
      if (name.empty()) continue;
      condition += std::string(condition.empty() ? "" : " or ") + "coalesce(contains(':' || " +
                   columns_.of(Field::layers) + " || ':', ':" + std::string(name) + ":'), false)";
    }
    return condition.empty() ? "true" : "(" + condition + ")";
  }

  /// That one of the field's values passes what `write_test(expression)` writes. `known`: a layer that was
  /// asked for before.
  template <class Test>
  void any(const FilterField& field, const Test& write_test, const Layers& known = {}) {
    const auto passes = [&](const std::string& value) {
      put("coalesce(");
      write_test(value);
      put(", false)");
    };
    if (is_time(field.type)) return passes(columns_.time);
    put("((");
    if (field.layer != known) {
      layer(field.layer);
      put(") and (");
    }
    for (size_t i = 0; i < field.sources; ++i) {
      if (i != 0) put(" or ");
      const Field source = field.of[i];
      const std::string column =
          field.sources == 2 || either_ ? columns_.either(source) : columns_.of(source);
      if (record::info(source).form == Form::text_list) {
        any_listed(field, column, passes);
      } else {
        const std::string value = value_of(field, source, column);
        const Layers& other = field.unless.at(i);
        passes(other.empty() ? value : "case when not (" + has_layer(other) + ") then " + value + " end");
      }
    }
    put("))");
  }

  template <class Test>
  void any_listed(const FilterField& field, const std::string& list, const Test& passes) {
    const std::string name = "value" + std::to_string(++names_);
    put("coalesce(len(list_filter(");
    put(field.type == Type::text ? list
                                 : "list_transform(" + list + ", lambda text: address_of(text, " +
                                       (field.type == Type::ipv4 ? "4" : "6") + "))");
    put(", lambda " + name + ": ");
    passes(name);
    put(")) > 0, false)");
  }

  /// What value_of() of fields.h makes of a packet's member.
  static std::string value_of(const FilterField& field, Field source, const std::string& column) {
    const Form form = record::info(source).form;
    if (field.mask != 0) return "((" + column + " & " + std::to_string(field.mask) + ") <> 0)::UTINYINT";
    if (form == Form::tcp_flags && field.type == Type::text) return letters_of_flags(column);
    if (form == Form::boolean) return column + "::UTINYINT";
    if (field.type == Type::boolean) return "case when " + column + " is not null then 1::UTINYINT end";
    if (field.type == Type::ipv4) return "case when octet_length(" + column + ") = 4 then " + column + " end";
    if (field.type == Type::ipv6)
      return "case when octet_length(" + column + ") = 16 then " + column + " end";
    if (field.type == Type::number && form == Form::token)
      return (source == Field::dns_qtype ? "dns_type_number(" : "dns_rcode_number(") + column + ")";
    if (field.plus != 0) return "(" + column + "::UBIGINT + " + std::to_string(field.plus) + ")";
    return column;
  }

  /// Two values of fields.
  void related(const Node& node, const std::string& value, const std::string& other) {
    if (node.op == Op::equal || !is_address(node.field->type))
      return put(value + std::string(sign_of(node.op)) + other);
    order_addresses(node.op, value, "octet_length(" + other + ")", [&] { put(other); });
  }

  /// Shorter addresses are the smaller ones.
  template <class Other>
  void order_addresses(Op op, const std::string& value, const std::string& other_size,
                       const Other& write_other) {
    const bool less = op == Op::less || op == Op::less_equal;
    put("(octet_length(" + value + ")" + (less ? " < " : " > ") + other_size);
    put(" or (octet_length(" + value + ") = " + other_size + " and " + value + std::string(sign_of(op)));
    write_other();
    put("))");
  }

  /// A value of a field with those of the filter.
  void fits(const Node& node, const std::string& value) {
    const Type type = node.field->type;
    const Range& first = node.values[0];
    switch (node.op) {
      case Op::contains: return contains(value, first.bytes);
      case Op::matches:
        put("text_matches(" + value + ", ");
        bind(SqlBytes{first.bytes});
        return put(")");
      case Op::bits:
        put("(" + value + "::UBIGINT & ");
        bind(first.first.number);
        return put("::UBIGINT) <> 0");
      case Op::less:
      case Op::less_equal:
      case Op::greater:
      case Op::greater_equal: return ordered(type, node.op, value, first.first, first.bytes);
      default: return one_of(node, value);
    }
  }

  void contains(const std::string& value, const std::string& bytes) {
    if (bytes.empty()) return put("case when " + value + " is not null then false end");
    if (base::is_utf8(bytes)) {
      put("contains(" + value + ", ");
      bind(bytes);
      return put("::VARCHAR)");
    }
    put("text_matches(" + value + ", ");
    bind(SqlBytes{literal_expression(bytes)});
    put(")");
  }

  void ordered(Type type, Op op, const std::string& value, const Value& limit, const std::string& bytes) {
    if (is_address(type)) {
      order_addresses(op, value, std::to_string(limit.ip.wire().size()),
                      [&] { bind(SqlBytes{bytes_of(limit.ip)}); });
      return;
    }
    const bool text = type == Type::text && !base::is_utf8(bytes);
    put((text ? "encode(" + value + ")" : value) + std::string(sign_of(op)));
    bind_value(type, limit, bytes);
  }

  void bind_value(Type type, const Value& value, const std::string& bytes) {
    if (is_time(type)) {
      put("make_timestamp_ns(");
      bind(static_cast<int64_t>(value.number));
      return put(")");
    }
    if (is_address(type)) return bind(SqlBytes{bytes_of(value.ip)});
    if (type == Type::mac) return bind(mac_number(bytes));
    if (type == Type::text) return base::is_utf8(bytes) ? bind(bytes) : bind(SqlBytes{bytes});
    bind(value.number);
  }

  void one_of(const Node& node, const std::string& value) {
    bool more = false;
    put("(");
    for (const Range& range : node.values) {
      if (std::exchange(more, true)) put(" or ");
      in_range(node.field->type, value, range);
    }
    put(")");
  }

  void in_range(Type type, const std::string& value, const Range& range) {
    const bool network = range.network.address.version != 0;
    const bool single =
        network ? range.network.prefix == range.network.address.wire().size() * 8 : is_single(type, range);
    if (network && !single) {
      const auto [first, last] = ends_of(range.network);
      put("(octet_length(" + value + ") = " + std::to_string(first.size()) + " and " + value + " between ");
      bind(SqlBytes{first});
      put(" and ");
      bind(SqlBytes{last});
      return put(")");
    }
    if (single) return ordered_equal(type, value, range);
    put("(");
    ordered(type, Op::greater_equal, value, range.first, range.bytes);
    put(" and ");
    ordered(type, Op::less_equal, value, range.last, range.bytes);
    put(")");
  }

  void ordered_equal(Type type, const std::string& value, const Range& range) {
    const bool bytes = type == Type::text && !base::is_utf8(range.bytes);
    put((bytes ? "encode(" + value + ")" : value) + " = ");
    bind_value(type, range.first, range.bytes);
  }

  static bool is_single(Type type, const Range& range) {
    if (type == Type::text || type == Type::mac) return true;
    return !is_address(type) && range.first.number == range.last.number;
  }

  const std::vector<Node>& nodes_;
  const SqlColumns& columns_;
  Sql sql_;
  size_t names_ = 0;
  bool either_ = false;  // of a pair of ends
};

}  // namespace

Sql sql(const Filter& filter, const SqlColumns& columns) {
  if (filter.nodes().empty()) return {"true"};
  SqlWriter writer(filter.nodes(), columns);
  writer.node(static_cast<uint32_t>(filter.nodes().size() - 1), Op::exists);
  return writer.take();
}

}  // namespace wl::filter
