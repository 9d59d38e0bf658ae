#include "tools/netsniff/interfaces.h"

#include <array>

namespace wl::netsniff {
namespace {

using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 6> kKeys{{
    {"name", Kind::text, "", "name for -i", true},
    {"description", Kind::text, "", "what the system says of it"},
    {"addresses", Kind::text_list, "", "its IP addresses", true},
    {"up", Kind::boolean, "", "it is switched on", true},
    {"running", Kind::boolean, "", "it has a carrier", true},
    {"loopback", Kind::boolean, "", "it is the loopback interface", true},
}};

}  // namespace

const record::RecordType kInterfaceType{"interface", "one interface that packets can be captured on", kKeys};

base::Result<void> write_interfaces(ndjson::Output&) { return {}; }

}  // namespace wl::netsniff
