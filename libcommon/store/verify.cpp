// Store::verify: is everything of a file as it was, and is it what a fresh decode would make?
#include <filesystem>
#include <fstream>
#include <map>

#include "libcommon/store/files.h"
#include "libcommon/store/store.h"
#include "libcommon/store/tables.h"

namespace wl::store {
namespace {

using Faults = std::vector<std::string>;

/// The manifest's lines: sums by name.
std::map<std::string, std::string> read_manifest(const std::string& path, Faults& faults) {
  std::map<std::string, std::string> sums;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const size_t between = line.find("  ");
    const bool whole = !file.eof() && between != line.npos;
    if (!whole) faults.push_back(path + ": not the bytes that were written");
    if (whole) sums[line.substr(between + 2)] = line.substr(0, between);
  }
  if (sums.empty()) faults.push_back(path + ": missing or empty");
  return sums;
}

void check_original(const std::string& path, const std::string& sha256, Faults& faults) {
  const auto digest = sha256_of(path);
  if (!digest) {
    faults.push_back(digest.error().line());
  } else if (digest->sha256 != sha256) {
    faults.push_back(path + ": its SHA-256 is " + digest->sha256 + ", no longer that of the file");
  }
}

void check_parts(const std::string& folder, Faults& faults) {
  const auto sums = read_manifest(folder + "/" + kManifest, faults);
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (const std::string name = at->path().filename(); name != kManifest && !sums.contains(name))
      faults.push_back(at->path().string() + ": not in " + kManifest);
  for (const auto& [name, sum] : sums) {
    const std::string path = folder + "/" + name;
    const auto digest = sha256_of(path);
    if (!digest) {
      faults.push_back(digest.error().line());
    } else if (digest->sha256 != sum) {
      faults.push_back(path + ": not the bytes that were written");
    }
  }
}

/// How many rows one has and the other has not, both ways.
base::Result<int64_t> differing(Duck& duck, const std::string& ours, const std::string& theirs) {
  const std::string only = "(select * from " + ours + " except all select * from " + theirs + ")";
  const std::string other = "(select * from " + theirs + " except all select * from " + ours + ")";
  return duck.number("select (select count(*) from " + only + ") + (select count(*) from " + other + ")");
}

/// With the columns that no part has.
std::string rows_of(const std::string& folder, Table table) {
  const std::string name(kTableNames.at(static_cast<size_t>(table)));
  return "(select " + typed_nulls(columns_of(table)) + " where false union all by name from read_parquet(" +
         store::quoted(folder + "/" + name + "-*.parquet") +
         ", union_by_name = true, hive_partitioning = false))";
}

void check_rows(const std::string& stored, const std::string& fresh, Faults& faults) {
  auto duck = Duck::open({.spill_folder = fresh});
  if (!duck) {
    faults.push_back(duck.error().line());
    return;
  }
  for (size_t i = 0; i < kTableNames.size(); ++i) {
    const std::string_view table = kTableNames.at(i);
    const auto count =
        differing(*duck, rows_of(stored, static_cast<Table>(i)), rows_of(fresh, static_cast<Table>(i)));
    if (!count) {
      faults.push_back(stored + ": " + std::string(table) + ": " + count.error().line());
    } else if (*count != 0) {
      faults.push_back(stored + ": " + std::string(table) + ": " + std::to_string(*count) +
                       " rows are not what a fresh decode gives");
    }
  }
}

}  // namespace

base::Result<std::vector<std::string>> Store::verify(const catalog::CaptureFile& file) {
  Faults faults;
  const std::string original = original_path(file), folder = parts_folder(file.file_id, file.ingest);
  check_original(original, file.sha256, faults);
  check_parts(folder, faults);
  if (!faults.empty()) return faults;
  const auto incoming = begin();
  if (!incoming) return std::unexpected(incoming.error());
  const std::string fresh = incoming->folder() + "/parts";
  const auto again = ingest(original, {.folder = fresh});
  if (again) {
    check_rows(folder, fresh, faults);
  } else {
    faults.push_back(again.error().line());
  }
  return faults;
}

}  // namespace wl::store
