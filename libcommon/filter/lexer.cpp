#include "libcommon/filter/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace wl::filter {
namespace {

constexpr std::array<std::string_view, 22> kMarks{"===", "!==", "==", "!=", "~=", "<=", ">=", "&&",
                                                  "||",  "..",  "<",  ">",  "!",  "~",  "&",  "(",
                                                  ")",   "{",   "}",  ",",  "[",  "]"};

bool in_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
         c == '-' || c == ':' || c == '/';
}

}  // namespace

std::unexpected<base::Error> fail_at(size_t column, const std::string& text) {
  return base::fail("column " + std::to_string(column) + ": " + text, {}, base::Exit::usage);
}

base::Result<Token> Lexer::next() {
  at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
  const size_t begin = at_;
  Token token{.column = begin + 1};
  if (at_ == text_.size()) return token;
  const std::string_view rest = text_.substr(at_);
  if (rest[0] == '"' || rest[0] == '\'') return quoted(begin, false);
  if (rest.starts_with("r\"")) return ++at_, quoted(begin, true);
  for (const std::string_view mark : kMarks) {
    if (!rest.starts_with(mark)) continue;
    at_ += mark.size();
    token.kind = Token::Kind::mark;
    token.text = mark;
    return token;
  }
  while (at_ < text_.size() && in_word(text_[at_]) && !text_.substr(at_).starts_with("..")) ++at_;
  if (at_ == begin)
    return fail_at(begin + 1, "\"" + std::string(rest.substr(0, 1)) + "\" means nothing here");
  token.kind = Token::Kind::word;
  token.text = text_.substr(begin, at_ - begin);
  return token;
}

/// A text in quotes, with the escapes of C; a raw one has none but \".
base::Result<Token> Lexer::quoted(size_t begin, bool raw) {
  Token token{.kind = Token::Kind::text, .column = begin + 1};
  const char quote = text_[at_++];
  while (at_ < text_.size() && text_[at_] != quote) {
    char c = text_[at_++];
    if (c == '\\' && at_ < text_.size()) {
      c = text_[at_++];
      if (raw) {
        token.text += '\\';
      } else if (c == 'x') {
        unsigned byte = 0;
        const char* const digits = text_.data() + at_;
        if (text_.size() - at_ < 2 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
          return fail_at(at_, "\\x has two hexadecimal digits");
        c = static_cast<char>(byte);
        at_ += 2;
      } else if (c >= '0' && c <= '7') {
        unsigned byte = 0;
        const char* const digits = text_.data() + at_ - 1;
        const char* const most = digits + std::min<size_t>(3, text_.size() - at_ + 1);
        const char* const end = std::from_chars(digits, most, byte, 8).ptr;
        if (byte > UINT8_MAX) return fail_at(at_, "more than \\377, the largest byte");
        c = static_cast<char>(byte);
        at_ += static_cast<size_t>(end - digits) - 1;
      } else if (constexpr std::string_view kFrom = "abfnrtv\"'\\", kTo = "\a\b\f\n\r\t\v\"'\\";
                 kFrom.contains(c)) {
        c = kTo[kFrom.find(c)];
      } else {
        return fail_at(at_ - 1, "\\" + std::string(1, c) + " means nothing here (\\\\ is a backslash)");
      }
    }
    token.text += c;
  }
  if (at_ == text_.size()) return fail_at(begin + 1, "the text has no closing quote");
  ++at_;
  if (quote == '\'' && token.text.size() != 1) return fail_at(begin + 1, "one character stands between ''");
  return token;
}

}  // namespace wl::filter
