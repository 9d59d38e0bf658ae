#include "libcommon/ndjson/fields.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "libcommon/ndjson/flat_scan.h"

namespace wl::ndjson {
namespace {

static_assert(kPadding >= simdjson::SIMDJSON_PADDING);

// Deep enough for any record, shallow enough for the stack: values are checked by recursion.
constexpr int kMaxDepth = 256;
constexpr int16_t kNone = -1;

/// The wanted keys of one object, found by their first eight bytes and their length.
class KeyTable {
 public:
  struct Wanted {
    std::string key;
    int16_t field = kNone;  // index of the value
    int16_t child = kNone;  // index of the table for the object behind this key
  };

  Wanted& add(std::string_view key) {
    const auto found = std::ranges::find(wanted_, key, &Wanted::key);
    return found != wanted_.end() ? *found : wanted_.emplace_back(Wanted{std::string(key)});
  }

  void build() {
    slots_.assign(std::bit_ceil(wanted_.size() * 4 + 1), Slot{});
    for (size_t i = 0; i < wanted_.size(); ++i) {
      std::array<char, 8> first{};
      std::copy_n(wanted_[i].key.begin(), std::min<size_t>(8, wanted_[i].key.size()), first.begin());
      const auto word = std::bit_cast<uint64_t>(first);
      size_t at = index(word, wanted_[i].key.size());
      while (slots_[at].wanted >= 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {word, wanted_[i].key.size(), static_cast<int>(i)};
    }
  }

  /// `key` has eight readable bytes from its start.
  [[nodiscard]] const Wanted* find(std::string_view key) const {
    uint64_t word = 0;
    std::memcpy(&word, key.data(), 8);
    if (key.size() < 8) word = mask(word, key.size());
    for (size_t at = index(word, key.size()); slots_[at].wanted >= 0; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.word != word || slot.size != key.size()) continue;
      const Wanted& wanted = wanted_[static_cast<size_t>(slot.wanted)];
      if (key.size() <= 8 || std::memcmp(key.data() + 8, wanted.key.data() + 8, key.size() - 8) == 0) {
        return &wanted;
      }
    }
    return nullptr;
  }

 private:
  struct Slot {
    uint64_t word = 0;
    size_t size = 0;
    int wanted = -1;
  };

  static uint64_t mask(uint64_t word, size_t size) {
    if constexpr (std::endian::native == std::endian::little) {
      return word & ((uint64_t{1} << (size * 8)) - 1);
    } else {
      return size == 0 ? 0 : word & ~(~uint64_t{0} >> (size * 8));
    }
  }
  [[nodiscard]] size_t index(uint64_t word, size_t size) const {
    return static_cast<size_t>(((word ^ size) * 0x9e3779b97f4a7c15) >> 32) & (slots_.size() - 1);
  }

  std::vector<Wanted> wanted_;
  std::vector<Slot> slots_;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
  return token;
}

size_t digits(std::string_view text, size_t at) {
  const size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at - begin;
}

/// The number grammar of RFC 8259, section 6.
bool is_number(std::string_view text) {
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t whole = digits(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = digits(text, ++at);
    if (fraction == 0) return false;
    at += fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = digits(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

/// A scalar that is no text; absent: not JSON.
ValueKind bare_kind(std::string_view token) {
  if (token == "null") return ValueKind::null;
  if (token == "true" || token == "false") return ValueKind::boolean;
  return is_number(token) ? ValueKind::number : ValueKind::absent;
}

}  // namespace

/// Walks over the tokens of one text. simdjson's first stage finds them, and checks the UTF-8, the control
/// characters and the ends of strings; the grammar is checked here. (Its on-demand interface checks only what
/// it is asked for, and costs twice as much when every field is looked at.)
class Fields::Parser {
 public:
  std::vector<KeyTable> tables;  // [0]: the top level

  void want(size_t table, std::string_view path, int16_t field) {
    tables[table].add(path).field = field;
    const size_t dot = path.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == path.size()) return;
    int16_t child = tables[table].add(path.substr(0, dot)).child;
    if (child == kNone) {
      child = static_cast<int16_t>(tables.size());
      tables[table].add(path.substr(0, dot)).child = child;
      tables.emplace_back();
    }
    want(static_cast<size_t>(child), path.substr(dot + 1), field);
  }

  /// Finds the tokens of `json`; false when it cannot be JSON.
  [[nodiscard]] bool start(std::string_view json) {
    if (!stage_ || json.size() > capacity_) {
      capacity_ = std::max(std::bit_ceil(json.size()), kFirstCapacity);
      const simdjson::implementation* const implementation = simdjson::get_active_implementation();
      if (implementation->create_dom_parser_implementation(capacity_, kMaxDepth, stage_) !=
          simdjson::SUCCESS) {
        throw std::bad_alloc();
      }
    }
    const auto* const bytes = reinterpret_cast<const uint8_t*>(json.data());
    if (stage_->stage1(bytes, json.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) return false;
    json_ = json.data();
    at_ = stage_->structural_indexes.get();
    end_ = at_ + stage_->n_structural_indexes;
    escapes_ = std::memchr(json.data(), '\\', json.size()) != nullptr;
    if (escapes_) unescaped_.resize(json.size() + 2 * kPadding);
    unescaped_size_ = 0;
    return true;
  }

  [[nodiscard]] char peek() const { return at_ < end_ ? json_[*at_] : '\0'; }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  void step() { ++at_; }

  /// Calls `on_value(name)` for each member with the value at hand, over which it has to walk.
  template <class OnValue>
  [[nodiscard]] bool members(const OnValue& on_value) {
    if (peek() != '{') return false;
    step();
    if (peek() == '}') {
      step();
      return true;
    }
    for (;;) {
      // key, colon, value, and a comma or brace: four tokens at least
      if (end_ - at_ < 4 || json_[at_[0]] != '"' || json_[at_[1]] != ':') return false;
      std::string_view name = text_before(at_[1]);
      if (escapes_ && !unescape(name)) return false;
      at_ += 2;
      if (!on_value(name)) return false;
      const char next = peek();
      step();
      if (next == '}') return true;
      if (next != ',') return false;
    }
  }

  /// Calls `on_element()` for each element.
  template <class OnElement>
  [[nodiscard]] bool elements(const OnElement& on_element) {
    if (peek() != '[') return false;
    step();
    if (peek() == ']') {
      step();
      return true;
    }
    for (;;) {
      if (at_end() || !on_element()) return false;
      const char next = peek();
      step();
      if (next == ']') return true;
      if (next != ',') return false;
    }
  }

  /// Walks over an object and takes what is wanted of it.
  [[nodiscard]] bool object(std::vector<Value>& values, size_t table, int depth) {
    return members([&](std::string_view name) {
      const KeyTable::Wanted* const wanted = tables[table].find(name);
      Value passed;
      if (wanted == nullptr) return value(passed, depth);
      if (wanted->child != kNone && peek() == '{' && depth < kMaxDepth) {
        return object(values, static_cast<size_t>(wanted->child), depth + 1);
      }
      return value(wanted->field == kNone ? passed : values[static_cast<size_t>(wanted->field)], depth);
    });
  }

  /// Walks over a value, and checks all of it.
  [[nodiscard]] bool value(Value& out, int depth) {
    const char first = json_[*at_];
    if (first == '"') {
      out.kind = ValueKind::text;
      out.text = text_before(at_[1]);
      step();
      return !escapes_ || unescape(out.text);
    }
    if (first == '{' || first == '[') return nested(out, first, depth);
    out.text = trimmed({json_ + *at_, at_[1] - *at_});
    out.kind = bare_kind(out.text);
    step();
    return out.kind != ValueKind::absent;
  }

 private:
  static constexpr size_t kFirstCapacity = size_t{16} << 10;

  [[nodiscard]] bool nested(Value& out, char first, int depth) {
    if (depth >= kMaxDepth) return false;
    const uint32_t begin = *at_;
    Value passed;
    out.kind = first == '{' ? ValueKind::object : ValueKind::array;
    const bool good = first == '{' ? members([&](std::string_view) { return value(passed, depth + 1); })
                                   : elements([&] { return value(passed, depth + 1); });
    if (good) out.text = {json_ + begin, at_[-1] + 1 - begin};
    return good;
  }

  /// The string that is the token at hand, without its quotes; the next token begins at `next`.
  [[nodiscard]] std::string_view text_before(uint32_t next) const {
    const char* const begin = json_ + *at_ + 1;
    const char* end = json_ + next - 1;
    while (*end != '"') --end;
    return {begin, static_cast<size_t>(end - begin)};
  }

  /// What is unescaped never grows, so all of a text fits behind each other.
  [[nodiscard]] bool unescape(std::string_view& text) {
    if (text.find('\\') == std::string_view::npos) return true;
    uint8_t* const begin = reinterpret_cast<uint8_t*>(unescaped_.data()) + unescaped_size_;
    const uint8_t* const end = stage_->parse_string(reinterpret_cast<const uint8_t*>(text.data()), begin);
    if (end == nullptr) return false;
    text = {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
    unescaped_size_ += text.size();
    return true;
  }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;
  size_t capacity_ = 0;
  const char* json_ = nullptr;
  const uint32_t* at_ = nullptr;   // token at hand: where it begins
  const uint32_t* end_ = nullptr;  // behind the last token; what stands there is the size of the text
  bool escapes_ = false;           // there is a backslash somewhere
  std::vector<char> unescaped_;
  size_t unescaped_size_ = 0;
};

Fields::Fields(std::span<const std::string> paths)
    : values_(paths.size()), flat_(std::make_unique<FlatScan>(paths)), parser_(std::make_unique<Parser>()) {
  parser_->tables.emplace_back();
  for (size_t i = 0; i < paths.size(); ++i) parser_->want(0, paths[i], static_cast<int16_t>(i));
  for (KeyTable& table : parser_->tables) table.build();
}

Fields::~Fields() = default;
Fields::Fields(Fields&&) noexcept = default;
Fields& Fields::operator=(Fields&&) noexcept = default;

bool Fields::read(std::string_view json) {
  std::ranges::fill(values_, Value{});
  if (flat_->read(json, values_)) return true;
  std::ranges::fill(values_, Value{});
  return parser_->start(json) && parser_->object(values_, 0, 0) && parser_->at_end();
}

bool Fields::read_each(std::string_view array, const std::function<bool()>& each) {
  const auto element = [&] {
    std::ranges::fill(values_, Value{});
    return parser_->object(values_, 0, 0) && each();
  };
  return parser_->start(array) && parser_->elements(element) && parser_->at_end();
}

std::vector<std::string> Fields::keys(std::string_view json) {
  std::vector<std::string> names;
  Parser parser;
  if (!parser.start(json)) return names;
  if (parser.peek() == '[') parser.step();
  const bool good = parser.members([&](std::string_view name) {
    names.emplace_back(name);
    Value passed;
    return parser.value(passed, 0);
  });
  if (!good) names.clear();
  return names;
}

}  // namespace wl::ndjson
