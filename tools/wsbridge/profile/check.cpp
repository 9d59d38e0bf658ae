#include "tools/wsbridge/profile/check.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {

namespace {

std::string joined(const std::vector<std::string>& words, const std::string& otherwise) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return words.empty() ? otherwise : all;
}

}  // namespace

std::vector<std::string> describe_access(const Profile& profile) {
  std::vector<std::string> lines;
  const std::array<std::string, 3> who{
      "with a token", "open to " + joined(profile.open_to, "this machine itself (no \"open_to\")"),
      "open to everybody"};  // in the order of Access
  const auto tell = [&](Access access, const std::string& what) {
    lines.push_back(who[static_cast<size_t>(access)] + ": " + what);
  };
  for (const auto* routes : {&profile.routes, &api::built_in_routes()}) {
    for (const RouteSpec& route : *routes) tell(route.access, route.method + " " + route.path);
  }
  for (const SocketSpec& socket : profile.sockets) {
    tell(socket.access, "WebSocket " + socket.path);
    for (const ReceiveSpec& row : socket.receive)
      tell(row.access, "WebSocket " + socket.path + ", message \"" + row.path + "\"");
  }
  std::ranges::stable_sort(lines, {}, [](const auto& line) { return line.substr(0, line.find(": ")); });
  lines.push_back("pages of other origins that may read: " + joined(profile.origins, "none"));
  return lines;
}

std::optional<Profile> load_profile(std::span<const std::string> paths, base::Log& log) {
  std::vector<Finding> findings;
  auto profile = read_profile(paths, findings, [](const char* name) { return std::getenv(name); });
  if (profile) {
    const auto policy = access::Policy::make(*profile);
    if (!policy) findings.push_back({{paths[0], 0}, false, policy.error().line()});
  }
  std::ranges::stable_sort(findings, {}, &Finding::place);
  for (const Finding& finding : findings)
    finding.warning ? log.warning(finding.line()) : log.error(finding.line());
  if (!std::ranges::all_of(findings, &Finding::warning)) return std::nullopt;
  return std::move(*profile);
}

base::Exit check(std::span<const std::string> paths, base::Log& log) {
  const auto profile = load_profile(paths, log);
  if (!profile) return base::Exit::failed;
  for (const std::string& line : describe_access(*profile)) log.info(line);
  return base::Exit::ok;
}

}  // namespace wl::wsbridge
