#pragma once
// The body of an upload into a temporary file, as it comes: the body as it is, or a file of a form
// (multipart/form-data, RFC 7578) of any bytes, cut anywhere, in bounded memory.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::http {

/// The boundary of a Content-Type header; nothing: it is no multipart/form-data, or has none that is allowed.
[[nodiscard]] std::optional<std::string> multipart_boundary(std::string_view content_type);

class Upload {
 public:
  static constexpr size_t kMaxHead = 8192;                ///< bytes of a part's head
  static constexpr size_t kMaxFields = size_t{64} << 10;  ///< bytes of a form's other fields, encoded

  /// `field` of a form, by its Content-Type, or the body as it is. `max_bytes`: of the file.
  Upload(const std::string* content_type, std::string field, uint64_t max_bytes);
  /// 0, or the status with which the request is refused.
  [[nodiscard]] unsigned add(std::string_view bytes);
  /// Behind the last byte, 200: puts the file and the form's other fields (into the query) where the site
  /// finds them.
  [[nodiscard]] unsigned finish(Request& request);

 private:
  enum class State : uint8_t { preamble, head, data, done };
  bool take(std::string_view& rest);
  unsigned begin_part(std::string_view head);
  unsigned open(std::string_view name);
  unsigned save(std::string_view bytes);

  std::string field_;
  uint64_t room_;            // for the file
  std::string delimiter_{};  // of a form; else empty
  /// Of a form, what is not decided yet. The first delimiter has no line end before it: we act as if there
  /// had been one.
  std::string kept_ = "\r\n";
  State state_ = State::preamble;
  std::string query_{};
  std::shared_ptr<TemporaryFile> file_{};
  base::Fd fd_{};  // of it; none: what comes is a field's
  unsigned status_ = 0;
};

}  // namespace wl::wsbridge::http
