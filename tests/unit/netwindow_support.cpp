#include "tests/unit/netwindow_support.h"

#include <sstream>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/cli/run.h"
#include "tools/netwindow/run.h"

namespace wl::netwindow::test {
namespace {

base::Fd memory_file(std::string_view content) {
  base::Fd fd(::memfd_create("netwindow-test", 0));
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n <= 0) throw std::runtime_error("memfd");
    content.remove_prefix(static_cast<size_t>(n));
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string content_of(int fd) {
  std::string text(static_cast<size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  if (::pread(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("memfd");
  }
  return text;
}

}  // namespace

std::vector<nlohmann::json> Ran::of(std::string_view type) const {
  std::vector<nlohmann::json> some;
  for (const auto& record : records) {
    if (record.at("type") == type) some.push_back(record);
  }
  return some;
}

Ran run_on(const Options& options, std::string_view input) {
  const base::Fd in = memory_file(input);
  const base::Fd out = memory_file("");
  const base::Fd log_file = memory_file("");
  Ran ran;
  {
    base::Log log("netwindow");
    if (!log.configure({.file = "/proc/self/fd/" + std::to_string(log_file.get())})) {
      throw std::runtime_error("log");
    }
    cli::Context context{.log = log, .version = "0", .arguments = {}, .in = in.get(), .out = out.get()};
    ran.exit = run(options, context);
  }
  ran.text = content_of(out.get());
  ran.log = content_of(log_file.get());
  std::istringstream lines(ran.text);
  for (std::string line; !options.table && std::getline(lines, line);) {
    ran.records.push_back(nlohmann::json::parse(line));
  }
  return ran;
}

std::string packet(std::string_view ts, std::string_view src, std::string_view dst, std::string_view more) {
  std::string line = R"({"type":"packet","ts":")";
  line.append(ts).append(R"(","len":100,"src_ip":")").append(src).append(R"(","dst_ip":")").append(dst);
  return line.append("\"").append(more).append("}\n");
}

}  // namespace wl::netwindow::test
