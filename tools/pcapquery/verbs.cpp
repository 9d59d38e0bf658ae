#include "tools/pcapquery/verbs.h"

#include <array>

namespace wl::pcapquery {

extern const VerbInfo kFiles, kProjects, kAnalyze, kConversations, kFlows, kEndpoints, kProtocols, kTimeline;

namespace {

constexpr std::array kVerbs{&kFiles, &kProjects,  &kAnalyze,   &kConversations,
                            &kFlows, &kEndpoints, &kProtocols, &kTimeline};

}  // namespace

std::span<const VerbInfo* const> verbs() { return kVerbs; }

}  // namespace wl::pcapquery
