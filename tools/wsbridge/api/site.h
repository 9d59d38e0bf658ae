#pragma once
// The site behind the server: who asks, for what, may they, and then the answer.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/log.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/answer.h"
#include "tools/wsbridge/api/cache.h"
#include "tools/wsbridge/api/limiter.h"
#include "tools/wsbridge/api/metrics.h"
#include "tools/wsbridge/api/route_table.h"
#include "tools/wsbridge/api/sockets.h"
#include "tools/wsbridge/api/sources.h"
#include "tools/wsbridge/api/static_files.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::api {

/// What the site is made of. All of it outlives the site.
struct SiteParts {
  const Profile& profile;
  const access::Policy& policy;
  access::Gate& gate;
  Sources& sources;
  Answers& answers;
  Sockets& sockets;
  Cache& cache;
  Limiter& limiter;
  const StaticFiles* web = nullptr;  ///< the profile's pages; they come before our own
  std::string openapi;               ///< the document
  std::function<Figures()> figures;  ///< for /metrics
  bool metrics_here = true;          ///< false: /metrics has an address of its own
};

class Site final : public http::Handler {
 public:
  explicit Site(SiteParts parts);

  boost::asio::awaitable<http::Admission> admit(const http::Request& request) override;
  boost::asio::awaitable<http::Response> handle(http::Request& request) override;
  [[nodiscard]] const Histogram& answer_seconds() const { return answer_seconds_; }

 private:
  boost::asio::awaitable<http::Response> dispatch(http::Request& request, const Found& found);
  boost::asio::awaitable<http::Response> built_in(const RouteSpec& route, http::Request& request,
                                                  const access::Identity& identity);
  [[nodiscard]] std::optional<std::string> own_document(const std::string& name) const;
  /// Status 0: nothing speaks against it.
  boost::asio::awaitable<http::Response> refusal(const RouteSpec& route, const access::Identity& identity);
  [[nodiscard]] Found find(const http::Request& request) const;
  [[nodiscard]] stream::Still still(const access::Identity& identity) const;

  SiteParts parts_;
  RouteTable own_;
  RouteTable built_in_;
  Histogram answer_seconds_;
};

}  // namespace wl::wsbridge::api
