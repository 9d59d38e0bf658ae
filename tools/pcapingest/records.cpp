#include "tools/pcapingest/records.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"

namespace wl::pcapingest {
namespace {

using nlohmann::ordered_json;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 5> kDeletionKeys{{
    {"file_id", Kind::text, "", "the first 32 digits of sha256: the same on every import", true},
    {"name", Kind::text, "", "as its owner called it"},
    {"stored_bytes", Kind::u64, "bytes", "what it takes in the store", true},
    {"reason", Kind::text, "", "user: it was asked for; age, size: of retention", true},
    {"state", Kind::text, "", "deleted, or with --dry-run planned", true},
}};

constexpr std::array<KeyInfo, 4> kVerificationKeys{{
    {"file_id", Kind::text, "", "the first 32 digits of sha256: the same on every import", true},
    {"name", Kind::text, "", "as its owner called it", true},
    {"state", Kind::text, "", "good or damaged", true},
    {"faults", Kind::text_list, "", "what is wrong, and where", true},
}};

constexpr std::array<KeyInfo, 10> kImportKeys{{
    {"file_id", Kind::text, "", "the first 32 digits of sha256; not known of all before the end"},
    {"name", Kind::text, "", "as its owner calls it", true},
    {"owner", Kind::text, "", "whose it will be, where all owners' imports are listed"},
    {"bytes", Kind::u64, "bytes", "of the capture, read so far", true},
    {"total_bytes", Kind::u64, "bytes", "of the capture", true},
    {"packets", Kind::u64, "", "read so far", true},
    {"bytes_per_s", Kind::number, "bytes/s", "since its beginning"},
    {"eta_s", Kind::number, "s", "until all is read, at that rate"},
    {"state", Kind::text, "", "parsing, done or failed", true},
    {"reason", Kind::text, "", "why it failed"},
}};

std::string line(const ordered_json& record) {
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

const record::RecordType kDeletionType{"deletion", "a capture that left the store", kDeletionKeys};
const record::RecordType kVerificationType{"verification", "what was found of a capture in the store",
                                           kVerificationKeys};

const record::RecordType kImportType{"import", "a capture that is being taken into the store", kImportKeys};

std::string deletion_line(const catalog::CaptureFile& file, const std::string& name,
                          const std::string& reason, bool planned) {
  ordered_json record{{"type", "deletion"}, {"file_id", file.file_id}};
  if (!name.empty()) record["name"] = name;
  record["stored_bytes"] = file.stored_bytes;
  record["reason"] = reason;
  record["state"] = planned ? "planned" : "deleted";
  return line(record);
}

std::string verification_line(const catalog::CaptureFile& file, const std::string& name,
                              const std::vector<std::string>& faults) {
  return line({{"type", "verification"},
               {"file_id", file.file_id},
               {"name", name},
               {"state", faults.empty() ? "good" : "damaged"},
               {"faults", faults}});
}

std::string import_line(const Progressing& progress, const std::string& state, bool one_owner) {
  ordered_json record{{"type", "import"}};
  if (!progress.file_id.empty()) record["file_id"] = progress.file_id;
  record["name"] = progress.name;
  if (!one_owner) record["owner"] = progress.owner;
  record["bytes"] = progress.bytes;
  record["total_bytes"] = progress.total_bytes;
  record["packets"] = progress.packets;
  const double seconds = static_cast<double>(base::wall_clock_ns() - progress.started_ns) / 1e9;
  if (state == "parsing" && progress.bytes > 0 && seconds > 0) {
    const double rate = static_cast<double>(progress.bytes) / seconds;
    const uint64_t left = progress.total_bytes - std::min(progress.bytes, progress.total_bytes);
    record["bytes_per_s"] = std::round(rate);
    record["eta_s"] = std::round(static_cast<double>(left) / rate * 10) / 10;
  }
  record["state"] = state;
  if (!progress.reason.empty()) record["reason"] = progress.reason;
  return line(record);
}

std::string parsing_line(const std::string& sha256, const std::string& name, uint64_t bytes) {
  return line({{"type", "file"},
               {"file_id", sha256.substr(0, 32)},
               {"name", name},
               {"bytes", bytes},
               {"sha256", sha256},
               {"state", "parsing"}});
}

std::string error_line(const base::Error& error, unsigned code) {
  ordered_json record{{"type", "error"}, {"message", error.text}};
  if (code != 0) record["code"] = code;
  return line(record);
}

}  // namespace wl::pcapingest
