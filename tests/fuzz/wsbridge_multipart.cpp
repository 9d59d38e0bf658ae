// A form of any bytes, cut in two ways: what comes out does not depend on the cuts. The first byte is the
// size of the pieces, the second the length of the boundary, which follows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "tools/wsbridge/http/upload.h"

namespace {

using namespace wl::wsbridge::http;

constexpr size_t kMaxFile = 1000;

std::string read_form(const std::string& type, std::string_view form, size_t step) {
  Upload upload(&type, "file", kMaxFile);
  for (; !form.empty(); form.remove_prefix(std::min(step, form.size()))) {
    if (upload.add(form.substr(0, step)) != 0) return "refused";
  }
  Request request;
  if (upload.finish(request) != 200) return "not whole";
  if (!parse_query(request.query) && !request.query.contains("%00")) std::abort();  // which no query may have
  if (request.upload->name.find_first_of("/\\") != std::string::npos) std::abort();
  std::ifstream file(request.upload->path);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  if (content.size() > kMaxFile) std::abort();
  return request.query + "|" + request.upload->name + "|" + content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto step = static_cast<size_t>(static_cast<unsigned char>(rest[0])) + 1;
  const size_t length = std::min<size_t>(static_cast<unsigned char>(rest[1]) % 71, size - 2);
  const std::string type = "multipart/form-data; boundary=\"" + std::string(rest.substr(2, length)) + "\"";
  if (!multipart_boundary(type)) return 0;
  rest.remove_prefix(2 + length);
  if (read_form(type, rest, step) != read_form(type, rest, rest.size() + 1)) std::abort();
  return 0;
}
