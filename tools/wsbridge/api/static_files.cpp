#include "tools/wsbridge/api/static_files.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace wl::wsbridge::api {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;
constexpr std::array<Pair, 20> kMediaTypes{{{"html", "text/html; charset=utf-8"},
                                            {"js", "text/javascript; charset=utf-8"},
                                            {"mjs", "text/javascript; charset=utf-8"},
                                            {"css", "text/css; charset=utf-8"},
                                            {"json", "application/json"},
                                            {"map", "application/json"},
                                            {"ndjson", "application/x-ndjson"},
                                            {"txt", "text/plain; charset=utf-8"},
                                            {"md", "text/markdown; charset=utf-8"},
                                            {"csv", "text/csv; charset=utf-8"},
                                            {"svg", "image/svg+xml"},
                                            {"png", "image/png"},
                                            {"jpg", "image/jpeg"},
                                            {"webp", "image/webp"},
                                            {"gif", "image/gif"},
                                            {"ico", "image/x-icon"},
                                            {"woff2", "font/woff2"},
                                            {"wasm", "application/wasm"},
                                            {"pdf", "application/pdf"},
                                            {"pcap", "application/vnd.tcpdump.pcap"}}};

std::string media_type(std::string_view name) {
  const auto* const found = std::ranges::find(kMediaTypes, name.substr(name.rfind('.') + 1), &Pair::first);
  return std::string(found == kMediaTypes.end() ? "application/octet-stream" : found->second);
}

base::Fd open_beneath(int root, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return base::Fd(static_cast<int>(::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how)));
}

}  // namespace

base::Result<StaticFiles> StaticFiles::open(const std::string& path) {
  StaticFiles made;
  made.root_.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!made.root_) return base::fail(path + ": " + base::errno_text(errno));
  return made;
}

http::Response StaticFiles::answer(const http::Request& request,
                                   std::span<const std::string> segments) const {
  const auto nothing = [] { return http::Response{.status = 404}; };
  std::string name;
  for (const std::string& segment : segments) {
    if (segment.starts_with('.') && segment != ".well-known") return nothing();
    name += (name.empty() ? "" : "/") + segment;
  }
  if (name.empty() || name.ends_with('/')) name += "index.html";
  http::Response response{.headers = {{"Content-Type", media_type(name)}, {"Cache-Control", "no-cache"}}};
  auto fd = std::make_shared<const base::Fd>(open_beneath(root_.get(), name));
  struct stat info{};
  if (!*fd || ::fstat(fd->get(), &info) != 0) return nothing();
  if (S_ISDIR(info.st_mode)) return {.status = 301, .headers = {{"Location", request.path + "/"}}};
  response.body = http::FileBody{.opened = std::move(fd)};
  return response;
}

}  // namespace wl::wsbridge::api
