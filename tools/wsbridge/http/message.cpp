#include "tools/wsbridge/http/message.h"

#include <algorithm>

#include <strings.h>
#include <unistd.h>

namespace wl::wsbridge::http {

TemporaryFile::~TemporaryFile() { ::unlink(path_.c_str()); }

const std::string* Request::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const auto& one) {
    return one.first.size() == name.size() && ::strncasecmp(one.first.data(), name.data(), name.size()) == 0;
  });
  return found == headers.end() ? nullptr : &found->second;
}

}  // namespace wl::wsbridge::http
