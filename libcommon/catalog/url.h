#pragma once
// What --db says, as the client libraries want to have it.
#include <string>
#include <string_view>

#include "libcommon/base/error.h"
#include "libcommon/catalog/database.h"

namespace wl::catalog {

struct Target {
  Engine engine = Engine::sqlite;
  std::string connect{};  ///< for SOCI; has the password
  std::string shown{};    ///< for messages: the file, or the URL
};

/// "sqlite" (then `file`), "sqlite:FILE", "postgresql://user@host:port/name?sslmode=verify-full",
/// "mysql://…". A password in it is refused: other users see command lines.
[[nodiscard]] base::Result<Target> read_url(std::string_view url, const std::string& file,
                                            const std::string& password);

}  // namespace wl::catalog
