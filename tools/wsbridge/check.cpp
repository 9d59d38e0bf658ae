#include "tools/wsbridge/check.h"

#include <algorithm>
#include <cstdlib>

#include "tools/wsbridge/profile/check.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {

base::Exit check(std::span<const std::string> profiles, base::Log& log) {
  const Environment environment = [](const char* name) { return std::getenv(name); };
  std::vector<Finding> findings;
  const auto profile = read_profile(profiles, findings, environment);
  // A profile that reads badly is checked no further: what would be said rests on what could not be read.
  if (profile) std::ranges::move(check_profile(*profile, environment), std::back_inserter(findings));
  for (const Finding& finding : findings)
    finding.warning ? log.warning(finding.line()) : log.error(finding.line());
  if (profile)
    std::ranges::for_each(describe_access(*profile), [&](const std::string& line) { log.info(line); });
  const bool good = std::ranges::all_of(findings, &Finding::warning);
  return good ? base::Exit::ok : base::Exit::failed;
}

}  // namespace wl::wsbridge
