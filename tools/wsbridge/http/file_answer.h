#pragma once
// What of a file goes into an answer: conditions and ranges of RFC 9110, 13 and 14.
#include <cstdint>
#include <memory>

#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::http {

struct FileAnswer {
  std::shared_ptr<const base::Fd> fd{};  ///< null: there is no file to send; status and headers say why
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// Opens the file where it is not, and fits `response` (which was to be 200) to the conditions of `request`.
[[nodiscard]] FileAnswer prepare_file(const Request& request, const FileBody& file, Response& response);

}  // namespace wl::wsbridge::http
