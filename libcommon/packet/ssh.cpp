#include "libcommon/packet/ssh.h"

namespace wl::packet {
namespace {

Next decode_ssh(ByteReader, Context& context) {
  context.out.set_app("ssh");
  return {};
}

}  // namespace

bool is_ssh(const ByteReader& payload) {
  const std::string_view text = payload.text();
  return text.starts_with("SSH-2.") || text.starts_with("SSH-1.");
}

const Protocol kSsh{"ssh", decode_ssh};

}  // namespace wl::packet
