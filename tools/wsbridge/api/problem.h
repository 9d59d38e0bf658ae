#pragma once
// Failures as RFC 9457 problem documents, or in the shape that a route gives them.
#include <string>
#include <string_view>

#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/shape/program.h"

namespace wl::wsbridge::api {

/// "Not Found" of 404.
[[nodiscard]] std::string_view reason(unsigned status);

/// {"type":"about:blank","title":"Not Found","status":404,"detail":"…"}
[[nodiscard]] std::string problem_document(unsigned status, std::string_view detail);

/// An answer with that document (application/problem+json), or what `error_as` makes of it
/// (application/json).
[[nodiscard]] http::Response problem(unsigned status, std::string_view detail,
                                     shape::Program* error_as = nullptr);

}  // namespace wl::wsbridge::api
