#include "tools/pcapquery/object.h"

#include <array>
#include <cmath>

#include "libcommon/ndjson/text.h"

namespace wl::pcapquery {
namespace {

const uint8_t* as_bytes(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

}  // namespace

std::string ip_text(std::string_view bytes) {
  std::array<char, ndjson::kMaxAddress> text{};
  if (bytes.size() == 4) return {text.data(), ndjson::put_ipv4(text.data(), as_bytes(bytes))};
  if (bytes.size() == 16) return {text.data(), ndjson::put_ipv6(text.data(), as_bytes(bytes))};
  return {};
}

std::string mac_text(uint64_t number) {
  std::array<uint8_t, 6> bytes{};
  for (size_t i = bytes.size(); i-- > 0; number >>= 8) bytes.at(i) = static_cast<uint8_t>(number);
  std::array<char, ndjson::kMaxAddress> text{};
  return {text.data(), ndjson::put_mac(text.data(), bytes.data())};
}

std::string tcp_flags_text(uint8_t flags) {
  std::string text;
  for (unsigned bit = 0; bit < 8; ++bit)
    if ((flags >> bit & 1U) != 0) text += "FSRPAUEC"[bit];
  return text;
}

Object::Object(const Style& style, std::string_view type) : style_(style) {
  if (!type.empty()) text("type", type);
}

void Object::begin(std::string_view key) {
  if (out_.size() > 1) out_ += ',';
  out_.append("\"").append(key).append("\":");
}

void Object::text(std::string_view key, std::string_view value) {
  begin(key);
  const size_t size = out_.size();
  out_.resize(size + ndjson::string_room(value));
  out_.resize(static_cast<size_t>(ndjson::put_string(out_.data() + size, value) - out_.data()));
}

void Object::texts(std::string_view key, const std::vector<std::string_view>& values) {
  begin(key);
  out_ += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out_ += ',';
    const size_t size = out_.size();
    out_.resize(size + ndjson::string_room(values[i]));
    out_.resize(static_cast<size_t>(ndjson::put_string(out_.data() + size, values[i]) - out_.data()));
  }
  out_ += ']';
}

void Object::number(std::string_view key, uint64_t value) {
  begin(key);
  out_ += std::to_string(value);
}

void Object::real(std::string_view key, double value) {
  if (!std::isfinite(value)) return;
  begin(key);
  std::array<char, ndjson::kMaxNumber> text{};
  out_.append(text.data(), ndjson::put_double(text.data(), value));
}

void Object::boolean(std::string_view key, bool value) { json(key, value ? "true" : "false"); }

void Object::time(std::string_view key, int64_t ns) {
  begin(key);
  std::array<char, base::TimeText::kMaxSize> text{};
  out_.append(text.data(), base::TimeText(style_.time).write(text.data(), ns, style_.digits));
}

void Object::ip(std::string_view key, std::string_view bytes) { text(key, ip_text(bytes)); }
void Object::mac(std::string_view key, uint64_t number) { text(key, mac_text(number)); }
void Object::tcp_flags(std::string_view key, uint8_t flags) { text(key, tcp_flags_text(flags)); }

void Object::json(std::string_view key, std::string_view value) {
  begin(key);
  out_ += value;
}

std::string Object::take() {
  out_ += '}';
  return std::move(out_);
}

std::string json_array(const std::vector<std::string>& values) {
  std::string array = "[";
  for (const std::string& value : values) array += (array.size() == 1 ? "" : ",") + value;
  return array + "]";
}

}  // namespace wl::pcapquery
