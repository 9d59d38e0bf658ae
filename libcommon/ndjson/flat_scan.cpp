#include "libcommon/ndjson/flat_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libcommon/base/digits.h"

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

/// The usual whole number, of one to seven digits, without a branch for each of them.
bool take_short(const char*& at, const char* end, Value& value) {
  const uint64_t bytes = base::eight_bytes(at);
  const unsigned digits = base::leading_digits(bytes);
  if (digits == 0 || digits == 8 || at[digits] == '.' || (*at == '0' && digits > 1)) return false;
  if (at + digits > end) return false;
  value = {.kind = ValueKind::number,
           .has_whole = true,
           .text = {at, digits},
           .whole = base::short_number(bytes, digits)};
  at += digits;
  return true;
}

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

FlatScan::FlatScan(std::span<const std::string> keys) : wanted_(keys.begin(), keys.end()) {
  keys_.reserve(kMaxKeys);  // so that learning one moves none
  Key& start = keys_.emplace_back();
  start.word.fill(~uint64_t{0});  // stands nowhere in a text
  start.mask.fill(~uint64_t{0});
  start.followers.fill(&start);
}

[[gnu::flatten]] bool FlatScan::read(std::string_view json, std::vector<Value>& values) {
  const char* at = json.data();
  const char* const end = at + json.size();
  if (json.size() < 2 || *at++ != '{') return false;
  Key* const start = keys_.data();
  Value* const out = values.data();
  Value unwanted;
  for (Key* before = start; at < end;) {
    Key* const key = key_at(before, at, end);
    if (key == start) return false;
    at += key->size;
    Value& value = key->field == kUnwanted ? unwanted : out[key->field];
    if (at >= end || !take_value(at, end, value) || at >= end) return false;
    const char behind = *at++;
    if (behind == '}') return at == end || (at + 1 == end && *at == '\r');
    if (behind != ',') return false;
    before = key;
  }
  return false;
}

bool FlatScan::stands_at(const Key& key, const char* at) {
  if (((load(at) ^ key.word[0]) & key.mask[0]) != 0 || ((load(at + 8) ^ key.word[1]) & key.mask[1]) != 0) {
    return false;
  }
  return key.size <= 16 || std::memcmp(at + 16, key.text.data() + 16, key.size - 16U) == 0;
}

FlatScan::Key* FlatScan::key_at(Key* before, const char* at, const char* end) {
  for (Key* const follower : before->followers) {
    if (stands_at(*follower, at)) return follower;
  }
  Key* const start = keys_.data();
  if (*at != '"') return start;
  const char* const close = text_end(at + 1, end);
  if (close == nullptr || close + 1 >= end || close[1] != ':') return start;
  Key* const key = learn({at, static_cast<size_t>(close + 2 - at)});
  auto& followers = before->followers;
  std::ranges::copy_backward(followers.begin(), followers.end() - 1, followers.end());
  followers[0] = key;
  return key;
}

FlatScan::Key* FlatScan::learn(std::string_view text) {
  for (Key& key : keys_) {
    if (std::string_view(key.text.data(), key.size) == text) return &key;
  }
  Key* const start = keys_.data();
  if (text.size() > kMaxKeySize || keys_.size() == kMaxKeys) return start;
  Key& key = keys_.emplace_back();
  key.followers.fill(start);
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
  return &key;
}

}  // namespace wl::ndjson
