#include "tools/netsniff/privileges.h"

#include <cerrno>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace wl::netsniff {

base::Result<void> drop_privileges(const std::string& user) {
  errno = 0;
  const passwd* const entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return base::fail("--user: no user \"" + user + "\"", "name one of getent passwd", base::Exit::usage);
  }
  // The groups go first: once the user is given up they can no longer be changed.
  if (::initgroups(entry->pw_name, entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
      ::setuid(entry->pw_uid) != 0) {
    return base::fail("--user: " + user + ": " + base::errno_text(errno),
                      "only root can become another user");
  }
  return {};
}

}  // namespace wl::netsniff
