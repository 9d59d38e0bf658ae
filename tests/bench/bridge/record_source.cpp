// record_source RATE SECONDS [SIZE]: records of SIZE (300) bytes at an even pace on stdout. Each has its
// number and the time when it was due, so that what holds the writer up shows as delay; the last one says so.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include <sys/prctl.h>
#include <unistd.h>

#include "libcommon/base/time.h"

namespace {

using wl::base::kSecond;

void append_record(std::string& out, uint64_t number, int64_t due_ns, bool last, size_t size) {
  const size_t begin = out.size();
  out += "{\"type\":\"record\",\"seq\":" + std::to_string(number) + ",\"sent_ns\":" + std::to_string(due_ns) +
         ",\"last\":" + (last ? "true" : "false") + ",\"pad\":\"";
  for (size_t at = out.size() - begin; at + 2 < size; ++at)
    out += static_cast<char>('a' + (number + at) % 26);
  out += "\"}\n";
}

bool write_all(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes.data() + at, bytes.size() - at);
    if (n <= 0) return false;
    at += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const double rate = argc > 2 ? std::atof(argv[1]) : 0;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0;
  const size_t size = argc > 3 ? static_cast<size_t>(std::atol(argv[3])) : 300;
  if (rate <= 0 || seconds <= 0) {
    std::fputs("usage: record_source RATE SECONDS [SIZE]\n", stderr);
    return 2;
  }
  ::prctl(PR_SET_TIMERSLACK, 1);
  const auto count = static_cast<uint64_t>(std::max(1.0, rate * seconds));
  const double step = 1e9 / rate;
  const int64_t start = wl::base::wall_clock_ns();
  const auto due = [&](uint64_t number) {
    return start + static_cast<int64_t>(static_cast<double>(number) * step);
  };
  std::string out;
  for (uint64_t sent = 0; sent < count;) {
    const int64_t now = wl::base::wall_clock_ns();
    out.clear();
    for (; sent < count && due(sent) <= now && out.size() < 60'000; ++sent) {
      append_record(out, sent + 1, due(sent), sent + 1 == count, size);
    }
    if (!out.empty() && !write_all(out)) return 1;
    const int64_t wait = sent < count ? due(sent) - wl::base::wall_clock_ns() : 0;
    if (wait <= 0) continue;
    const timespec nap{0, std::min<int64_t>(std::max<int64_t>(wait, 200'000), kSecond - 1)};
    ::nanosleep(&nap, nullptr);
  }
  return 0;
}
