// Profiles of any bytes: nothing crashes or hangs, what is read well is described and documented.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/profile/read.h"

using namespace wl::wsbridge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Finding> findings;
  const auto profile = read_profile_text(text, "p", findings, {});
  if (!profile && findings.empty()) ::abort();
  for (const Finding& finding : findings) (void)finding.line();
  if (!profile) return 0;
  for (const SocketSpec& socket : profile->sockets) {
    if (!socket.welcome.empty() && !nlohmann::json::accept(socket.welcome)) ::abort();
  }
  (void)describe_access(*profile);
  const std::string document = api::openapi(*profile, "0");
  if (!nlohmann::json::accept(document)) ::abort();
  return 0;
}
