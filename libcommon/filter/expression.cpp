#include "libcommon/filter/expression.h"

#include <array>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace wl::filter {

void Expression::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }
void Expression::Free::operator()(pcre2_real_match_data_8* found) const { pcre2_match_data_free(found); }

base::Result<Expression> Expression::compile(std::string_view text) {
  Expression expression;
  int error = 0;
  PCRE2_SIZE where = 0;
  expression.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                       PCRE2_CASELESS | PCRE2_NEVER_UTF, &error, &where, nullptr));
  if (expression.code_) {
    expression.found_.reset(pcre2_match_data_create(1, nullptr));
    if (!expression.found_) return base::fail("out of memory");
    return expression;
  }
  std::array<PCRE2_UCHAR, 200> reason{};
  pcre2_get_error_message(error, reason.data(), reason.size());
  return base::fail(reinterpret_cast<const char*>(reason.data()));
}

bool Expression::fits(std::string_view text) const {
  return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, found_.get(),
                     nullptr) >= 0;
}

}  // namespace wl::filter
