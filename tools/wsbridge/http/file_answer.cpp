#include "tools/wsbridge/http/file_answer.h"

#include <array>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>

#include "tools/wsbridge/http/conditional.h"

namespace wl::wsbridge::http {
namespace {

std::string etag_of(const struct stat& info) {
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "\"%llx-%llx%08lx\"",
                      static_cast<unsigned long long>(info.st_size),
                      static_cast<unsigned long long>(info.st_mtim.tv_sec), info.st_mtim.tv_nsec);
  return text.data();
}

bool unchanged(const Request& request, const std::string& etag, time_t modified) {
  if (const auto* const tags = request.header("If-None-Match")) return etag_matches(*tags, etag);
  const auto* const since = request.header("If-Modified-Since");
  const auto time = since != nullptr ? parse_http_date(*since) : std::nullopt;
  return time && modified <= *time;
}

}  // namespace

FileAnswer prepare_file(const Request& request, const FileBody& file, Response& response) {
  FileAnswer answer{.fd = file.opened};
  if (!answer.fd) {
    // Not blocking: a FIFO must not stop us before we know that it is one.
    base::Fd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    answer.fd = std::make_shared<const base::Fd>(std::move(fd));
  }
  struct stat info{};
  if (!*answer.fd || ::fstat(answer.fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    response = {.status = 404, .headers = {{"Content-Type", "application/problem+json"}}};
    return {};
  }
  answer.size = static_cast<uint64_t>(info.st_size);
  if (response.status != 200) return answer;
  const std::string etag = etag_of(info);
  const std::string modified = http_date(info.st_mtim.tv_sec);
  response.headers.insert(response.headers.end(),
                          {{"ETag", etag}, {"Last-Modified", modified}, {"Accept-Ranges", "bytes"}});
  if (unchanged(request, etag, info.st_mtim.tv_sec)) {
    response.status = 304;
    return answer;
  }
  const auto* const wanted = request.header("Range");
  const auto* const condition = request.header("If-Range");
  if (wanted == nullptr || (condition != nullptr && *condition != etag && *condition != modified))
    return answer;
  const auto range = parse_range(*wanted, answer.size);
  if (!range) return answer;
  const std::string total = "/" + std::to_string(answer.size);
  if (range->size == 0) {
    response = {
        .status = 416,
        .headers = {{"Content-Type", "application/problem+json"}, {"Content-Range", "bytes *" + total}}};
    return {};
  }
  response.status = 206;
  response.headers.emplace_back("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                                     std::to_string(range->first + range->size - 1) + total);
  answer.offset = range->first;
  answer.size = range->size;
  return answer;
}

}  // namespace wl::wsbridge::http
