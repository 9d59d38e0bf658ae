#pragma once
// Projects: an owner's names for sets of captures. A capture may be in several.
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "libcommon/catalog/database.h"

namespace wl::catalog {

struct Project {
  std::string id{};     ///< 32 hexadecimal digits
  std::string owner{};  ///< "local" is the operator's own; else a web user's id
  std::string name{};
  int64_t created = 0;  ///< all times: nanoseconds since 1970
  int64_t files = 0;    ///< how many are in it

  static constexpr const char* kColumns =
      "projects.id, projects.owner, projects.name, projects.created,"
      " (select count(*) from pcap_project_map where project_id = projects.id)";
  auto fields() { return std::tie(id, owner, name, created, files); }
};

/// Everything may block. Threads may share it. An owner sees what is theirs; an empty `owner` is the
/// operator, who sees everybody's.
class Projects {
 public:
  static constexpr size_t kMaxOwner = 254, kMaxName = 80;  ///< in bytes
  explicit Projects(std::shared_ptr<Db> db) : db_(std::move(db)) {}

  /// Exit::usage: the name, or the owner, is empty, too long, no UTF-8 or has control characters. Exit::no:
  /// this owner has one of that name.
  [[nodiscard]] base::Result<Project> add_project(const std::string& owner, const std::string& name);
  /// By name, then owner.
  [[nodiscard]] base::Result<std::vector<Project>> projects(const std::string& owner);
  /// By id, else by name. The operator gets their own before that of others; Exit::usage: several others have
  /// one of that name.
  [[nodiscard]] base::Result<std::optional<Project>> find_project(const std::string& owner,
                                                                  const std::string& id_or_name);
  /// Found as by find_project(); false: there is none. Its files stay.
  [[nodiscard]] base::Result<bool> delete_project(const std::string& owner, const std::string& id_or_name);

 protected:
  std::shared_ptr<Db> db_;
};

}  // namespace wl::catalog
