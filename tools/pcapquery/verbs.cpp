#include "tools/pcapquery/verbs.h"

#include <array>

namespace wl::pcapquery {

extern const VerbInfo kFiles, kProjects, kAnalyze, kPackets, kPacket, kConversations, kFlows, kEndpoints,
    kProtocols, kTimeline, kFollow, kExport, kSql, kServe;

namespace {

constexpr std::array kVerbs{&kFiles,         &kProjects, &kAnalyze,   &kPackets,   &kPacket,
                            &kConversations, &kFlows,    &kEndpoints, &kProtocols, &kTimeline,
                            &kFollow,        &kExport,   &kSql,       &kServe};

}  // namespace

std::span<const VerbInfo* const> verbs() { return kVerbs; }

}  // namespace wl::pcapquery
