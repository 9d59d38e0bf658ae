#pragma once
// What a verb is. A new one is a file verb_<name>.cpp with its VerbInfo, and that one's row in verbs.cpp.
#include <memory>
#include <span>

#include "libcommon/base/error.h"
#include "libcommon/record/type.h"
#include "tools/pcapquery/selection.h"

namespace CLI {
class App;
}

namespace wl::pcapquery {

class Query;

class Verb {
 public:
  Verb() = default;
  virtual ~Verb() = default;
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  /// Its own options; `selection` is for those that name captures in a way of their own.
  virtual void declare(CLI::App& app, Selection& selection) = 0;
  /// Once for each command line.
  virtual base::Result<void> run(Query& query) = 0;
};

/// Which of the shared options a verb has.
enum class Takes : uint8_t {
  store,     ///< --store, --db
  owner,     ///< these, --owner, and how records are written
  captures,  ///< all that, and FILE…, --project, --since, --until
};

struct VerbInfo {
  const char* name;
  const char* summary;
  Takes takes;
  std::span<const record::RecordType* const> types;  ///< what it writes
  std::unique_ptr<Verb> (*make)();
  bool answers_afar = true;  ///< serve has it: it reads the store and writes records, and nothing else
};

template <class Kind>
std::unique_ptr<Verb> make_verb() {
  return std::make_unique<Kind>();
}

}  // namespace wl::pcapquery
