#pragma once
// Expected failures are values: Result<T> carries either the answer or one line that tells the user what
// failed, why, and what to do next.
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace wl::base {

/// Exit status of every tool.
enum class Exit : int {
  ok = 0,      ///< done, or our reader went away
  failed = 1,  ///< failed, or something was skipped or cut after everything readable was written
  usage = 2,   ///< nothing was read or written
  no = 3,      ///< the answer is "no"
};

/// One failure. `text` is "subject: reason", `hint` the next step for the user (may be empty).
struct Error {
  std::string text;
  std::string hint{};
  Exit exit = Exit::failed;

  /// "subject: reason (hint)", as it stands on stderr behind the tool's name.
  [[nodiscard]] std::string line() const { return hint.empty() ? text : text + " (" + hint + ")"; }
};

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for returning a failure: `return fail("x.pcap: not a capture");`
[[nodiscard]] inline std::unexpected<Error> fail(std::string text, std::string hint = {},
                                                 Exit exit = Exit::failed) {
  return std::unexpected(Error{std::move(text), std::move(hint), exit});
}

/// Puts `subject: ` before a failure when it crosses a module's boundary.
[[nodiscard]] inline std::unexpected<Error> with_context(std::string_view subject, Error error) {
  error.text.insert(0, std::string(subject) + ": ");
  return std::unexpected(std::move(error));
}

/// "reason" of errno, for messages.
[[nodiscard]] std::string errno_text(int error_number);

}  // namespace wl::base
