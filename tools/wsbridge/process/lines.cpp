#include <cstring>

#include "libcommon/ndjson/reader.h"
#include "tools/wsbridge/process/child.h"

namespace wl::wsbridge::process {
namespace {

constexpr size_t kUsual = size_t{256} << 10;
constexpr std::string_view kShell = "$`;&<>*?()\n";
constexpr std::string_view kEscaped = "\"\\$`";  // by \ between double quotes

}  // namespace

void Lines::make_room() {
  const size_t usual = std::min(kUsual, max_line_ + 1);
  const bool long_before = capacity_ > usual && size_ < usual / 2;  // the long line is through
  if (capacity_ != 0 && size_ < capacity_ && !long_before) return;
  const size_t capacity = size_ < usual ? usual : std::min(capacity_ * 2, max_line_ + 1);
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity + ndjson::kPadding);
  if (size_ != 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

/// Gives the lines that are there; no '\n' stands before `scanned`. Returns how many it gave or began to
/// skip.
size_t Lines::give(const std::function<void(std::string_view line)>& each, size_t scanned) {
  std::string_view rest(buffer_.get(), size_);
  size_t given = 0;
  for (size_t end = rest.find('\n', scanned); end != rest.npos; end = rest.find('\n')) {
    if (!std::exchange(skipping_, false)) {
      each(rest.substr(0, end));
      ++given;
    }
    rest.remove_prefix(end + 1);
  }
  if (rest.size() > max_line_ && !std::exchange(skipping_, true)) {
    if (mode_ == Mode::cut) each(rest.substr(0, max_line_));
    ++too_long_, ++given;
  }
  size_ = skipping_ ? 0 : rest.size();
  if (rest.data() != buffer_.get()) std::memmove(buffer_.get(), rest.data(), size_);
  return given;
}

awaitable<bool> Lines::next(const std::function<void(std::string_view line)>& each) {
  while (!ended_) {
    make_room();
    const size_t scanned = size_;
    const size_t n = co_await input_.read_some({buffer_.get() + size_, capacity_ - size_});
    size_ += n;
    ended_ = n == 0;
    if (mode_ == Mode::raw && !ended_) {
      each({buffer_.get(), std::exchange(size_, 0)});
      co_return true;
    }
    if (ended_ && size_ != 0) buffer_[size_++] = '\n';
    if (give(each, scanned) != 0) co_return true;
  }
  co_return false;
}

base::Result<std::vector<Argv>> split_command(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<Argv> commands(1);
  std::optional<std::string> word;  // that is being read
  char quote = 0;                   // that is open
  const auto end_word = [&] {
    if (word) commands.back().push_back(*std::exchange(word, std::nullopt));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool special = quote == 0 ? kShell.contains(c) || (!word && (c == '#' || c == '~'))
                                    : quote == '"' && (c == '$' || c == '`');
    if (c == '\0' || special) {
      return base::fail(
          (c == '\n' ? "a new line" : std::string(1, c)) + " has no meaning here, no shell runs this",
          "put it between single quotes, or write: sh -c '…'");
    }
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      end_word();
    } else if (quote == 0 && c == '|') {
      end_word();
      if (commands.back().empty()) return base::fail("a command is missing before |");
      commands.emplace_back();
    } else {
      if (!word) word.emplace();
      const bool opens = quote == 0 && (c == '\'' || c == '"');
      const std::string_view behind = text.substr(i + 1, 1);
      const bool escapes = c == '\\' && (quote == 0 || (quote == '"' && kEscaped.contains(behind)));
      if (escapes && (behind.empty() || behind[0] == '\0')) return base::fail("nothing stands behind \\");
      if (opens) quote = c;
      if (!opens) *word += escapes ? text[++i] : c;
    }
  }
  if (quote != 0) return base::fail(std::string("a quote ") + quote + " has no end");
  end_word();
  if (commands.back().empty()) return base::fail("a command is missing");
  return commands;
}

}  // namespace wl::wsbridge::process
