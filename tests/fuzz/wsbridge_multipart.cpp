// A form of any bytes, cut in two ways: what comes out does not depend on the cuts. The first byte is the
// size of the pieces, the second the length of the boundary, which follows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tools/wsbridge/http/multipart.h"
#include "tools/wsbridge/http/target.h"

namespace {

using namespace wl::wsbridge::http;

class Record final : public Multipart::Parts {
 public:
  bool part(std::string_view name, std::optional<std::string_view> file_name) override {
    text += "[" + std::string(name) + "|" + std::string(file_name.value_or("")) + ":";
    std::string query;
    append_query(query, name, file_name.value_or(""));
    if (const auto pairs = parse_query(query); !pairs || pairs->size() != 1 || pairs->front().first != name)
      std::abort();
    return text.size() < kRefused;
  }
  bool data(std::string_view bytes) override {
    if (bytes.empty()) std::abort();
    text += bytes;
    return true;
  }
  bool part_end() override {
    text += "]";
    return true;
  }
  std::string text{};

 private:
  static constexpr size_t kRefused = 1000;  // somebody who has had enough
};

std::string read_form(const std::string& boundary, std::string_view form, size_t step) {
  Multipart reader(boundary);
  Record record;
  bool good = true;
  for (; good && !form.empty(); form.remove_prefix(std::min(step, form.size()))) {
    good = reader.feed(form.substr(0, step), record);
  }
  // Data before a fault may or may not have been given.
  return good ? record.text + (reader.complete() ? "." : "") : "refused";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto step = static_cast<size_t>(static_cast<unsigned char>(rest[0])) + 1;
  const size_t length = std::min<size_t>(static_cast<unsigned char>(rest[1]) % 71, size - 2);
  const std::string type = "multipart/form-data; boundary=\"" + std::string(rest.substr(2, length)) + "\"";
  const auto boundary = multipart_boundary(type);
  if (!boundary) return 0;
  rest.remove_prefix(2 + length);
  if (read_form(*boundary, rest, step) != read_form(*boundary, rest, rest.size() + 1)) std::abort();
  return 0;
}
