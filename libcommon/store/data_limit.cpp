#include "libcommon/store/data_limit.h"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace wl::store {

DataLimit::DataLimit(uint64_t more_bytes) {
  // proc(5), statm: size resident shared text lib data; in pages.
  std::ifstream statm("/proc/self/statm");
  uint64_t ignored = 0, data = 0;
  statm >> ignored >> ignored >> ignored >> ignored >> ignored >> data;
  rlimit now{};
  if (!statm || ::getrlimit(RLIMIT_DATA, &now) != 0) return;
  before_ = now;
  const uint64_t most = data * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) + more_bytes;
  now.rlim_cur = std::min<rlim_t>({most, now.rlim_cur, now.rlim_max});
  ::setrlimit(RLIMIT_DATA, &now);
}

DataLimit::~DataLimit() {
  if (before_) ::setrlimit(RLIMIT_DATA, &*before_);
}

}  // namespace wl::store
