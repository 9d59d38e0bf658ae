#include "libcommon/store/records.h"

#include <array>
#include <sstream>

#include <nlohmann/json.hpp>

namespace wl::store {
namespace {

using nlohmann::ordered_json;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 16> kFileKeys{{
    {"file_id", Kind::text, "", "the first 32 digits of sha256: the same on every import", true},
    {"name", Kind::text, "", "as its owner called it", true},
    {"owner", Kind::text, "", "who has it, where all owners' files are listed"},
    {"bytes", Kind::u64, "bytes", "size of the capture, uncompressed", true},
    {"packets", Kind::u64, "", "how many packets it has"},
    {"first", Kind::time, "", "time of the earliest packet"},
    {"last", Kind::time, "", "time of the latest packet"},
    {"duration_s", Kind::number, "s", "from the earliest to the latest"},
    {"links", Kind::text_list, "", "its link types"},
    {"sha256", Kind::text, "", "of the capture, uncompressed", true},
    {"truncated", Kind::boolean, "", "not all of it could be read"},
    {"already_present", Kind::boolean, "", "the owner had it before this import"},
    {"stored_bytes", Kind::u64, "bytes", "what it takes in the store"},
    {"reference", Kind::text, "", "where the original lies, if it was not copied"},
    {"imported", Kind::time, "", "when it came into the store; without it: it is in none"},
    {"state", Kind::text, "", "parsing: it will be there; without it: it is, with all of the above"},
}};

constexpr std::array<KeyInfo, 5> kProjectKeys{{
    {"project_id", Kind::text, "", "the project", true},
    {"name", Kind::text, "", "unique among the owner's projects", true},
    {"owner", Kind::text, "", "whose it is, where all owners' projects are listed"},
    {"created", Kind::time, "", "when it was made", true},
    {"files", Kind::u64, "", "how many files are in it", true},
}};

constexpr int kFraction = 6;

/// The time as --time has it.
ordered_json time_value(int64_t ns, base::TimeFormat format) {
  char text[base::TimeText::kMaxSize];
  base::TimeText writer(format);
  char* const end = writer.write(text, ns, ns % 1000 == 0 ? kFraction : 9);
  return ordered_json::parse(std::string(text, end));
}

std::string line(const ordered_json& record) {
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

ordered_json split(const std::string& words) {
  ordered_json list = ordered_json::array();
  std::istringstream text(words);
  for (std::string word; std::getline(text, word, ',');) list.push_back(word);
  return list;
}

}  // namespace

const record::RecordType kFileType{"file", "a capture in the store", kFileKeys};
const record::RecordType kProjectType{"project", "a name for a set of captures", kProjectKeys};

std::string file_line(const catalog::CaptureFile& file, const FileLine& more, base::TimeFormat format) {
  ordered_json record{{"type", "file"}, {"file_id", file.file_id}, {"name", more.name}};
  if (!more.owner.empty()) record["owner"] = more.owner;
  record["bytes"] = file.bytes;
  record["packets"] = file.packets;
  if (file.timed != 0) {
    record["first"] = time_value(file.first_ns, format);
    record["last"] = time_value(file.last_ns, format);
    record["duration_s"] = static_cast<double>(file.last_ns - file.first_ns) / 1e9;
  }
  record["links"] = split(file.links);
  record["sha256"] = file.sha256;
  record["truncated"] = file.truncated != 0;
  if (more.already_present) record["already_present"] = *more.already_present;
  record["stored_bytes"] = file.stored_bytes;
  if (!file.reference.empty()) record["reference"] = file.reference;
  if (file.created != 0) record["imported"] = time_value(file.created, format);
  return line(record);
}

std::string project_line(const catalog::Project& project, bool with_owner, base::TimeFormat format) {
  ordered_json record{{"type", "project"}, {"project_id", project.id}, {"name", project.name}};
  if (with_owner) record["owner"] = project.owner;
  record["created"] = time_value(project.created, format);
  record["files"] = project.files;
  return line(record);
}

}  // namespace wl::store
