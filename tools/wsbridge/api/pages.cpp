#include "tools/wsbridge/api/pages.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace wl::wsbridge::api {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOwn =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
constexpr std::string_view kBundle =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPages{
    {{"/", "index.html"}, {"/setup", "setup.html"}, {"/docs", "docs.html"}, {"/redoc", "redoc.html"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTypes{
    {{".html", "text/html; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".svg", "image/svg+xml"}}};
constexpr std::array<std::string_view, 3> kBundles{"swagger-ui-bundle.js", "swagger-ui.css",
                                                   "redoc.standalone.js"};

std::string_view type_of(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kTypes, [&](const auto& type) { return name.ends_with(type.first); });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

/// Where a bundle lies; empty: it was not fetched.
std::string bundle_path(std::string_view name) {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::string found;
  const auto there = [&](const fs::path& path) {
    if (found.empty() && fs::is_regular_file(path / name, error)) found = path / name;
  };
  there(folder.parent_path() / "share/wireline/docs");
  for (int up = 0; up < 4; ++up, folder = folder.parent_path()) there(folder / ".deps/docs");
  return found;
}

http::Response file_response(std::string_view name, std::string_view policy) {
  http::Response response;
  response.headers = {{"Content-Type", std::string(type_of(name))},
                      {"Content-Security-Policy", std::string(policy)},
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace

std::optional<http::Response> page(std::string_view path) {
  constexpr std::string_view kFiles = "/_/";
  constexpr std::string_view kDocs = "/_/docs/";
  if (path.starts_with(kDocs)) {
    const auto* const name = std::ranges::find(kBundles, path.substr(kDocs.size()));
    const std::string file = name == kBundles.end() ? "" : bundle_path(*name);
    if (file.empty()) return std::nullopt;
    http::Response response = file_response(*name, kOwn);
    response.body = http::FileBody{file};
    return response;
  }
  const auto* const own =
      std::ranges::find(kPages, path, &std::pair<std::string_view, std::string_view>::first);
  if (own == kPages.end() && !path.starts_with(kFiles)) return std::nullopt;
  std::string_view name = own == kPages.end() ? path.substr(kFiles.size()) : own->second;
  const bool bundled = name == "docs.html" || name == "redoc.html";
  const auto file = std::ranges::find(web_files(), name, &WebFile::name);
  if (file == web_files().end()) return std::nullopt;
  http::Response response = file_response(name, bundled ? kBundle : kOwn);
  response.body = std::string(file->bytes);
  return response;
}

}  // namespace wl::wsbridge::api
