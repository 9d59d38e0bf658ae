#include "tools/wsbridge/check.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/profile/check.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {

base::Exit check(std::span<const std::string> profiles, base::Log& log) {
  const Environment environment = [](const char* name) { return std::getenv(name); };
  std::vector<Finding> findings;
  const auto profile = read_profile(profiles, findings, environment);
  // A profile that reads badly is checked no further: what would be said rests on what could not be read.
  if (profile) std::ranges::move(check_profile(*profile, environment), std::back_inserter(findings));
  if (profile) {
    const auto policy = access::Policy::make(*profile);
    if (!policy) findings.push_back({{profiles[0], 0}, false, policy.error().line()});
  }
  std::ranges::stable_sort(
      findings, {}, [](const Finding& finding) { return std::pair(finding.place.file, finding.place.line); });
  for (const Finding& finding : findings)
    finding.warning ? log.warning(finding.line()) : log.error(finding.line());
  if (!std::ranges::all_of(findings, &Finding::warning)) return base::Exit::failed;
  std::ranges::for_each(describe_access(*profile), [&](const std::string& line) { log.info(line); });
  return base::Exit::ok;
}

}  // namespace wl::wsbridge
