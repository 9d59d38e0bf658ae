#include "tools/pcapquery/inputs.h"

#include <algorithm>

#include <sys/stat.h>

#include "libcommon/base/utf8.h"

namespace wl::pcapquery {
namespace {

using base::Result;
using catalog::HeldFile;

bool is_there(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0;
}

/// In a message, which is one line.
std::string shown(const std::string& text) {
  std::string line = base::wire_text(text);
  std::ranges::replace_if(line, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, '?');
  return line;
}

/// Finds captures one after the other; opens the catalog when it is first needed.
class Finder {
 public:
  Finder(const Selection& selection, const std::function<bool()>& give_up)
      : selection_(selection), give_up_(give_up) {}

  Result<void> add(const std::string& text) {
    if (text.find('/') != std::string::npos) return add_path(text);
    const auto file = in_catalog(text);
    if (!file) return std::unexpected(file.error());
    if (!*file) return add_path(text);
    add_held(**file);
    return {};
  }

  Result<void> add_all(const catalog::TimeSpan& span) {
    auto store = open_store(selection_);
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    const auto project = project_id();
    if (!project) return std::unexpected(project.error());
    const auto files = store_->catalog().files(selection_.owner, *project, span);
    if (!files) return std::unexpected(files.error());
    for (const HeldFile& file : *files) add_held(file);
    return {};
  }

  std::vector<Input> take() { return std::move(found_); }

 private:
  Result<std::optional<HeldFile>> in_catalog(const std::string& text) {
    if (!store_) {
      auto store = store::Store::open_existing(selection_.catalog);
      if (!store) return std::unexpected(store.error());
      store_ = std::move(*store);
    }
    if (!store_) return std::nullopt;
    return store_->catalog().find_file(selection_.owner, text);
  }

  Result<void> add_path(const std::string& path) {
    if (selection_.is_stored || !is_there(path))
      return base::fail(shown(path) + ": there is no such capture", "pcapquery files lists them",
                        base::Exit::no);
    auto parts = store::TemporaryParts::make(path, give_up_);
    if (!parts) return std::unexpected(parts.error());
    found_.push_back({(*parts)->capture(), std::nullopt, std::move(*parts)});
    return {};
  }

  void add_held(const HeldFile& file) {
    const auto same = [&](const Input& input) {
      return input.held && input.held->file_id == file.file_id && input.held->owner == file.owner;
    };
    if (std::ranges::none_of(found_, same)) found_.push_back({store_->capture(file), file, nullptr});
  }

  Result<std::string> project_id() {
    if (selection_.project.empty()) return std::string{};
    const auto project = store_->catalog().find_project(selection_.owner, selection_.project);
    if (!project) return std::unexpected(project.error());
    if (!*project)
      return base::fail(shown(selection_.project) + ": there is no such project",
                        "pcapquery projects lists them", base::Exit::no);
    return (*project)->id;
  }

  const Selection& selection_;
  const std::function<bool()>& give_up_;
  std::unique_ptr<store::Store> store_;
  std::vector<Input> found_;
};

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const Selection& selection) {
  auto store = store::Store::open_existing(selection.catalog);
  if (store && !*store)
    return base::fail("there is no store yet", "pcapingest add FILE makes one", base::Exit::no);
  return store;
}

Result<std::vector<Input>> find_inputs(const Selection& selection, const std::function<bool()>& give_up) {
  if (!selection.files.empty() && !selection.project.empty())
    return base::fail("FILE and --project exclude each other", "give one of them", base::Exit::usage);
  const auto span = time_span(selection);
  if (!span) return std::unexpected(span.error());
  Finder finder(selection, give_up);
  if (selection.files.empty()) {
    if (const auto added = finder.add_all(*span); !added) return std::unexpected(added.error());
  }
  for (const std::string& text : selection.files)
    if (const auto added = finder.add(text); !added) return std::unexpected(added.error());
  return finder.take();
}

}  // namespace wl::pcapquery
