#include "tools/pcapquery/picked.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>

#include <unistd.h>

#include "libcommon/ndjson/fields.h"

namespace wl::pcapquery {
namespace {

enum Path : size_t { kFileId, kAtFile, kN };
const std::array<std::string, 3> kPaths{"file_id", "at_file", "n"};

/// Finds each capture once, also one that is not there.
class Captures {
 public:
  explicit Captures(Query& query) : query_(query) {}

  /// Null: there is none, which was said.
  Picked* find(const std::string& name, bool is_path) {
    const auto [known, is_new] = places_.try_emplace({name, is_path}, kNone);
    if (is_new) {
      const auto capture = is_path ? of_path(name) : of_id(name);
      if (capture) {
        known->second = picked_.size();
        picked_.push_back({*capture, {}});
      } else {
        query_.fault(capture.error().line());
      }
    }
    return known->second == kNone ? nullptr : &picked_[known->second];
  }

  std::vector<Picked> take() {
    for (Picked& each : picked_) {
      std::ranges::sort(each.n);
      const auto again = std::ranges::unique(each.n);
      each.n.erase(again.begin(), again.end());
    }
    return std::move(picked_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  [[nodiscard]] base::Result<store::Capture> of_path(const std::string& path) const {
    if (query_.selection().is_stored || ::access(path.c_str(), R_OK) != 0)
      return base::fail(path + ": there is no such capture");
    return store::Capture{.name = path, .original = path};
  }

  [[nodiscard]] base::Result<store::Capture> of_id(const std::string& file_id) const {
    Selection selection = query_.selection();
    selection.files = {file_id};
    selection.is_stored = true;
    const auto found = find_inputs(selection, query_.asker().is_unwanted);
    if (!found) return std::unexpected(found.error());
    return found->front().capture;
  }

  Query& query_;
  std::map<std::pair<std::string, bool>, size_t> places_;
  std::vector<Picked> picked_;
};

/// Nothing: it is none that 64 bits hold.
std::optional<uint64_t> whole_number(const ndjson::Value& value) {
  uint64_t number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto read = std::from_chars(value.text.data(), end, number);
  if (value.kind != ndjson::ValueKind::number || read.ec != std::errc() || read.ptr != end)
    return std::nullopt;
  return number;
}

/// Whether the line names a packet.
bool take(const ndjson::Fields& fields, Captures& captures) {
  const auto n = whole_number(fields[kN]);
  const bool has_id = fields[kFileId].kind == ndjson::ValueKind::text;
  const bool has_path = fields[kAtFile].kind == ndjson::ValueKind::text;
  if (!n || (!has_id && !has_path)) return false;
  Picked* const picked = captures.find(std::string(fields[has_id ? kFileId : kAtFile].text), !has_id);
  if (picked != nullptr) picked->n.push_back(*n);
  return true;
}

}  // namespace

base::Result<std::vector<Picked>> read_picked(Query& query) {
  ndjson::LineReader reader(STDIN_FILENO);
  ndjson::Fields fields(kPaths);
  ndjson::Line line;
  Captures captures(query);
  for (;;) {
    const auto state = reader.next(line);
    if (!state) return std::unexpected(state.error());
    if (*state == ndjson::LineState::end) return captures.take();
    if (*state == ndjson::LineState::idle) continue;
    const bool read = *state == ndjson::LineState::line && fields.read(line.text);
    if (!read || !take(fields, captures))
      query.fault("stdin:" + std::to_string(line.number) +
                  ": expected a packet record with n and file_id or at_file");
  }
}

}  // namespace wl::pcapquery
