#include "libcommon/store/reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include <unistd.h>

#include "libcommon/store/ingest.h"
#include "libcommon/store/tables.h"

namespace wl::store {
namespace {

constexpr std::string_view kKey = "file_id=";

using PathLists = std::array<std::vector<std::string>, kTableNames.size()>;

/// Adds the paths of the capture's parts, table by table.
base::Result<void> list_parts(const Capture& capture, PathLists& lists) {
  const std::string manifest = capture.folder + "/" + kManifest;
  std::ifstream file(manifest);
  if (!file) return base::fail(manifest + ": " + base::errno_text(errno), "pcapingest verify");
  std::string digest, name;
  std::array<bool, kTableNames.size()> seen{};
  while (file >> digest >> name) {
    const auto table = std::ranges::find(kTableNames, name.substr(0, name.find('-')));
    const std::string path = capture.folder + "/" + name;
    if (table == kTableNames.end() || name.find('/') != std::string::npos || !name.ends_with(".parquet"))
      return base::fail(manifest + ": \"" + name + "\" is no part", "pcapingest verify");
    if (::access(path.c_str(), R_OK) != 0)
      return base::fail(path + ": " + base::errno_text(errno), "pcapingest verify");
    const auto at = static_cast<size_t>(table - kTableNames.begin());
    lists.at(at).push_back(path);
    seen.at(at) = true;
  }
  if (std::ranges::find(seen, false) != seen.end())
    return base::fail(manifest + ": cut short", "pcapingest verify");
  return {};
}

std::string sql_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + quoted(text);
  return "[" + list + "]";
}

base::Result<void> make_views(Duck& duck, const PathLists& lists) {
  for (size_t i = 0; i < lists.size(); ++i) {
    // The first select gives the columns that no part has.
    const auto table = static_cast<Table>(i);
    const auto made =
        duck.run("create view " + std::string(kTableNames.at(i)) + " as select NULL::VARCHAR as file_id, " +
                 typed_nulls(columns_of(table)) + " where false union all by name from read_parquet(" +
                 sql_list(lists.at(i)) +
                 ", union_by_name = true, hive_partitioning = true, hive_types = {'file_id': VARCHAR})");
    if (!made) return made;
  }
  return {};
}

base::Result<void> lock(Duck& duck, const PathLists& lists) {
  std::vector<std::string> paths;
  for (const auto& list : lists) paths.insert(paths.end(), list.begin(), list.end());
  for (const std::string& setting :
       {"set allowed_paths = " + sql_list(paths), std::string("set enable_external_access = false"),
        std::string("set lock_configuration = true")})
    if (const auto set = duck.run(setting); !set) return set;
  return {};
}

}  // namespace

base::Result<Reader> Reader::open(std::vector<Capture> captures, const ReaderOptions& options) {
  PathLists lists;
  for (const Capture& capture : captures)
    if (const auto listed = list_parts(capture, lists); !listed) return std::unexpected(listed.error());
  auto duck = Duck::open(options.duck);
  if (!duck) return std::unexpected(duck.error());
  if (const auto made = make_views(*duck, lists); !made) return std::unexpected(made.error());
  if (options.locked)
    if (const auto locked = lock(*duck, lists); !locked) return std::unexpected(locked.error());
  return Reader(std::move(*duck), std::move(captures));
}

base::Result<void> Reader::check(const Capture& capture) {
  PathLists lists;
  return list_parts(capture, lists);
}

std::string Reader::file_key(const Capture& capture) {
  const size_t begin = capture.folder.rfind(kKey);
  if (begin == std::string::npos) return {};
  const size_t from = begin + kKey.size();
  return capture.folder.substr(from, capture.folder.find('/', from) - from);
}

const Capture* Reader::capture(std::string_view key) const {
  const auto found = std::ranges::find(captures_, key, file_key);
  return found == captures_.end() ? nullptr : &*found;
}

}  // namespace wl::store
