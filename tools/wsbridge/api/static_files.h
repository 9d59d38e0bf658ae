#pragma once
// Files for browsers, of a directory.
#include <span>
#include <string>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::api {

class StaticFiles {
 public:
  [[nodiscard]] static base::Result<StaticFiles> open(const std::string& path);

  /// A file, for the server to send; 404 with an empty body where there is no such file; 301 for a directory
  /// without its '/'. `segments` are those of decode_path() that name the file; none, or an empty last one:
  /// index.html there. Nothing outside the directory is reached, whatever links are in it, and no name that
  /// begins with '.' but .well-known.
  [[nodiscard]] http::Response answer(const http::Request& request,
                                      std::span<const std::string> segments) const;

 private:
  base::Fd root_{};
};

}  // namespace wl::wsbridge::api
