#include "libcommon/base/hash.h"

#include <sys/random.h>

#include "libcommon/base/time.h"

namespace wl::base {

Hasher::Hasher() {
  if (::getrandom(secret_, sizeof secret_, GRND_NONBLOCK) == sizeof secret_) return;
  // Early at boot there may be no randomness yet; the clock is hard to guess from outside.
  for (uint64_t& word : secret_) {
    word = (static_cast<uint64_t>(steady_clock_ns()) + 1) * 0x9e3779b97f4a7c15;
  }
}

}  // namespace wl::base
