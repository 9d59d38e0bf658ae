#include "libcommon/ndjson/flat_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace wl::ndjson {
namespace {

constexpr uint64_t repeat(uint8_t byte) { return 0x0101010101010101ULL * byte; }

uint64_t load(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return word;
}

/// The high bit of each byte that ends a plain text: '"', '\\', a control character or what is not ASCII.
/// Bytes above the first such one may be marked by mistake.
uint64_t stops_in(uint64_t word) {
  const uint64_t quote = word ^ repeat('"');
  const uint64_t backslash = word ^ repeat('\\');
  return ((quote - repeat(1)) | (backslash - repeat(1)) | (word - repeat(0x20)) | word) & repeat(0x80);
}

size_t first_marked(uint64_t marks) {
  if constexpr (std::endian::native == std::endian::little) {
    return static_cast<size_t>(std::countr_zero(marks)) / 8;
  } else {
    return static_cast<size_t>(std::countl_zero(marks)) / 8;
  }
}

/// The '"' that ends the plain text at `at`; nullptr: it is not plain, or not ended.
const char* text_end(const char* at, const char* end) {
  for (; at < end; at += 8) {
    const uint64_t marks = stops_in(load(at));
    if (marks == 0) continue;
    at += first_marked(marks);
    return at < end && *at == '"' ? at : nullptr;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Behind the number at `at`; nullptr: not one without an exponent.
const char* number_end(const char* at, const char* end) {
  if (*at == '-') ++at;
  const char* const whole = at;
  while (at < end && is_digit(*at)) ++at;
  if (at == whole || (*whole == '0' && at - whole > 1)) return nullptr;
  if (at == end || *at != '.') return at;
  const char* const fraction = ++at;
  while (at < end && is_digit(*at)) ++at;
  return at == fraction ? nullptr : at;
}

/// Reads the value at `at` into `value` and moves behind it; false: not a plain one.
bool take_value(const char*& at, const char* end, Value& value) {
  const char* const begin = at;
  const auto word = [&](std::string_view text, ValueKind kind) {
    if (static_cast<size_t>(end - at) < text.size() || std::string_view(at, text.size()) != text)
      return false;
    value = {kind, {at, text.size()}};
    at += text.size();
    return true;
  };
  switch (*at) {
    case '"': {
      const char* const close = text_end(at + 1, end);
      if (close == nullptr) return false;
      value = {ValueKind::text, {begin + 1, static_cast<size_t>(close - begin - 1)}};
      at = close + 1;
      return true;
    }
    case 't': return word("true", ValueKind::boolean);
    case 'f': return word("false", ValueKind::boolean);
    case 'n': return word("null", ValueKind::null);
    default: {
      at = number_end(at, end);
      if (at == nullptr) return false;
      value = {ValueKind::number, {begin, static_cast<size_t>(at - begin)}};
      return true;
    }
  }
}

}  // namespace

static_assert(kPadding >= 32);

FlatScan::FlatScan(std::span<const std::string> keys) : wanted_(keys.begin(), keys.end()), keys_(1) {}

[[gnu::flatten]] bool FlatScan::read(std::string_view json, std::vector<Value>& values) {
  const char* at = json.data();
  const char* const end = at + json.size();
  if (json.size() < 2 || *at++ != '{') return false;
  for (uint16_t before = 0; at < end;) {
    const uint16_t index = key_at(before, at, end);
    if (index == 0) return false;
    const Key& key = keys_[index];
    at += key.size;
    Value value;
    if (at >= end || !take_value(at, end, value) || at >= end) return false;
    if (key.field != kUnwanted) values[static_cast<size_t>(key.field)] = value;
    const char behind = *at++;
    if (behind == '}') return at == end || (at + 1 == end && *at == '\r');
    if (behind != ',') return false;
    before = index;
  }
  return false;
}

bool FlatScan::stands_at(const Key& key, const char* at) const {
  if (((load(at) ^ key.word[0]) & key.mask[0]) != 0 || ((load(at + 8) ^ key.word[1]) & key.mask[1]) != 0) {
    return false;
  }
  return key.size <= 16 || std::memcmp(at + 16, key.text.data() + 16, key.size - 16U) == 0;
}

uint16_t FlatScan::key_at(uint16_t before, const char* at, const char* end) {
  const auto [newest, older] = keys_[before].followers;
  if (newest != 0 && stands_at(keys_[newest], at)) return newest;
  if (older != 0 && stands_at(keys_[older], at)) return older;
  if (*at != '"') return 0;
  const char* const close = text_end(at + 1, end);
  if (close == nullptr || close + 1 >= end || close[1] != ':') return 0;
  const uint16_t index = learn({at, static_cast<size_t>(close + 2 - at)});
  keys_[before].followers = {index, newest};
  return index;
}

uint16_t FlatScan::learn(std::string_view text) {
  const auto known = std::ranges::find_if(
      keys_, [&](const Key& key) { return std::string_view(key.text.data(), key.size) == text; });
  if (known != keys_.end()) return static_cast<uint16_t>(known - keys_.begin());
  if (text.size() > kMaxKeySize || keys_.size() == kMaxKeys) return 0;
  Key key;
  key.size = static_cast<uint8_t>(text.size());
  std::ranges::copy(text, key.text.begin());
  std::array<char, 16> counts{};
  std::fill_n(counts.begin(), std::min<size_t>(16, text.size()), '\xff');
  for (size_t i = 0; i < 2; ++i) {
    key.word[i] = load(key.text.data() + i * 8);
    key.mask[i] = load(counts.data() + i * 8);
  }
  const auto wanted = std::ranges::find(wanted_, text.substr(1, text.size() - 3));
  if (wanted != wanted_.end()) key.field = static_cast<int16_t>(wanted - wanted_.begin());
  keys_.push_back(key);
  return static_cast<uint16_t>(keys_.size() - 1);
}

}  // namespace wl::ndjson
