#pragma once
// Regular expressions of filters.
#include <memory>
#include <string_view>

#include "libcommon/base/error.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace wl::filter {

/// A regular expression of PCRE2 for bytes, that does not look at case. Not for two threads at once.
class Expression {
 public:
  /// An error is PCRE2's reason.
  [[nodiscard]] static base::Result<Expression> compile(std::string_view text);
  /// Whether some part of `text` matches.
  [[nodiscard]] bool fits(std::string_view text) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
    void operator()(pcre2_real_match_data_8* found) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::unique_ptr<pcre2_real_match_data_8, Free> found_;  // where matches are noted
};

}  // namespace wl::filter
