#include "tools/wsbridge/api/problem.h"

#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace wl::wsbridge::api {

std::string_view reason(unsigned status) {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return {text.data(), text.size()};
}

std::string problem_document(unsigned status, std::string_view detail) {
  nlohmann::ordered_json document{{"type", "about:blank"}, {"title", reason(status)}, {"status", status}};
  if (!detail.empty()) document["detail"] = detail;
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

http::Response problem(unsigned status, std::string_view detail, shape::Program* error_as) {
  http::Response response{.status = status};
  std::string body = problem_document(status, detail);
  std::string shaped;
  const auto keep_first = [&](std::string_view result) {
    if (shaped.empty()) shaped = result;
  };
  const bool own = error_as != nullptr && error_as->run(body, keep_first) && !shaped.empty();
  response.headers.emplace_back("Content-Type", own ? "application/json" : "application/problem+json");
  response.body = std::move(own ? shaped : body);
  return response;
}

}  // namespace wl::wsbridge::api
