#include <algorithm>

#include "tools/wsbridge/process/child.h"

namespace wl::wsbridge::process {
namespace {

constexpr std::string_view kShell = "$`;&<>*?()\n";
constexpr std::string_view kBlank = " \t";

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  base::Result<std::vector<Argv>> split() {
    while (!text_.empty()) {
      if (auto taken = take(); !taken) return std::unexpected(taken.error());
    }
    end_word();
    if (commands_.back().empty()) return base::fail("a command is missing");
    return std::move(commands_);
  }

 private:
  base::Result<void> take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    if (kBlank.contains(c)) return end_word(), base::Result<void>();
    if (c == '|') return next_command();
    if (c == '\'' || c == '"') return quoted(c);
    if (c == '\0' || kShell.contains(c) || (!in_word_ && (c == '#' || c == '~'))) return refuse(c);
    if (c == '\\') return escaped();
    add(c);
    return {};
  }

  base::Result<void> escaped() {
    if (text_.empty()) return base::fail("nothing stands behind the last \\");
    if (text_.front() == '\0') return refuse('\0');
    add(text_.front());
    text_.remove_prefix(1);
    return {};
  }

  base::Result<void> quoted(char quote) {
    in_word_ = true;
    for (; !text_.empty(); text_.remove_prefix(1)) {
      char c = text_.front();
      if (c == quote) return text_.remove_prefix(1), base::Result<void>();
      if (c == '\0' || (quote == '"' && (c == '`' || c == '$'))) return refuse(c);
      if (quote == '"' && c == '\\' && text_.size() > 1 && std::string_view("\"\\$`").contains(text_[1])) {
        text_.remove_prefix(1);
        c = text_.front();
      }
      add(c);
    }
    return base::fail(std::string("a quote ") + quote + " has no end");
  }

  base::Result<void> next_command() {
    end_word();
    if (commands_.back().empty()) return base::fail("a command is missing before |");
    commands_.emplace_back();
    return {};
  }

  static base::Result<void> refuse(char c) {
    if (c == '\0') return base::fail("a NUL byte cannot be part of a command");
    const std::string shown = c == '\n' ? "a new line" : std::string(1, c);
    return base::fail(shown + " has no meaning here, no shell runs this",
                      "put it between single quotes, or write: sh -c '…'");
  }

  void add(char c) {
    in_word_ = true;
    word_ += c;
  }
  void end_word() {
    if (std::exchange(in_word_, false)) commands_.back().push_back(std::exchange(word_, {}));
  }

  std::string_view text_;
  std::vector<Argv> commands_{1};
  std::string word_{};
  bool in_word_ = false;
};

}  // namespace

base::Result<std::vector<Argv>> split_command(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return Splitter(text).split();
}

}  // namespace wl::wsbridge::process
