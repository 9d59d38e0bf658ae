#include "libcommon/packet/raw_ip.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ppp.h"

namespace wl::packet {
namespace {

Next decode_raw_ip(ByteReader in, Context& context) {
  const auto first = in.at(0);
  if (!first) return context.ended_early(in, 1);
  if (*first == 0xff) return {&kPpp, in};  // some PPP drivers say that they deliver IP
  return go_on(by_ip_version(in), in);
}

}  // namespace

const Protocol kRawIp{"raw", decode_raw_ip};

}  // namespace wl::packet
