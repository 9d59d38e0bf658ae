#include "tools/wsbridge/http/files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace wl::wsbridge::http {
namespace {

namespace fs = std::filesystem;
using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 15> kMediaTypes{{{"html", "text/html; charset=utf-8"},
                                            {"js", "text/javascript; charset=utf-8"},
                                            {"mjs", "text/javascript; charset=utf-8"},
                                            {"css", "text/css; charset=utf-8"},
                                            {"txt", "text/plain; charset=utf-8"},
                                            {"json", "application/json"},
                                            {"map", "application/json"},
                                            {"ndjson", "application/x-ndjson"},
                                            {"svg", "image/svg+xml"},
                                            {"png", "image/png"},
                                            {"jpg", "image/jpeg"},
                                            {"webp", "image/webp"},
                                            {"ico", "image/x-icon"},
                                            {"woff2", "font/woff2"},
                                            {"wasm", "application/wasm"}}};
constexpr std::array<Pair, 4> kPages{
    {{"/", "index.html"}, {"/setup", "setup.html"}, {"/docs", "docs.html"}, {"/redoc", "redoc.html"}}};
constexpr std::array<std::string_view, 3> kBundles{"docs/swagger-ui-bundle.js", "docs/swagger-ui.css",
                                                   "docs/redoc.standalone.js"};
constexpr const char* kOwnPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
constexpr const char* kBundlePolicy =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

std::string_view ending(std::string_view name) { return name.substr(name.rfind('.') + 1); }

Headers media_headers(std::string_view name) {
  const auto* const found = std::ranges::find(kMediaTypes, ending(name), &Pair::first);
  return {
      {"Content-Type", std::string(found == kMediaTypes.end() ? "application/octet-stream" : found->second)},
      {"Cache-Control", "no-cache"}};
}

/// Of a bundle; none: it was not fetched.
base::Fd open_bundle(std::string_view name) {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  base::Fd fd(::open((folder.parent_path() / "share/wireline" / name).c_str(), O_RDONLY | O_CLOEXEC));
  for (int up = 0; !fd && up < 4; ++up, folder = folder.parent_path()) {
    fd.reset(::open((folder / ".deps" / name).c_str(), O_RDONLY | O_CLOEXEC));
  }
  return fd;
}

awaitable<void> write_file(std::shared_ptr<base::Fd> fd, ByteRange part, BodySink& sink) {
  constexpr uint64_t kBlock = uint64_t{128} << 10;
  for (std::string block; part.size != 0;) {
    block.resize(std::min(part.size, kBlock));
    const ssize_t got = ::pread(fd->get(), block.data(), block.size(), static_cast<off_t>(part.first));
    if (got <= 0) throw std::runtime_error("a file became shorter while it was sent");
    block.resize(static_cast<size_t>(got));
    part.first += block.size();
    part.size -= block.size();
    const bool taken = co_await sink.write(block);
    if (!taken) co_return;
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
  }
}

}  // namespace

Response file_answer(const Request& request, base::Fd fd, std::string_view name) {
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return problem(404);
  const auto size = static_cast<uint64_t>(info.st_size);
  std::array<char, 64> etag{};
  (void)std::snprintf(etag.data(), etag.size(), "\"%jx-%jx%08lx\"", static_cast<uintmax_t>(size),
                      static_cast<uintmax_t>(info.st_mtim.tv_sec), info.st_mtim.tv_nsec);
  const std::string modified = http_date(info.st_mtim.tv_sec);
  Response response{.headers = media_headers(name)};
  response.headers.emplace_back("ETag", etag.data());
  response.headers.emplace_back("Last-Modified", modified);
  response.headers.emplace_back("Accept-Ranges", "bytes");

  const auto* const tags = request.header("If-None-Match");
  const auto* const since = request.header("If-Modified-Since");
  if (tags != nullptr ? etag_matches(*tags, etag.data()) : since != nullptr && *since == modified) {
    response.status = 304;
    return response;
  }
  ByteRange part{.first = 0, .size = size};
  const auto* const wanted = request.header("Range");
  const auto* const same = request.header("If-Range");
  const bool may = wanted != nullptr && (same == nullptr || *same == etag.data() || *same == modified);
  if (const auto range = may ? parse_range(*wanted, size) : std::nullopt) {
    const std::string total = "/" + std::to_string(size);
    if (range->size == 0) {
      response = problem(416);
      response.headers.emplace_back("Content-Range", "bytes *" + total);
      return response;
    }
    response.status = 206;
    const std::string last = std::to_string(range->first + range->size - 1);
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(range->first) + "-" + last + total);
    part = *range;
  }
  const auto file = std::make_shared<base::Fd>(std::move(fd));
  response.body = BodyMaker([file, part](BodySink& sink) { return write_file(file, part, sink); });
  response.length = part.size;
  return response;
}

std::optional<ByteRange> parse_range(std::string_view header, uint64_t total) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  uint64_t first = UINT64_MAX,
           last = UINT64_MAX;  // they stay so where there is no number, or too large a one
  const char* const begin = header.data() + kUnit.size();
  const char* const end = header.data() + header.size();
  const char* const dash = std::from_chars(begin, end, first).ptr;
  if (dash == end || *dash != '-' || std::from_chars(dash + 1, end, last).ptr != end) return std::nullopt;
  if (dash == begin) {  // "-500": the last 500 bytes
    if (dash + 1 == end) return std::nullopt;
    const uint64_t size = std::min(last, total);
    return ByteRange{total - size, size};
  }
  if (last < first) return std::nullopt;
  if (first >= total) return ByteRange{};
  return ByteRange{first, std::min(last, total - 1) - first + 1};
}

bool etag_matches(std::string_view header, std::string_view etag) {
  etag.remove_prefix(etag.starts_with("W/") ? 2 : 0);
  return header == "*" || header.find(etag) != std::string_view::npos;  // its quotes stand in no other tag
}

base::Result<StaticFiles> StaticFiles::open(const std::string& path) {
  StaticFiles made;
  made.root_.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!made.root_) return base::fail(path + ": " + base::errno_text(errno));
  return made;
}

Response StaticFiles::answer(const Request& request, std::span<const std::string> segments) const {
  std::string name;
  for (const std::string& segment : segments) {
    if (segment.starts_with('.') && segment != ".well-known") return problem(404);
    name += (name.empty() ? "" : "/") + segment;
  }
  if (name.empty() || name.ends_with('/')) name += "index.html";
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;  // a FIFO must not stop us
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  base::Fd fd(static_cast<int>(::syscall(SYS_openat2, root_.get(), name.c_str(), &how, sizeof how)));
  struct stat info{};
  if (fd && ::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return {.status = 301, .headers = {{"Location", request.path + "/"}}};
  }
  return file_answer(request, std::move(fd), name);
}

std::optional<Response> page(const Request& request) {
  const std::string_view path = request.path;
  const auto* const own = std::ranges::find(kPages, path, &Pair::first);
  if (own == kPages.end() && !path.starts_with("/_/")) return std::nullopt;
  const std::string_view name = own == kPages.end() ? path.substr(3) : own->second;
  const auto file = std::ranges::find(web_files(), name, &WebFile::name);
  Response response;
  const bool ours = name.ends_with(".jq") || name.ends_with(".json");
  if (file != web_files().end() && !ours) {
    response = {.headers = media_headers(name), .body = std::string(file->bytes)};
  } else if (std::ranges::find(kBundles, name) != kBundles.end()) {
    response = file_answer(request, open_bundle(name), name);
  } else {
    return std::nullopt;
  }
  const bool loads_bundle = name == "docs.html" || name == "redoc.html";
  response.headers.emplace_back("Content-Security-Policy", loads_bundle ? kBundlePolicy : kOwnPolicy);
  return response;
}

}  // namespace wl::wsbridge::http
