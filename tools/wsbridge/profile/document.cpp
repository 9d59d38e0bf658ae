#include "tools/wsbridge/profile/document.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

namespace wl::wsbridge {

namespace {

/// What the lexer has read so far. It reads one character ahead behind a number only, which may be a '\n'.
struct Position {
  size_t newlines = 0;
  char last = 0;
  [[nodiscard]] size_t line() const { return 1 + newlines - (last == '\n' ? 1 : 0); }
};

/// Iterates over characters and notes the position in `position`.
struct Counting {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  Position* position;
  reference operator*() const { return *at; }
  Counting& operator++() {
    position->last = *at;
    if (*at++ == '\n') ++position->newlines;
    return *this;
  }
  bool operator==(const Counting& other) const { return at == other.at; }
};

/// Builds the tree from nlohmann's events.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const Position& position) : position_(position) {}
  Value root{};
  Unreadable error{};

  bool null() override { return add(Value::Kind::null, "null"); }
  bool boolean(bool value) override { return add(Value::Kind::boolean, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return add(Value::Kind::number, std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(Value::Kind::number, std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override { return add(Value::Kind::number, text); }
  bool string(string_t& text) override { return add(Value::Kind::text, std::move(text)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Value::Kind::object); }
  bool start_array(size_t) override { return open(Value::Kind::array); }
  bool key(string_t& name) override {
    name_ = {std::move(name), position_.line(), {}};
    return true;
  }
  bool end_array() override { return open_.pop_back(), true; }
  bool end_object() override {
    std::vector<const Member*> sorted;
    for (const Member& member : open_.back()->members) sorted.push_back(&member);
    const auto name = [](const Member* member) -> const std::string& { return member->name; };
    std::ranges::stable_sort(sorted, {}, name);
    open_.pop_back();
    const auto twice = std::ranges::adjacent_find(sorted, {}, name);
    if (twice == sorted.end()) return true;
    error = {twice[1]->line, in_quotes(twice[1]->name) + " stands in this object twice"};
    return false;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& exception) override {
    std::string_view text =
        exception.what();  // "[…] parse error at line 3, column 4: syntax error while … - reason"
    for (const std::string_view before : {": ", " - "}) {
      if (const size_t at = text.find(before); at != std::string_view::npos)
        text.remove_prefix(at + before.size());
    }
    error = {position_.line(), std::string(text)};
    return false;
  }

 private:
  bool add(Value::Kind kind, std::string text) {
    Value value{kind, position_.line(), std::move(text), {}};
    if (open_.empty()) return root = std::move(value), true;
    name_.value = std::move(value);
    if (open_.back()->kind == Value::Kind::array) name_.line = position_.line();
    open_.back()->members.push_back(std::exchange(name_, {}));
    return true;
  }
  bool open(Value::Kind kind) {
    if (open_.size() == kMaxDepth) return error = {position_.line(), "nested too deeply"}, false;
    add(kind, "");
    open_.push_back(open_.empty() ? &root : &open_.back()->members.back().value);
    return true;
  }

  const Position& position_;
  Member name_{};  // of the member that comes next
  std::vector<Value*> open_{};
};

}  // namespace

const Value* Value::find(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &Member::name);
  return found == members.end() ? nullptr : &found->value;
}

std::expected<Value, Unreadable> parse_document(std::string_view text) {
  if (text.size() > kMaxDocument) return std::unexpected(Unreadable{1, "larger than 4 MB"});
  Position position;
  Builder builder(position);
  const Counting begin{text.data(), &position};
  const Counting end{text.data() + text.size(), &position};
  if (!nlohmann::json::sax_parse(begin, end, &builder, nlohmann::json::input_format_t::json, true, true)) {
    return std::unexpected(std::move(builder.error));
  }
  return std::move(builder.root);
}

std::string in_quotes(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_json(const Value& value) {
  const bool object = value.kind == Value::Kind::object;
  if (value.kind == Value::Kind::text) return in_quotes(value.text);
  if (!object && value.kind != Value::Kind::array) return value.text;
  std::string out(1, object ? '{' : '[');
  for (const Member& member : value.members) {
    if (out.size() > 1) out += ',';
    out += (object ? in_quotes(member.name) + ":" : "") + to_json(member.value);
  }
  return out + (object ? '}' : ']');
}

}  // namespace wl::wsbridge
