#include "libcommon/record/field_selection.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/edit_distance.h"

namespace wl::record {
namespace {

constexpr Group kGroups[] = {Group::core, Group::app,    Group::link, Group::ip,
                             Group::tcp,  Group::tunnel, Group::at};

FieldSet all_groups() {
  FieldSet set;
  for (const Group group : kGroups) set = set | group_fields(group);
  return set;
}

std::optional<FieldSet> fields_named(std::string_view word) {
  if (word == "all") return all_groups();
  if (word == "default") return default_fields();
  if (word == "ts" || word == "type") return FieldSet{};
  // A group comes before a key of the same name ("app" and "tunnel" are both).
  for (const Group group : kGroups) {
    if (word == group_name(group)) return group_fields(group);
  }
  const auto table = packet_fields();
  for (size_t i = 0; i < kFieldCount; ++i) {
    if (word == table[i].key) return FieldSet{static_cast<Field>(i)};
  }
  return std::nullopt;
}

base::Error unknown_field(std::string_view word) {
  std::string_view nearest = packet_fields()[0].key;
  const std::string_view tried = word.substr(0, 64);
  for (const FieldInfo& field : packet_fields()) {
    if (base::edit_distance(tried, field.key) < base::edit_distance(tried, nearest)) nearest = field.key;
  }
  return {"--fields: no field or group \"" + std::string(tried) + "\"",
          "did you mean " + std::string(nearest) + "? The manual lists all", base::Exit::usage};
}

}  // namespace

FieldSet default_fields() {
  return group_fields(Group::core) | group_fields(Group::app) | group_fields(Group::tunnel);
}

base::Result<FieldSet> parse_fields(std::string_view text) {
  const bool changes_default = text.starts_with('+') || text.starts_with('-');
  FieldSet set = changes_default ? default_fields() : FieldSet{};
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (word.empty()) continue;
    const bool removes = word[0] == '-';
    if (removes || word[0] == '+') word.remove_prefix(1);
    const auto fields = fields_named(word);
    if (!fields) return std::unexpected(unknown_field(word));
    set = removes ? set - *fields : set | *fields;
  }
  return set;
}

}  // namespace wl::record
