#include "libcommon/base/error.h"

#include <system_error>

namespace wl::base {

std::string errno_text(int error_number) {
  std::string text = std::generic_category().message(error_number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && (text.size() < 2 || text[1] > 'Z')) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');  // "no such file or directory": mid-sentence
  }
  return text;
}

}  // namespace wl::base
