#include "tools/pcapingest/records.h"

#include <array>

#include <nlohmann/json.hpp>

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

std::string line(const ordered_json& record) {
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

const record::RecordType kDeletionType{"deletion", "a capture that left the store", kDeletionKeys};
const record::RecordType kVerificationType{"verification", "what was found of a capture in the store",
                                           kVerificationKeys};

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

}  // namespace wl::pcapingest
