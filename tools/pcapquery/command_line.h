#pragma once
// pcapquery's command line: a verb, which captures, how they are shown.
#include <memory>
#include <vector>

#include "libcommon/cli/run.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {

[[nodiscard]] const cli::Tool& tool();

/// One command line's choices.
class CommandLine {
 public:
  /// The app fills this object, which must outlive it.
  void declare(CLI::App& app);
  /// After it was parsed.
  [[nodiscard]] base::Result<void> answer(Query& query) { return chosen_->run(query); }

  /// The verb answers with records alone, and nothing says which store, or whose.
  [[nodiscard]] bool may_be_asked_from_afar() const;

  [[nodiscard]] Asker& asker() { return asker_; }

 private:
  void declare_shared(CLI::App& verb, Takes takes);

  Asker asker_;
  std::vector<std::unique_ptr<Verb>> verbs_;
  Verb* chosen_ = nullptr;
  bool answers_afar_ = true;  // of the chosen verb
};

/// Asks and answers on the process's own streams.
[[nodiscard]] base::Exit run(CommandLine& line, cli::Context& context);

}  // namespace wl::pcapquery
