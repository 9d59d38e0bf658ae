#include "tools/pcapingest/progress.h"

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

namespace wl::pcapingest {
namespace {

using nlohmann::json;

std::string file_in(const std::string& folder) { return folder + "/progress"; }

}  // namespace

void write_progress(const std::string& folder, const Progressing& progress) {
  const json document{{"file_id", progress.file_id}, {"owner", progress.owner},
                      {"name", progress.name},       {"reason", progress.reason},
                      {"bytes", progress.bytes},     {"total_bytes", progress.total_bytes},
                      {"packets", progress.packets}, {"started", progress.started_ns}};
  const std::string fresh = file_in(folder) + ".new";
  std::ofstream(fresh) << document.dump(-1, ' ', false, json::error_handler_t::replace);
  std::error_code ignored;
  std::filesystem::rename(fresh, file_in(folder), ignored);
}

std::optional<Progressing> read_progress(const std::string& folder) {
  std::ifstream in(file_in(folder));
  const json document = json::parse(in, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  try {
    return Progressing{.file_id = document.at("file_id"),
                       .owner = document.at("owner"),
                       .name = document.at("name"),
                       .reason = document.at("reason"),
                       .bytes = document.at("bytes"),
                       .total_bytes = document.at("total_bytes"),
                       .packets = document.at("packets"),
                       .started_ns = document.at("started")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace wl::pcapingest
