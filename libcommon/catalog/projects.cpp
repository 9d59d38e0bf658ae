#include "libcommon/catalog/projects.h"

#include <algorithm>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"
#include "libcommon/catalog/rows.h"

namespace wl::catalog {
namespace {

/// 1 to `max` bytes of UTF-8 without control characters.
bool is_name(const std::string& text, size_t max) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  return !text.empty() && text.size() <= max && base::is_utf8(text) && std::ranges::none_of(text, is_control);
}

std::unexpected<base::Error> no_name(const std::string& what, size_t max) {
  return base::fail(what + ": has 1 to " + std::to_string(max) + " bytes of UTF-8, no control characters", {},
                    base::Exit::usage);
}

}  // namespace

base::Result<Project> Projects::add_project(const std::string& owner, const std::string& name) {
  if (!is_name(owner, kMaxOwner)) return no_name("owner", kMaxOwner);
  if (!is_name(name, kMaxName)) return no_name("project name", kMaxName);
  Project made{new_id(), owner, name, base::wall_clock_ns(), 0};
  const auto added = change(*db_, "insert into projects (id, owner, name, created) values (:i, :o, :n, :c)",
                            made.id, made.owner, made.name, made.created);
  if (added) return made;
  if (added.error().exit != base::Exit::no) return std::unexpected(added.error());
  return base::fail("project " + name + ": there is one of that name", "choose another", base::Exit::no);
}

base::Result<std::vector<Project>> Projects::projects(const std::string& owner) {
  auto found = select<Project>(*db_, "projects where " + seen_by(owner), owner);
  // Here, for each database has an order of its own.
  if (found)
    std::ranges::sort(*found, {}, [](Project& project) { return std::tie(project.name, project.owner); });
  return found;
}

base::Result<std::optional<Project>> Projects::find_project(const std::string& owner,
                                                            const std::string& id_or_name) {
  if (!is_name(id_or_name, kMaxName)) return std::nullopt;
  const auto found =
      select<Project>(*db_, "projects where " + seen_by(owner) + " and (id = :id or name = :name)", owner,
                      id_or_name, id_or_name);
  if (!found) return std::unexpected(found.error());
  const auto that = [&](const auto& is_it) -> std::optional<Project> {
    const auto project = std::ranges::find_if(*found, is_it);
    return project == found->end() ? std::nullopt : std::optional(*project);
  };
  if (auto project = that([&](const Project& one) { return one.id == id_or_name; })) return project;
  if (auto project = that([](const Project& one) { return one.owner == "local"; })) return project;
  if (found->empty()) return std::nullopt;
  if (found->size() == 1) return found->front();
  return base::fail("project " + id_or_name + ": several owners have one of that name",
                    "say its id or --owner", base::Exit::usage);
}

base::Result<bool> Projects::delete_project(const std::string& owner, const std::string& id_or_name) {
  const auto project = find_project(owner, id_or_name);
  if (!project) return std::unexpected(project.error());
  if (!*project) return false;
  return db_->transaction([&](soci::session& sql) {
    one_writer(sql);
    return run(sql, "delete from projects where id = :id", (*project)->id) == 1;
  });
}

}  // namespace wl::catalog
