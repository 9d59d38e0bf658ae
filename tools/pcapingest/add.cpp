#include "tools/pcapingest/add.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/utf8.h"
#include "libcommon/store/original.h"
#include "tools/pcapingest/importer.h"
#include "tools/pcapingest/manage.h"
#include "tools/pcapingest/pipe.h"
#include "tools/pcapingest/records.h"
#include "tools/pcapingest/wait.h"

namespace wl::pcapingest {
namespace {

namespace fs = std::filesystem;

/// The regular files below a directory, by name; links are not followed.
base::Result<std::vector<std::string>> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->symlink_status().type() == fs::file_type::regular) files.push_back(at->path().string());
  if (error) return base::fail(folder + ": " + error.message());
  std::ranges::sort(files);
  return files;
}

base::Result<std::unique_ptr<store::Store>> open_swept(const Options& options) {
  auto store = store::Store::open(options.location);
  if (!store) return store;
  if (const auto swept = (*store)->sweep(); !swept) return std::unexpected(swept.error());
  return store;
}

/// A file by its descriptor, for who reads it after it was removed.
std::string path_of(const base::Fd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

/// The one file of --wait. Its bytes are read twice, so that its id is known early.
base::Result<Import> import_of(const Options& options, const base::Fd& file, base::Fd early) {
  Import import{.path = path_of(file), .name = options.name, .shown = options.paths[0]};
  if (import.name.empty()) import.name = fs::path(import.shown).filename().string();
  const auto original = store::Original::open(import.path, "", false);
  const auto read = original ? (*original)->finish() : std::unexpected(original.error());
  if (!read) return with_context(import.shown, read.error());
  import.file_id = (*original)->sha256().substr(0, 32);
  import.bytes = (*original)->size();
  ndjson::Output out(early.get());
  out.write(parsing_line((*original)->sha256(), base::utf8_text(import.name), import.bytes));
  out.finish();
  return import;
}

/// Takes in one file while somebody may wait for it.
base::Exit add_detached(const Options& options, cli::Context& context, Detached detached) {
  const auto fail = [&](const base::Error& error) { return tell_failure(options, context, error); };
  const base::Fd file(::open(options.paths[0].c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail({options.paths[0] + ": " + base::errno_text(errno)});
  const pid_t starter = ::getppid();
  const auto store = open_swept(options);
  if (!store) return fail(store.error());
  Importer importer(**store, options, context);
  if (const auto prepared = importer.prepare(); !prepared) return fail(prepared.error());
  auto import = import_of(options, file, std::move(detached.early));
  if (!import) return fail(import.error());
  import->linger = [starter] { return ::getppid() != starter; };
  importer.add(std::move(*import));
  return importer.finish();
}

base::Exit add_waiting(const Options& options, cli::Context& context) {
  std::error_code error;
  const bool is_one = options.paths.size() == 1 && options.paths[0] != "-" && !options.no_copy &&
                      !fs::is_directory(options.paths[0], error);
  if (!is_one)
    return tell_failure(options, context,
                        {"--wait: for one file that is copied", "without --wait", base::Exit::usage});
  auto forked = fork_import(options.wait_ns);
  if (!forked) return tell_failure(options, context, forked.error());
  if (const auto* const status = std::get_if<base::Exit>(&*forked)) return *status;
  return add_detached(options, context, std::get<Detached>(std::move(*forked)));
}

}  // namespace

base::Exit add(const Options& options, cli::Context& context) {
  if (options.wait_ns != 0) return add_waiting(options, context);
  const auto fail = [&](const base::Error& error) { return tell_failure(options, context, error); };
  std::error_code ignored;
  if (!options.name.empty() && (options.paths.size() != 1 || fs::is_directory(options.paths[0], ignored)))
    return fail({"--name: is that of one file", "one at a time", base::Exit::usage});
  const auto store = open_swept(options);
  if (!store) return fail(store.error());
  Importer importer(**store, options, context);
  if (const auto prepared = importer.prepare(); !prepared) return fail(prepared.error());
  // On a pipeline Ctrl-C goes to us too; what the capture's writer still says must not be lost.
  if (std::ranges::find(options.paths, "-") != options.paths.end()) base::Signals::ignore_first_stop();
  base::Exit status = base::Exit::ok;
  for (const std::string& path : options.paths) {
    std::error_code error;
    if (path == "-") {
      if (const auto read = read_pipe(**store, options, context, importer); !read)
        status = fail(read.error());
    } else if (fs::is_directory(path, error)) {
      const auto files = files_below(path);
      if (!files) status = fail(files.error());
      for (const std::string& file : files.value_or(std::vector<std::string>())) {
        Import import{.path = file};
        import.may_be_other = true;
        importer.add(std::move(import));
      }
    } else {
      importer.add({.path = path, .name = options.name});
    }
  }
  return std::max(status, importer.finish());
}

}  // namespace wl::pcapingest
