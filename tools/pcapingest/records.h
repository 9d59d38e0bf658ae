#pragma once
// What pcapingest writes besides `file` and `project`.
#include <string>
#include <vector>

#include "libcommon/catalog/captures.h"
#include "libcommon/record/type.h"

namespace wl::pcapingest {

extern const record::RecordType kDeletionType;
extern const record::RecordType kVerificationType;

/// `reason`: user, age or size; `planned`: it is only what would be done.
[[nodiscard]] std::string deletion_line(const catalog::CaptureFile& file, const std::string& name,
                                        const std::string& reason, bool planned);
[[nodiscard]] std::string verification_line(const catalog::CaptureFile& file, const std::string& name,
                                            const std::vector<std::string>& faults);

}  // namespace wl::pcapingest
