#pragma once
// jq programs (libjq 1.6): compiled once, run on JSON texts.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/error.h"

struct jq_state;

namespace wl::wsbridge::shape {

/// A compiled program. Not for two threads at once. Programs come from the owner of the server, JSON from
/// anybody: a program sees its input and nothing else ($ENV and env are {}, there are no modules and no
/// further inputs, `stderr` and `debug` write nowhere), but ~/.jq is read as jq does, and neither its time
/// nor its memory is bounded.
class Program {
 public:
  /// `variables` become $name with a JSON text as value. An error says what jq says, in one line. Takes
  /// milliseconds: compile at the start, not for a request.
  [[nodiscard]] static base::Result<Program> compile(
      const std::string& text, const std::vector<std::pair<std::string, std::string>>& variables = {});

  /// Runs it on one JSON text and gives each result as compact JSON, keys in their order. jq computes with
  /// doubles: integers above 2^53 are rounded, 1.10 comes out as 1.1, 1e400 as the largest double. JSON may
  /// be nested 256 deep.
  [[nodiscard]] base::Result<void> run(std::string_view json,
                                       const std::function<void(std::string_view result)>& each);
  static constexpr size_t kMaxResults = 1'000'000;

 private:
  struct End {
    void operator()(jq_state* jq) const;
  };
  std::unique_ptr<jq_state, End> jq_{};
};

}  // namespace wl::wsbridge::shape
