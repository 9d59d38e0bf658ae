#pragma once
// What pcapingest writes besides `file` and `project`.
#include <string>
#include <vector>

#include "libcommon/catalog/captures.h"
#include "libcommon/record/type.h"
#include "tools/pcapingest/progress.h"

namespace wl::pcapingest {

extern const record::RecordType kDeletionType;
extern const record::RecordType kVerificationType;
extern const record::RecordType kImportType;

/// `reason`: user, age or size; `planned`: it is only what would be done.
[[nodiscard]] std::string deletion_line(const catalog::CaptureFile& file, const std::string& name,
                                        const std::string& reason, bool planned);
[[nodiscard]] std::string verification_line(const catalog::CaptureFile& file, const std::string& name,
                                            const std::vector<std::string>& faults);
/// `state`: parsing, done or failed.
[[nodiscard]] std::string import_line(const Progressing& progress, const std::string& state, bool one_owner);
/// The `file` record of an import that goes on.
[[nodiscard]] std::string parsing_line(const std::string& sha256, const std::string& name, uint64_t bytes);
/// `code`: a status of HTTP; 0: what the exit status says.
[[nodiscard]] std::string error_line(const base::Error& error, unsigned code);

}  // namespace wl::pcapingest
