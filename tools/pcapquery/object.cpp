#include "tools/pcapquery/object.h"

#include <array>
#include <cmath>

#include "libcommon/ndjson/text.h"
#include "libcommon/record/values.h"

namespace wl::pcapquery {
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

void Object::ip(std::string_view key, std::string_view bytes) { text(key, record::ip_text(bytes)); }
void Object::mac(std::string_view key, uint64_t number) { text(key, record::mac_text(number)); }
void Object::tcp_flags(std::string_view key, uint8_t flags) { text(key, record::tcp_flags_text(flags)); }

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
