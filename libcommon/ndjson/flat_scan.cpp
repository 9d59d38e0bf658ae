#include "libcommon/ndjson/flat_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace wl::ndjson {
namespace {

// A step of text_end(): kStep bytes at a time. It may see bytes behind the end, which are kPadding or less.
#if defined(__SSE2__)
constexpr size_t kStep = 16;

/// Where the first byte stands that ends a plain text: '"', '\\', a control character or what is not ASCII;
/// kStep: nowhere.
size_t first_stop(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));  // signed: from 0x80 on it is negative
  const int stops = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others));
  return stops == 0 ? kStep : static_cast<size_t>(std::countr_zero(static_cast<unsigned>(stops)));
}
#else
constexpr size_t kStep = 8;

size_t first_stop(const char* at) {
  for (size_t i = 0; i < kStep; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') return i;
  }
  return kStep;
}
#endif

uint64_t load(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return word;
}

/// The '"' that ends the plain text at `at`; nullptr: it is not plain, or not ended.
const char* text_end(const char* at, const char* end) {
  for (; at < end; at += kStep) {
    const size_t stop = first_stop(at);
    if (stop == kStep) continue;
    at += stop;
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

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/// How many digits stand at the beginning of the eight bytes.
size_t leading_digits(uint64_t bytes) {
  constexpr uint64_t kEach = 0x0101010101010101;
  // The highest bit of a byte: above '9' the sum sets it, below '0' the difference, in others it is there.
  const uint64_t others = ((bytes + kEach * (0x7f - '9')) | (bytes - kEach * '0') | bytes) & kEach * 0x80;
  return others == 0 ? 8 : static_cast<size_t>(std::countr_zero(others)) / 8;
}

/// The number of eight digits, the first of which is in the lowest byte.
uint64_t eight_digits(uint64_t bytes) {
  bytes = (bytes & 0x0f0f0f0f0f0f0f0f) * ((10 << 8) + 1) >> 8;
  bytes = (bytes & 0x00ff00ff00ff00ff) * ((100 << 16) + 1) >> 16;
  return (bytes & 0x0000ffff0000ffff) * ((uint64_t{10000} << 32) + 1) >> 32;
}

/// The usual whole number, of one to seven digits, without a branch for each of them.
bool take_short(const char*& at, const char* end, Value& value) {
  const uint64_t bytes = load(at);
  const size_t digits = leading_digits(bytes);
  if (digits == 0 || digits == 8 || at[digits] == '.' || (*at == '0' && digits > 1)) return false;
  if (at + digits > end) return false;
  value = {.kind = ValueKind::number,
           .has_whole = true,
           .text = {at, digits},
           .whole = eight_digits(bytes << (64 - 8 * digits))};
  at += digits;
  return true;
}
#else
bool take_short(const char*&, const char*, Value&) { return false; }
#endif

/// Most numbers are whole, and wanted as numbers: they are read while their end is looked for.
bool take_whole(const char*& at, const char* end, Value& value) {
  constexpr ptrdiff_t kMaxDigits = 19;  // of which 64 bits hold all
  const char* here = at;
  uint64_t number = 0;
  for (; here < end && is_digit(*here); ++here) number = number * 10 + static_cast<uint64_t>(*here - '0');
  const ptrdiff_t digits = here - at;
  if (digits == 0 || digits > kMaxDigits || (*at == '0' && digits > 1)) return false;
  if (here < end && *here == '.') return false;
  value = {.kind = ValueKind::number,
           .has_whole = true,
           .text = {at, static_cast<size_t>(digits)},
           .whole = number};
  at = here;
  return true;
}

/// Reads the plain value at `at`, none of which is nested, into `value` and moves behind it; false: it is not
/// one.
bool take_plain(const char*& at, const char* end, Value& value) {
  const char* const begin = at;
  if (*at == '"') {
    const char* const close = text_end(at + 1, end);
    if (close == nullptr) return false;
    value = {.kind = ValueKind::text, .text = {begin + 1, static_cast<size_t>(close - begin - 1)}};
    at = close + 1;
    return true;
  }
  if (take_short(at, end, value)) return true;
  const auto word = [&](std::string_view text, ValueKind kind) {
    if (static_cast<size_t>(end - at) < text.size() || std::string_view(at, text.size()) != text)
      return false;
    value = {.kind = kind, .text = {at, text.size()}};
    at += text.size();
    return true;
  };
  switch (*at) {
    case 't': return word("true", ValueKind::boolean);
    case 'f': return word("false", ValueKind::boolean);
    case 'n': return word("null", ValueKind::null);
    default: break;
  }
  if (take_whole(at, end, value)) return true;
  at = number_end(at, end);
  if (at == nullptr) return false;
  value = {.kind = ValueKind::number, .text = {begin, static_cast<size_t>(at - begin)}};
  return true;
}

/// Likewise, or an array of plain values.
bool take_value(const char*& at, const char* end, Value& value) {
  if (*at != '[') return take_plain(at, end, value);
  const char* const begin = at++;
  Value element;
  do {
    if (at >= end || !take_plain(at, end, element) || at >= end) return false;
  } while (*at++ == ',');
  if (at[-1] != ']') return false;
  value = {.kind = ValueKind::array, .text = {begin, static_cast<size_t>(at - begin)}};
  return true;
}

}  // namespace

static_assert(kPadding >= 32);

FlatScan::FlatScan(std::span<const std::string> keys) : wanted_(keys.begin(), keys.end()), keys_(1) {
  keys_.reserve(kMaxKeys);  // so that learning one moves none
}

[[gnu::flatten]] bool FlatScan::read(std::string_view json, std::vector<Value>& values) {
  const char* at = json.data();
  const char* const end = at + json.size();
  if (json.size() < 2 || *at++ != '{') return false;
  const Key* const keys = keys_.data();
  Value* const out = values.data();
  Value unwanted;
  for (uint16_t before = 0; at < end;) {
    const uint16_t index = key_at(before, at, end);
    if (index == 0) return false;
    const Key& key = keys[index];
    at += key.size;
    Value& value = key.field == kUnwanted ? unwanted : out[key.field];
    if (at >= end || !take_value(at, end, value) || at >= end) return false;
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
  auto& followers = keys_[before].followers;
  for (const uint16_t follower : followers) {
    if (follower != 0 && stands_at(keys_[follower], at)) return follower;
  }
  if (*at != '"') return 0;
  const char* const close = text_end(at + 1, end);
  if (close == nullptr || close + 1 >= end || close[1] != ':') return 0;
  const uint16_t index = learn({at, static_cast<size_t>(close + 2 - at)});
  std::ranges::copy_backward(followers.begin(), followers.end() - 1, followers.end());
  followers[0] = index;
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
