#include "tools/wsbridge/shape/program.h"

#include <algorithm>
#include <climits>

extern "C" {
#include <jq.h>
}

namespace wl::wsbridge::shape {

namespace {

// Before every program, on its first line so that jq's line numbers stay true. Behind `(` jq takes no import.
// jq 1.6 aborts the process on what `implode` cannot take.
constexpr std::string_view kBefore =
    "def env: {}; def stderr: .; def modulemeta: error(\"there are no modules\"); def halt_error: error; "
    "def halt_error($status): error; def _implode: implode; def implode: if all(type == \"number\" and . >= "
    "0 "
    "and . < 1114112 and (. < 55296 or . > 57343)) then _implode else error(\"implode: no code points\") "
    "end; "
    "{} as $ENV | (";
constexpr std::string_view kBehind = "\n)";

/// Gives the bytes of a string, or the JSON of anything else, to `take`. Frees `value`.
void with_text(jv value, const std::function<void(std::string_view)>& take) {
  if (jv_get_kind(value) != JV_KIND_STRING) value = jv_dump_string(value, 0);
  take({jv_string_value(value), static_cast<size_t>(jv_string_length_bytes(jv_copy(value)))});
  jv_free(value);
}

/// What an invalid value says of itself, on one line; empty: nothing. Frees it.
std::string reason_of(jv invalid) {
  std::string text;
  jv message = jv_invalid_get_msg(invalid);
  if (jv_get_kind(message) != JV_KIND_NULL) with_text(message, [&](std::string_view said) { text = said; });
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text.substr(0, 300);
}

/// jq reports an error with the program behind it, and says how many errors there were: the first line of the
/// first.
void keep_first_error(void* into, jv message) {
  auto& kept = *static_cast<std::string*>(into);
  std::string text;
  with_text(message, [&](std::string_view said) { text = said.substr(0, said.find('\n')); });
  for (const std::string_view noise : {"jq: error: ", " (Unix shell quoting issues?)", " at <top-level>"}) {
    if (const size_t at = text.find(noise); at != text.npos) text.erase(at, noise.size());
  }
  if (text.ends_with(':')) text.pop_back();
  if (kept.empty()) kept = text;
}

}  // namespace

void Program::End::operator()(jq_state* jq) const { jq_teardown(&jq); }

base::Result<Program> Program::compile(const std::string& text,
                                       const std::vector<std::pair<std::string, std::string>>& variables) {
  if (text.find('\0') != text.npos) return base::fail("jq: a NUL in the program");
  Program program;
  jq_state* const jq = jq_init();
  if (jq == nullptr) return base::fail("jq: out of memory");
  program.jq_.reset(jq);
  std::string error, of_text;
  jq_set_error_cb(jq, keep_first_error, &error);
  // jq_init() of 1.6 leaves these two to chance.
  jq_set_input_cb(jq, [](jq_state*, void*) { return jv_invalid(); }, nullptr);
  jq_set_debug_cb(jq, [](void*, jv message) { jv_free(message); }, nullptr);
  jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());  // without it ~/.jq may trip an assertion
  jv arguments = jv_object();
  for (const auto& [name, json] : variables)
    arguments = jv_object_set(arguments, jv_string(name.c_str()), jv_parse(json.c_str()));
  const std::string whole = std::string(kBefore) + text + std::string(kBehind);
  const bool good = jq_compile_args(jq, whole.c_str(), jv_copy(arguments)) != 0;
  // What jq says of the text alone is clearer, if it has something to say.
  jq_set_error_cb(jq, keep_first_error, &of_text);
  if (!good && jq_compile_args(jq, text.c_str(), jv_copy(arguments)) == 0) error = of_text;
  jv_free(arguments);
  if (!good) return base::fail("jq: " + error);
  jq_set_error_cb(jq, [](void*, jv message) { jv_free(message); }, nullptr);
  return program;
}

base::Result<void> Program::run(std::string_view json,
                                const std::function<void(std::string_view result)>& each) {
  if (json.size() > INT_MAX) return base::fail("jq: JSON of more than 2 GB");
  jv value = jv_parse_sized(json.data(), static_cast<int>(json.size()));
  if (jv_get_kind(value) == JV_KIND_INVALID) {
    const std::string reason = reason_of(value);
    return base::fail("jq: " + (reason.empty() ? "no JSON" : reason));
  }
  jq_start(jq_.get(), value, 0);
  for (size_t results = 0; results < kMaxResults; ++results) {
    value = jq_next(jq_.get());
    if (jv_get_kind(value) == JV_KIND_INVALID) {
      const std::string reason = reason_of(value);
      return reason.empty() ? base::Result<void>() : base::fail("jq: " + reason);
    }
    with_text(jv_dump_string(value, 0), each);
  }
  return base::fail("jq: more than " + std::to_string(kMaxResults) + " results");
}

}  // namespace wl::wsbridge::shape
