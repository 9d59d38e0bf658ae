#include "tools/pcapingest/add.h"

#include <algorithm>
#include <filesystem>

#include "libcommon/base/signals.h"
#include "tools/pcapingest/importer.h"
#include "tools/pcapingest/pipe.h"

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

}  // namespace

base::Exit add(const Options& options, cli::Context& context) {
  const auto fail = [&context](const base::Error& error) {
    context.log.error(error);
    return error.exit;
  };
  const auto store = store::Store::open(options.location);
  if (!store) return fail(store.error());
  if (const auto swept = (*store)->sweep(); !swept) return fail(swept.error());
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
