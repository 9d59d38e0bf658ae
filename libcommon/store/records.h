#pragma once
// The records of files and projects, which pcapingest and pcapquery write alike.
#include <optional>
#include <string>

#include "libcommon/base/time.h"
#include "libcommon/catalog/captures.h"
#include "libcommon/record/type.h"

namespace wl::store {

extern const record::RecordType kFileType;
extern const record::RecordType kProjectType;

struct FileLine {
  std::string name{};
  std::string owner{};                    ///< empty: not written
  std::optional<bool> already_present{};  ///< of an import
};

/// The `file` record with its '\n'.
[[nodiscard]] std::string file_line(const catalog::CaptureFile& file, const FileLine& more,
                                    base::TimeFormat format = base::TimeFormat::rfc3339);
/// The `project` record with its '\n'.
[[nodiscard]] std::string project_line(const catalog::Project& project, bool with_owner,
                                       base::TimeFormat format = base::TimeFormat::rfc3339);

}  // namespace wl::store
