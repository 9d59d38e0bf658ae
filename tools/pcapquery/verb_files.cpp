#include <array>

#include "libcommon/base/utf8.h"
#include "libcommon/store/records.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

constexpr std::array<const record::RecordType*, 1> kTypes{&store::kFileType};

/// What the catalog would have of it.
catalog::CaptureFile as_file(const store::Ingested& ingested) {
  const auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  catalog::CaptureFile file;
  file.sha256 = ingested.sha256;
  file.file_id = ingested.sha256.substr(0, 32);
  file.bytes = number(ingested.bytes);
  file.packets = number(ingested.packets);
  file.first_ns = ingested.first_ns;
  file.last_ns = ingested.last_ns;
  file.timed = ingested.timed ? 1 : 0;
  file.truncated = ingested.fault.empty() ? 0 : 1;
  file.links = ingested.links;
  return file;
}

class Files final : public Verb {
 public:
  void declare(CLI::App&, Selection&) override {}

  base::Result<void> run(Query& query) override {
    const auto found = query.find();
    if (!found) return found;
    for (const Input& input : query.inputs())
      if (!query.out().line(as_line(input, query))) break;
    return {};
  }

 private:
  static std::string as_line(const Input& input, const Query& query) {
    const base::TimeFormat format = query.style().time;
    if (!input.held)
      return store::file_line(as_file(input.temporary->ingested()),
                              {.name = base::wire_text(input.capture.name)}, format);
    const bool is_operator = query.selection().owner.empty();
    return store::file_line(
        *input.held, {.name = input.held->name, .owner = is_operator ? input.held->owner : ""}, format);
  }
};

}  // namespace

extern const VerbInfo kFiles;
const VerbInfo kFiles{"files", "which captures there are", Takes::captures, kTypes, make_verb<Files>};

}  // namespace wl::pcapquery
