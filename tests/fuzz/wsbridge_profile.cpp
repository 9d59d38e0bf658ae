// Profiles of any bytes: nothing crashes or hangs, what is read well is checked, described and documented,
// and what comes out of the parser as JSON comes out the same when it is read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tools/wsbridge/api/openapi.h"
#include "tools/wsbridge/profile/check.h"
#include "tools/wsbridge/profile/document.h"
#include "tools/wsbridge/profile/read.h"

using namespace wl::wsbridge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto root = parse_document(text)) {
    const std::string json = to_json(*root);
    const auto again = parse_document(json);
    if (!again || to_json(*again) != json) ::abort();
  }
  const Environment environment = [](const char* name) {
    return std::string_view(name) == "PATH" ? "/bin" : nullptr;
  };
  std::vector<Finding> findings;
  auto profile = read_profile_text(text, "p", findings, environment);
  if (!profile && findings.empty()) ::abort();
  if (!profile) return 0;
  // jq's compiler is not what is tried here.
  for (RouteSpec& route : profile->routes) route.as.clear(), route.error_as.clear();
  for (SocketSpec& socket : profile->sockets) {
    for (SubscriptionSpec& row : socket.streams) row.as.clear();
    for (ReceiveSpec& row : socket.receive) row.as.clear();
  }
  (void)check_profile(*profile, environment);
  (void)describe_access(*profile);
  if (!parse_document(api::openapi(*profile, "0"))) ::abort();
  return 0;
}
