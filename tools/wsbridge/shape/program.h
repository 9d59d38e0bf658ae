#pragma once
// jq programs (libjq): compiled once, run on JSON texts.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::wsbridge::shape {

/// A compiled program. Not for two threads at once.
class Program {
 public:
  /// `variables` become $name with a JSON text as value. An error says what jq says, in one line.
  [[nodiscard]] static base::Result<Program> compile(
      const std::string& text, const std::vector<std::pair<std::string, std::string>>& variables = {});
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  /// Runs it on one JSON text and gives each result as compact JSON, keys in their order. A program that
  /// never ends is stopped: it may give at most `kMaxResults`.
  [[nodiscard]] base::Result<void> run(std::string_view json,
                                       const std::function<void(std::string_view result)>& each);
  static constexpr size_t kMaxResults = 1'000'000;

 private:
  struct State;
  explicit Program(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wl::wsbridge::shape
