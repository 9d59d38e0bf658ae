#pragma once
// The body of an upload into a temporary file, as it comes.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/http/multipart.h"
#include "tools/wsbridge/http/parser.h"

namespace wl::wsbridge::http {

class Upload final : public Sink, private Multipart::Parts {
 public:
  static constexpr uint64_t kMaxFields = uint64_t{64} << 10;   ///< bytes of a form's other fields together
  static constexpr uint64_t kMaxOverhead = uint64_t{1} << 20;  ///< bytes of a form beside its file

  /// A form by its Content-Type, or the body as it is. `directory` is ours alone.
  Upload(const std::string& directory, const std::string* content_type, std::string field,
         uint64_t max_bytes);
  unsigned add(std::string_view bytes) override;
  /// Behind the last byte: puts the file and the form's other fields (into the query) where the site finds
  /// them.
  [[nodiscard]] unsigned finish(Request& request);

 private:
  bool part(std::string_view name, std::optional<std::string_view> file_name) override;
  bool data(std::string_view bytes) override;
  bool part_end() override;
  bool open(std::string_view name);
  bool save(std::string_view bytes);
  bool refuse(unsigned status);

  std::string path_;
  std::string field_;
  uint64_t room_;  ///< for the file
  uint64_t taken_ = 0;
  uint64_t max_total_;
  std::optional<Multipart> form_{};
  bool in_file_ = false;
  std::string name_{}, value_{}, query_{};
  std::shared_ptr<TemporaryFile> file_{};
  base::Fd fd_{};
  unsigned status_ = 0;
};

}  // namespace wl::wsbridge::http
