#include "libcommon/base/error.h"

#include <cstring>

namespace wl::base {

std::string errno_text(int error_number) {
  const char* const known = ::strerrordesc_np(error_number);
  std::string text = known != nullptr ? known : "error " + std::to_string(error_number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && (text.size() < 2 || text[1] > 'Z')) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');  // "no such file or directory": mid-sentence
  }
  return text;
}

}  // namespace wl::base
