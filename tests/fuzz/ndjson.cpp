// NDJSON of any bytes, taken by each input of netwindow: the first byte chooses which. What comes out is
// JSON, and a line is read the same whatever lines were read before it.
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/cli/run.h"
#include "libcommon/ndjson/fields.h"
#include "tools/netwindow/run.h"

namespace {

using namespace wl;

base::Fd memory_file(std::string_view content) {
  base::Fd fd(::memfd_create("fuzz", 0));
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) ::abort();
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

void window(std::string_view input, const netwindow::Options& options) {
  const base::Fd in = memory_file(input);
  const base::Fd out = memory_file("");
  base::Log log("fuzz");
  if (!log.configure({.file = "/dev/null"})) ::abort();
  cli::Context context{.log = log, .version = "0", .arguments = {}, .in = in.get(), .out = out.get()};
  (void)netwindow::run(options, context);

  // Whatever came in, each line that goes out is a JSON object.
  if (options.table) return;
  std::string text(static_cast<size_t>(::lseek(out.get(), 0, SEEK_END)), '\0');
  if (::pread(out.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) ::abort();
  text.append(ndjson::kPadding, '\0');
  const std::vector<std::string> paths{"type"};
  ndjson::Fields fields(paths);
  std::string_view rest(text.data(), text.size() - ndjson::kPadding);
  for (size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    if (!fields.read(rest.substr(0, end)) || fields[0].kind != ndjson::ValueKind::text) ::abort();
  }
  if (!rest.empty()) ::abort();
}

/// A reader that has seen other lines says the same of a line as a new one.
void read_twice(std::string_view input) {
  const std::vector<std::string> paths{"ts", "len", "flow.bytes", "s"};
  ndjson::Fields used(paths);
  while (!input.empty()) {
    const size_t end = std::min(input.find('\n'), input.size());
    const std::string line = std::string(input.substr(0, end)) + std::string(ndjson::kPadding, '"');
    input.remove_prefix(std::min(end + 1, input.size()));
    const std::string_view json(line.data(), end);
    ndjson::Fields fresh(paths);
    const bool good = fresh.read(json);
    if (used.read(json) != good) ::abort();
    for (size_t i = 0; good && i < paths.size(); ++i) {
      if (fresh[i].kind != used[i].kind || fresh[i].text != used[i].text) ::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  netwindow::Options options;
  options.max_keys = 3;
  options.max_flows = 4;
  options.whole = (data[0] & 1) != 0;
  switch (data[0] >> 1 & 7) {
    case 0: break;
    case 1: options.by = "src_ip/24/48,dst_port"; break;
    case 2: options.by = "pair", options.top = 1; break;
    case 3: options.sums = {"len", "flow.bytes"}, options.time = "ts"; break;
    case 4: options.merge = true; break;
    case 5: options.merge = true, options.by = "client"; break;
    case 6: options.table = true, options.whole = false; break;
    default: return read_twice(input), 0;
  }
  window(input, options);
  return 0;
}
