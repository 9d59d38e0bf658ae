#include "tools/netsniff/interfaces.h"

#include <array>

#include "libcommon/capture/live.h"
#include "libcommon/ndjson/text.h"

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

void write(const capture::InterfaceInfo& interface, ndjson::Output& out) {
  size_t room = 128 + ndjson::string_room(interface.name) + ndjson::string_room(interface.description);
  for (const std::string& address : interface.addresses) room += ndjson::string_room(address) + 1;
  char* at = ndjson::put(out.reserve(room), R"({"type":"interface","name":)");
  at = ndjson::put_string(at, interface.name);
  if (!interface.description.empty()) {
    at = ndjson::put_string(ndjson::put(at, R"(,"description":)"), interface.description);
  }
  at = ndjson::put(at, R"(,"addresses":[)");
  for (size_t i = 0; i < interface.addresses.size(); ++i) {
    if (i != 0) *at++ = ',';
    at = ndjson::put_string(at, interface.addresses[i]);
  }
  const auto put_flag = [&](std::string_view key, bool value) {
    at = ndjson::put(ndjson::put(at, key), value ? "true" : "false");
  };
  put_flag(R"(],"up":)", interface.up);
  put_flag(R"(,"running":)", interface.running);
  put_flag(R"(,"loopback":)", interface.loopback);
  out.commit(ndjson::put(at, "}\n"));
}

}  // namespace

const record::RecordType kInterfaceType{"interface", "one interface that packets can be captured on", kKeys};

base::Result<void> write_interfaces(ndjson::Output& out) {
  const auto interfaces = capture::list_interfaces();
  if (!interfaces) return std::unexpected(interfaces.error());
  for (const capture::InterfaceInfo& interface : *interfaces) write(interface, out);
  return {};
}

}  // namespace wl::netsniff
