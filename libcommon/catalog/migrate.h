#pragma once
// The tables of the catalog, and how an older catalog gets them.
#include "libcommon/catalog/database.h"

namespace wl::catalog {

/// Brings the tables to this program's version. Several processes may do it at once: one works, the others
/// wait. A catalog that a newer program made is refused.
[[nodiscard]] base::Result<void> migrate(Db& db);

/// Opens the catalog and migrates it.
[[nodiscard]] base::Result<std::shared_ptr<Db>> open_catalog(const Location& location);

}  // namespace wl::catalog
