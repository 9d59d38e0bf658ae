#pragma once
// The captures that a selection means.
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "libcommon/store/store.h"
#include "tools/pcapquery/selection.h"

namespace wl::pcapquery {

struct Input {
  store::Capture capture{};
  std::optional<catalog::HeldFile> held{};  ///< of a capture in the store
  std::unique_ptr<store::TemporaryParts>
      temporary{};  ///< of one that was never ingested: goes with the object
};

/// All of `selection`. Each is there once for each who has it. Exit::no: there is no such capture or project;
/// Exit::usage: a text means several. `give_up` is asked while captures that are in no store are read.
[[nodiscard]] base::Result<std::vector<Input>> find_inputs(const Selection& selection,
                                                           const std::function<bool()>& give_up);

/// The store that is asked. Exit::no: there is none.
[[nodiscard]] base::Result<std::unique_ptr<store::Store>> open_store(const Selection& selection);

}  // namespace wl::pcapquery
