#include "libcommon/catalog/watched.h"

#include "libcommon/catalog/rows.h"

namespace wl::catalog {

base::Result<bool> Watched::is_taken(const WatchedFile& file) {
  return db_->read([&](soci::session& sql) {
    return number(sql, "select count(*) from watched_files where path = :p and bytes = :b and modified = :m",
                  file.path, file.bytes, file.modified) != 0;
  });
}

base::Result<bool> Watched::take(const WatchedFile& file) {
  return db_->transaction([&](soci::session& sql) {
    one_writer(sql);
    run(sql, "delete from watched_files where path = :p", file.path);
    return run(sql, "insert into watched_files (path, bytes, modified) values (:p, :b, :m)", file.path,
               file.bytes, file.modified) == 1;
  });
}

}  // namespace wl::catalog
