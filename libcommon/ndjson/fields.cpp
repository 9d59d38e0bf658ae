#include "libcommon/ndjson/fields.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "libcommon/ndjson/flat_scan.h"

namespace wl::ndjson {
namespace {

namespace od = simdjson::ondemand;

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
    if (++at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
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

/// The key without its quotes: it ends before the ':' before its value.
std::string_view raw_key(const char* key, const char* value) {
  const char* end = value - 1;
  while (*end != ':') --end;
  do --end;
  while (*end != '"');
  return {key, static_cast<size_t>(end - key)};
}

}  // namespace

struct Fields::Parser {
  od::parser simd;
  std::vector<KeyTable> tables;  // [0]: the top level
  std::string unescaped_key;
  bool escapes = false;  // there is a backslash somewhere in what is read

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

  /// Starts on `json`; `escapes` tells whether backslashes need care. False: not JSON at all.
  [[nodiscard]] bool start(std::string_view json, od::document& document) {
    escapes = std::memchr(json.data(), '\\', json.size()) != nullptr;
    return simd.iterate(json.data(), json.size(), json.size() + kPadding).get(document) == simdjson::SUCCESS;
  }

  [[nodiscard]] std::string_view key_of(std::string_view raw, bool& good) {
    if (!escapes || raw.find('\\') == std::string_view::npos) return raw;
    // Rare: a parser of its own unescapes the key as the text that it is.
    simdjson::padded_string quoted(std::string("\"") + std::string(raw) + "\"");
    od::parser parser;
    od::document document;
    std::string_view text;
    good = parser.iterate(quoted).get(document) == simdjson::SUCCESS &&
           document.get_string().get(text) == simdjson::SUCCESS;
    if (good) unescaped_key.assign(text).append(8, '\0');
    return good ? std::string_view(unescaped_key).substr(0, text.size()) : std::string_view{};
  }

  template <class OnKey>
  [[nodiscard]] bool each_field(od::object object, const OnKey& on_key) {
    for (auto entry : object) {
      od::field field;
      if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
      const char* const key = field.key().raw();
      od::value value = field.value();
      const std::string_view token = value.raw_json_token();
      bool good = true;
      const std::string_view name = key_of(raw_key(key, token.data()), good);
      if (!good || !on_key(name, value, token)) return false;
    }
    return true;
  }

  [[nodiscard]] bool object(std::vector<Value>& values, od::object o, size_t table, int depth) {
    return each_field(o, [&](std::string_view name, od::value& value, std::string_view token) {
      const KeyTable::Wanted* const wanted = tables[table].find(name);
      if (wanted == nullptr) return check(value, token, depth);
      if (wanted->child != kNone && token[0] == '{') {
        od::object inner;
        return value.get_object().get(inner) == simdjson::SUCCESS && depth < kMaxDepth &&
               object(values, inner, static_cast<size_t>(wanted->child), depth + 1);
      }
      if (wanted->field == kNone) return check(value, token, depth);
      return take(values[static_cast<size_t>(wanted->field)], value, token);
    });
  }

  [[nodiscard]] bool take(Value& out, od::value& value, std::string_view token) const {
    switch (token[0]) {
      case '"': {
        out.kind = ValueKind::text;
        if (escapes && token.find('\\') != std::string_view::npos) {
          return value.get_string().get(out.text) == simdjson::SUCCESS;
        }
        token = trimmed(token);
        out.text = token.substr(1, token.size() - 2);
        return true;
      }
      case '{': {
        out.kind = ValueKind::object;
        od::object o;
        return value.get_object().get(o) == simdjson::SUCCESS &&
               o.raw_json().get(out.text) == simdjson::SUCCESS;
      }
      case '[': {
        out.kind = ValueKind::array;
        od::array a;
        return value.get_array().get(a) == simdjson::SUCCESS &&
               a.raw_json().get(out.text) == simdjson::SUCCESS;
      }
      default: {
        out.text = trimmed(token);
        out.kind = bare_kind(out.text);
        return out.kind != ValueKind::absent;
      }
    }
  }

  /// simdjson is lazy: what nobody asks for it does not check, so we do.
  [[nodiscard]] bool check(od::value& value, std::string_view token, int depth) {
    switch (token[0]) {
      case '"': {
        if (!escapes || token.find('\\') == std::string_view::npos) return true;
        std::string_view text;
        return value.get_string().get(text) == simdjson::SUCCESS;
      }
      case '{': {
        od::object o;
        return depth < kMaxDepth && value.get_object().get(o) == simdjson::SUCCESS &&
               each_field(
                   o, [&](std::string_view, od::value& inner,
                          std::string_view inner_token) { return check(inner, inner_token, depth + 1); });
      }
      case '[': {
        od::array a;
        if (depth >= kMaxDepth || value.get_array().get(a) != simdjson::SUCCESS) return false;
        for (auto entry : a) {
          od::value inner;
          if (std::move(entry).get(inner) != simdjson::SUCCESS) return false;
          if (!check(inner, inner.raw_json_token(), depth + 1)) return false;
        }
        return true;
      }
      default: return bare_kind(trimmed(token)) != ValueKind::absent;
    }
  }
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
  od::document document;
  od::object object;
  return parser_->start(json, document) && document.get_object().get(object) == simdjson::SUCCESS &&
         parser_->object(values_, object, 0, 0) &&
         document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

bool Fields::read_each(std::string_view array, const std::function<bool()>& each) {
  od::document document;
  od::array objects;
  if (!parser_->start(array, document) || document.get_array().get(objects) != simdjson::SUCCESS)
    return false;
  for (auto entry : objects) {
    std::ranges::fill(values_, Value{});
    od::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS) return false;
    if (!parser_->object(values_, object, 0, 0) || !each()) return false;
  }
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

std::vector<std::string> Fields::keys(std::string_view json) {
  std::vector<std::string> names;
  Parser parser;
  od::document document;
  od::object object;
  if (!parser.start(json, document)) return names;
  if (json[0] == '[') {
    od::array objects;
    if (document.get_array().get(objects) != simdjson::SUCCESS) return names;
    auto first = objects.begin();
    if (first.error() != simdjson::SUCCESS || first == objects.end()) return names;
    if ((*first).get_object().get(object) != simdjson::SUCCESS) return names;
  } else if (document.get_object().get(object) != simdjson::SUCCESS) {
    return names;
  }
  const bool good = parser.each_field(object, [&](std::string_view name, od::value&, std::string_view) {
    names.emplace_back(name);
    return true;
  });
  if (!good) names.clear();
  return names;
}

}  // namespace wl::ndjson
