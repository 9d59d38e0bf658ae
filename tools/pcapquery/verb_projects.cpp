#include <array>

#include "libcommon/store/records.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

constexpr std::array<const record::RecordType*, 1> kTypes{&store::kProjectType};

class Projects final : public Verb {
 public:
  void declare(CLI::App&, Selection&) override {}

  base::Result<void> run(Query& query) override {
    const auto store = open_store(query.selection());
    if (!store) return std::unexpected(store.error());
    const std::string& owner = query.selection().owner;
    const auto projects = (*store)->catalog().projects(owner);
    if (!projects) return std::unexpected(projects.error());
    for (const catalog::Project& project : *projects)
      if (!query.out().line(store::project_line(project, owner.empty(), query.style().time))) break;
    return {};
  }
};

}  // namespace

extern const VerbInfo kProjects;
const VerbInfo kProjects{"projects", "which projects there are", Takes::owner, kTypes, make_verb<Projects>};

}  // namespace wl::pcapquery
