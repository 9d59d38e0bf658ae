#pragma once
// Files for browsers: those of a directory, or bytes in the program itself.
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::api {

/// One file in the program; its bytes live as long as that.
struct Embedded {
  std::string_view name;  ///< "index.html", "docs/index.html"
  std::string_view bytes;
};

class StaticFiles {
 public:
  [[nodiscard]] static base::Result<StaticFiles> directory(const std::string& path);
  [[nodiscard]] static StaticFiles embedded(std::span<const Embedded> files);

  /// 200 or 304; 404 with an empty body where there is no such file; 301 for a directory without its '/'.
  /// `segments` are those of decode_path() that name the file; none, or an empty last one: index.html there.
  /// Nothing outside the directory is reached, whatever links are in it, and no name that begins with '.' but
  /// .well-known.
  [[nodiscard]] http::Response answer(const http::Request& request,
                                      std::span<const std::string> segments) const;

 private:
  struct Bytes {
    std::string name;
    std::string etag;
    std::shared_ptr<const std::string> bytes;
  };
  base::Fd root_{};
  std::vector<Bytes> files_{};
};

}  // namespace wl::wsbridge::api
