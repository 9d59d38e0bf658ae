#pragma once
// The words of a display filter.
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::filter {

struct Token {
  enum class Kind : uint8_t {
    word,  ///< a name, a number, an address
    text,  ///< what stands in quotes, without them and with its escapes resolved
    mark,  ///< an operator, a parenthesis, a comma
    end,
  };
  Kind kind = Kind::end;
  std::string text{};
  size_t column = 1;  ///< from 1
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// The next token, and passes over it. After the end always the end.
  [[nodiscard]] base::Result<Token> next();

 private:
  base::Result<Token> quoted(size_t begin, bool raw);

  std::string_view text_;
  size_t at_ = 0;
};

/// "column 12: …"
[[nodiscard]] std::unexpected<base::Error> fail_at(size_t column, const std::string& text);

}  // namespace wl::filter
