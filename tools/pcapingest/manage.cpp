#include "tools/pcapingest/manage.h"

#include "libcommon/base/time.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/store/records.h"
#include "tools/pcapingest/records.h"

namespace wl::pcapingest {
namespace {

constexpr unsigned kConflict = 409;  // HTTP: it is there already

using Work = std::function<base::Result<base::Exit>(store::Store& store, ndjson::Output& out)>;

/// Opens the store, does the work, ends the output.
base::Exit with_store(const Options& options, cli::Context& context, const Work& work) {
  const auto fail = [&](const base::Error& error) { return tell_failure(options, context, error); };
  const auto store = store::Store::open(options.location);
  if (!store) return fail(store.error());
  if (const auto swept = (*store)->sweep(options.retention.grace_ns); !swept) return fail(swept.error());
  ndjson::Output out(context.out);
  const auto status = work(**store, out);
  out.finish();
  const bool exists = !status && status.error().exit == base::Exit::no && options.action == "create";
  if (!status) return tell_failure(options, context, status.error(), exists ? kConflict : 0);
  if (out.state() == ndjson::WriteState::failed) return fail(out.error());
  return *status;
}

/// The one file that a text means.
base::Result<catalog::HeldFile> one_file(store::Store& store, const std::string& owner,
                                         const std::string& text) {
  auto found = store.catalog().find_file(owner, text);
  if (!found) return std::unexpected(found.error());
  if (!*found) return base::fail(text + ": no such file in the store", "pcapquery files", base::Exit::no);
  return std::move(**found);
}

base::Result<base::Exit> create_project(const Options& options, store::Store& store, ndjson::Output& out) {
  const auto made = store.catalog().add_project(options.importer(), options.name);
  if (!made && made.error().exit == base::Exit::no)
    return base::fail("project " + options.name + ": is there already", {}, base::Exit::no);
  if (!made) return std::unexpected(made.error());
  out.write(store::project_line(*made, options.owner.empty(), options.time));
  return base::Exit::ok;
}

base::Result<base::Exit> list_projects(const Options& options, store::Store& store, ndjson::Output& out) {
  const auto projects = store.catalog().projects(options.owner);
  if (!projects) return std::unexpected(projects.error());
  for (const catalog::Project& project : *projects)
    out.write(store::project_line(project, options.owner.empty(), options.time));
  return base::Exit::ok;
}

base::Result<base::Exit> delete_project(const Options& options, store::Store& store,
                                        ndjson::Output& /*out*/) {
  const auto deleted = store.catalog().delete_project(options.owner, options.name);
  if (!deleted) return std::unexpected(deleted.error());
  if (!*deleted) return base::fail("project " + options.name + ": not found", {}, base::Exit::no);
  return base::Exit::ok;
}

}  // namespace

base::Exit tell_failure(const Options& options, cli::Context& context, const base::Error& error,
                        unsigned code) {
  context.log.error(error);
  if (options.error_records) {
    ndjson::Output out(context.out);
    out.write(error_line(error, code));
    out.finish();
  }
  return error.exit;
}

base::Exit manage_projects(const Options& options, cli::Context& context) {
  return with_store(
      options, context, [&](store::Store& store, ndjson::Output& out) -> base::Result<base::Exit> {
        if (options.action == "list") return list_projects(options, store, out);
        if (options.name.empty())
          return base::fail("project " + options.action + ": needs a NAME", {}, base::Exit::usage);
        return options.action == "create" ? create_project(options, store, out)
                                          : delete_project(options, store, out);
      });
}

base::Exit delete_files(const Options& options, cli::Context& context) {
  return with_store(
      options, context, [&](store::Store& store, ndjson::Output& out) -> base::Result<base::Exit> {
        std::vector<catalog::HeldFile> files;
        for (const std::string& text : options.paths) {
          auto file = one_file(store, options.owner, text);
          if (!file) return std::unexpected(file.error());
          files.push_back(std::move(*file));
        }
        for (const catalog::HeldFile& file : files) {
          if (!options.dry_run)
            if (const auto released = store.catalog().release(options.owner, file.file_id); !released)
              return std::unexpected(released.error());
          out.write(deletion_line(file, file.name, "user", options.dry_run));
        }
        if (const auto swept = store.sweep(options.retention.grace_ns); !swept)
          return std::unexpected(swept.error());
        return base::Exit::ok;
      });
}

base::Exit verify_files(const Options& options, cli::Context& context) {
  return with_store(options, context,
                    [&](store::Store& store, ndjson::Output& out) -> base::Result<base::Exit> {
                      base::Result<std::vector<catalog::HeldFile>> files;
                      if (options.paths.empty()) files = store.catalog().files(options.owner, "");
                      if (!files) return std::unexpected(files.error());
                      for (const std::string& text : options.paths) {
                        auto file = one_file(store, options.owner, text);
                        if (!file) return std::unexpected(file.error());
                        files->push_back(std::move(*file));
                      }
                      base::Exit status = base::Exit::ok;
                      for (const catalog::HeldFile& file : *files) {
                        const auto faults = store.verify(file);
                        if (!faults) return std::unexpected(faults.error());
                        for (const std::string& fault : *faults) context.log.error(fault);
                        if (!faults->empty()) status = base::Exit::no;
                        out.write(verification_line(file, file.name, *faults));
                        out.flush();
                      }
                      return status;
                    });
}

base::Result<void> apply(const Retention& retention, bool dry_run, store::Store& store,
                         const std::function<void(const std::string&)>& tell) {
  if (!retention.any()) return {};
  const auto files = store.catalog().oldest_first();
  if (!files) return std::unexpected(files.error());
  uint64_t stored = 0;
  for (const catalog::CaptureFile& file : *files) stored += static_cast<uint64_t>(file.stored_bytes);
  const int64_t now = base::wall_clock_ns();
  for (const catalog::CaptureFile& file : *files) {
    const bool old = retention.max_age_ns != 0 && now - file.created > retention.max_age_ns;
    const bool much = retention.max_bytes != 0 && stored > retention.max_bytes;
    if (!old && !much) break;
    if (!dry_run)
      if (const auto released = store.catalog().release("", file.file_id); !released)
        return std::unexpected(released.error());
    stored -= static_cast<uint64_t>(file.stored_bytes);
    tell(deletion_line(file, "", old ? "age" : "size", dry_run));
  }
  return {};
}

base::Exit prune(const Options& options, cli::Context& context) {
  return with_store(options, context,
                    [&](store::Store& store, ndjson::Output& out) -> base::Result<base::Exit> {
                      const auto applied = apply(options.retention, options.dry_run, store,
                                                 [&out](const std::string& line) { out.write(line); });
                      if (!applied) return std::unexpected(applied.error());
                      if (const auto swept = store.sweep(options.retention.grace_ns); !swept)
                        return std::unexpected(swept.error());
                      return base::Exit::ok;
                    });
}

}  // namespace wl::pcapingest
