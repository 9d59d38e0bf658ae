#include <algorithm>
#include <array>
#include <utility>

#include "libcommon/filter/filter.h"
#include "libcommon/filter/lexer.h"
#include "libcommon/filter/literal.h"

namespace wl::filter {
namespace {

using base::Result;
using Kind = Token::Kind;

constexpr size_t kDeepest = 200;      // parentheses and nots
constexpr size_t kLongest = 1 << 16;  // bytes of a filter

struct Relation {
  std::string_view sign;
  std::array<std::string_view, 2> words;
  Op op;
  bool all = false;     // without "any" or "all" before the field
  bool differ = false;  // it denies what `op` says
};

constexpr std::array<Relation, 8> kRelations{{{"==", {"eq", "any_eq"}, Op::equal},
                                              {"!=", {"ne", "all_ne"}, Op::equal, true, true},
                                              {"===", {"all_eq"}, Op::equal, true},
                                              {"!==", {"any_ne"}, Op::equal, false, true},
                                              {"<", {"lt"}, Op::less},
                                              {"<=", {"le"}, Op::less_equal},
                                              {">", {"gt"}, Op::greater},
                                              {">=", {"ge"}, Op::greater_equal}}};

bool is_address(Type type) { return type == Type::ipv4 || type == Type::ipv6 || type == Type::ip; }
bool is_number(Type type) { return type == Type::number || type == Type::boolean; }

bool comparable(const FilterField& a, const FilterField& b) {
  if (is_address(a.type) && is_address(b.type))
    return a.type == b.type || a.type == Type::ip || b.type == Type::ip;
  return a.type == b.type || (is_number(a.type) && is_number(b.type));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<std::vector<Node>> parse() {
    if (auto moved = advance(); !moved) return std::unexpected(moved.error());
    if (now_.kind == Kind::end) return std::move(nodes_);
    if (const auto root = either(0); !root) return std::unexpected(root.error());
    if (now_.kind != Kind::end) return unexpected();
    return std::move(nodes_);
  }

 private:
  using Index = uint32_t;

  Result<void> advance() {
    auto token = lexer_.next();
    if (!token) return std::unexpected(token.error());
    now_ = std::move(*token);
    return {};
  }
  std::unexpected<base::Error> unexpected() const {
    return now_.kind == Kind::end ? fail_at(now_.column, "the filter ends too early")
                                  : fail_at(now_.column, "\"" + now_.text + "\" was not expected");
  }
  [[nodiscard]] bool at(Kind kind, std::string_view text) const {
    return now_.kind == kind && now_.text == text;
  }
  [[nodiscard]] bool at_mark(std::string_view mark) const { return at(Kind::mark, mark); }
  [[nodiscard]] bool at_word(std::string_view word) const { return at(Kind::word, word); }
  Index add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<Index>(nodes_.size() - 1);
  }

  Result<Index> chain(size_t depth, Op op, std::string_view mark, std::string_view word) {
    auto left = op == Op::lor ? both(depth) : unary(depth);
    while (left && (at_mark(mark) || at_word(word))) {
      if (auto moved = advance(); !moved) return std::unexpected(moved.error());
      const auto right = op == Op::lor ? both(depth) : unary(depth);
      if (!right) return right;
      left = add({.op = op, .left = *left, .right = *right});
    }
    return left;
  }
  Result<Index> either(size_t depth) { return chain(depth, Op::lor, "||", "or"); }
  Result<Index> both(size_t depth) { return chain(depth, Op::land, "&&", "and"); }

  Result<Index> unary(size_t depth) {
    if (depth == kDeepest) return fail_at(now_.column, "nested too deep");
    if (at_mark("!") || at_word("not")) {
      if (auto moved = advance(); !moved) return std::unexpected(moved.error());
      const auto inner = unary(depth + 1);
      if (!inner) return inner;
      return add({.op = Op::lnot, .left = *inner});
    }
    if (!at_mark("(")) return test();
    if (auto moved = advance(); !moved) return std::unexpected(moved.error());
    auto inner = either(depth + 1);
    if (!inner) return inner;
    if (!at_mark(")")) return unexpected();
    if (auto moved = advance(); !moved) return std::unexpected(moved.error());
    return inner;
  }

  Result<const FilterField*> field() {
    if (now_.kind != Kind::word) return unexpected();
    const FilterField* const found = find_field(now_.text);
    if (found == nullptr) {
      const std::string_view near = nearest_field(now_.text);
      return fail_at(now_.column, "\"" + now_.text + "\" is no field or protocol that filters know" +
                                      (near.empty() ? "" : ", did you mean " + std::string(near) + "?"));
    }
    if (auto moved = advance(); !moved) return std::unexpected(moved.error());
    if (at_mark("[")) return fail_at(now_.column, "slices are not taken here");
    return found;
  }

  Result<Index> test() {
    Node node{.op = Op::exists};
    const bool any = at_word("any"), all = at_word("all");
    const size_t column = now_.column;
    if (any || all) {
      if (auto moved = advance(); !moved) return std::unexpected(moved.error());
    }
    const auto named = field();
    if (!named) return std::unexpected(named.error());
    node.field = *named;
    auto done = relation(node);
    if (!done) return std::unexpected(done.error());
    if ((any || all) && node.op == Op::exists)
      return fail_at(column, "any and all stand before a comparison");
    if (any || all) node.all = all;
    const Index index = add(std::move(node));
    return std::exchange(denied_, false) ? add({.op = Op::lnot, .left = index}) : index;
  }

  /// What stands behind the field, if anything.
  Result<void> relation(Node& node) {
    const auto found = std::ranges::find_if(kRelations, [&](const Relation& row) {
      return at_mark(row.sign) || at_word(row.words[0]) || at_word(row.words[1]) ||
             (row.sign == "!==" && at_mark("~="));
    });
    const Token sign = now_;
    const bool negated = at_word("not");
    if (found == kRelations.end() && !negated && !at_word("in") && !at_word("contains") &&
        !at_word("matches") && !at_mark("~") && !at_mark("&") && !at_word("bitwise_and")) {
      return {};
    }
    if (node.field->type == Type::protocol)
      return fail_at(now_.column, std::string(node.field->name) + " is a protocol: it stands alone");
    if (auto moved = advance(); !moved) return moved;
    if (found != kRelations.end()) {
      node.op = found->op;
      node.all = found->all;
      node.differ = found->differ;
      return compared(node);
    }
    if (negated && !at_word("in")) return unexpected();
    if (negated) {
      if (auto moved = advance(); !moved) return moved;
      denied_ = true;
    }
    if (negated || sign.text == "in") return set(node);
    if (sign.text == "contains") return text_test(node, Op::contains, sign.column);
    if (sign.text == "&" || sign.text == "bitwise_and") return bits(node, sign.column);
    return text_test(node, Op::matches, sign.column);
  }

  Result<void> compared(Node& node) {
    const FilterField* const other = now_.kind == Kind::word ? find_field(now_.text) : nullptr;
    if (other != nullptr && node.field->type != Type::text) {
      if (!comparable(*node.field, *other) || other->type == Type::protocol)
        return fail_at(now_.column, std::string(other->name) + " cannot be compared with " +
                                        std::string(node.field->name));
      node.other = other;
      return advance();
    }
    return value(node);
  }

  Result<void> value(Node& node) {
    auto range = read_value(*node.field, now_);
    if (!range) return std::unexpected(range.error());
    node.values.push_back(std::move(*range));
    return advance();
  }

  /// {80, 443, 8000..8080}
  Result<void> set(Node& node) {
    node.op = Op::in;
    if (!at_mark("{")) return unexpected();
    do {
      if (auto moved = advance(); !moved) return moved;
      if (auto taken = value(node); !taken) return taken;
      if (!at_mark("..")) continue;
      if (auto moved = advance(); !moved) return moved;
      auto last = read_value(*node.field, now_);
      if (!last) return std::unexpected(last.error());
      if (node.field->type == Type::text || node.field->type == Type::mac)
        return fail_at(now_.column, "a range of " + std::string(node.field->name) + " is not taken here");
      node.values.back().last = last->first;
      node.values.back().network = {};
      if (auto moved = advance(); !moved) return moved;
    } while (at_mark(","));
    if (!at_mark("}")) return unexpected();
    return advance();
  }

  Result<void> text_test(Node& node, Op op, size_t column) {
    if (node.field->type != Type::text)
      return fail_at(column,
                     std::string(node.field->name) + " is no text, which contains and matches are for");
    node.op = op;
    const Token expression = now_;
    if (op == Op::matches && expression.kind == Kind::word)
      return fail_at(expression.column, "an expression stands between quotes: \"" + expression.text + "\"");
    if (auto taken = value(node); !taken || op == Op::contains) return taken;
    auto compiled = Expression::compile(expression.text);
    if (!compiled) return fail_at(expression.column, "\"" + expression.text + "\": " + compiled.error().text);
    node.expression = std::move(*compiled);
    return {};
  }

  Result<void> bits(Node& node, size_t column) {
    if (!is_number(node.field->type)) return fail_at(column, std::string(node.field->name) + " has no bits");
    node.op = Op::bits;
    return value(node);
  }

  Lexer lexer_;
  Token now_{};
  std::vector<Node> nodes_{};
  bool denied_ = false;  // "not in": true also where the field is not there
};

}  // namespace

Result<Filter> Filter::parse(std::string_view text) {
  if (text.size() > kLongest) return fail_at(kLongest, "the filter is too long");
  auto nodes = Parser(text).parse();
  if (!nodes) return std::unexpected(nodes.error());
  Filter filter;
  filter.nodes_ = std::move(*nodes);
  for (Node& node : filter.nodes_) {
    for (Range& range : node.values) range.first.text = range.bytes;
  }
  return filter;
}

record::FieldSet Filter::fields() const {
  record::FieldSet all;
  for (const Node& node : nodes_) {
    if (node.field != nullptr) all = all | needs(*node.field);
    if (node.other != nullptr) all = all | needs(*node.other);
  }
  return all;
}

}  // namespace wl::filter
