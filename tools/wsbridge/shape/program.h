#pragma once
// jq programs (libjq 1.6): compiled once, run on JSON texts.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/error.h"

namespace wl::wsbridge::shape {

/// A compiled program. Not for two threads at once. Programs come from the owner of the server, JSON from
/// anybody: a program sees its input and nothing else ($ENV and env are {}, there are no modules and no
/// further inputs, `stderr` and `debug` write nowhere), but ~/.jq is read as jq does, and memory is not
/// bounded.
class Program {
 public:
  /// `variables` become $name with a JSON text as value. An error says what jq says, in one line. Takes
  /// milliseconds: compile at the start, not for a request.
  [[nodiscard]] static base::Result<Program> compile(
      const std::string& text, const std::vector<std::pair<std::string, std::string>>& variables = {});
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  /// Runs it on one JSON text and gives each result as compact JSON, keys in their order. jq computes with
  /// doubles: integers above 2^53 are rounded, 1.10 comes out as 1.1, 1e400 as the largest double. JSON may
  /// be nested 256 deep. A program that never ends is stopped after kMaxMs or kMaxResults, and one that took
  /// too long then rests for kRestFactor times as long (run() fails at once), so that it cannot hang those
  /// who share its thread.
  [[nodiscard]] base::Result<void> run(std::string_view json,
                                       const std::function<void(std::string_view result)>& each);
  static constexpr size_t kMaxResults = 1'000'000;
  static constexpr int64_t kMaxMs = 1000;
  static constexpr int64_t kRestFactor = 10;

 private:
  struct State;
  explicit Program(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wl::wsbridge::shape
