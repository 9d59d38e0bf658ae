#include "tools/wsbridge/http/upload.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace wl::wsbridge::http {
namespace {

using boost::beast::iequals;

/// `name` of " type; name=value; other=\"value\"", where it begins with that type.
std::optional<std::string> parameter(std::string_view text, std::string_view type, std::string_view name) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  if (!iequals(text.substr(0, type.size()), type)) return std::nullopt;
  text.remove_prefix(std::min(text.find(';'), text.size()));
  for (const auto& [key, value] : boost::beast::http::param_list(text)) {
    if (iequals(key, name)) return std::string(value);
  }
  return std::nullopt;
}

/// The last part of a path of any system, without control characters.
std::string plain_name(std::string_view name) {
  constexpr size_t kMaxName = 255;
  name.remove_prefix(name.find_last_of("/\\") + 1);
  std::string plain(name.substr(0, kMaxName));
  std::erase_if(plain, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return plain == "." || plain == ".." ? "" : plain;
}

unsigned status_of_errno() { return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? 507 : 500; }

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  constexpr size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1
  auto boundary = parameter(content_type, "multipart/form-data", "boundary");
  const bool good = boundary && !boundary->empty() && boundary->size() <= kMaxBoundary;
  return good && !boundary->ends_with(' ') ? boundary : std::nullopt;
}

Upload::Upload(const std::string* content_type, std::string field, uint64_t max_bytes)
    : field_(std::move(field)), room_(max_bytes) {
  if (content_type == nullptr || !content_type->starts_with("multipart/")) {
    status_ = open("");
  } else if (const auto boundary = multipart_boundary(*content_type)) {
    delimiter_ = "\r\n--" + *boundary;
  } else {
    status_ = 400;
  }
}

unsigned Upload::add(std::string_view bytes) {
  if (status_ != 0 || state_ == State::done) return status_;  // what stands behind a form is nothing
  if (delimiter_.empty()) return save(bytes);
  kept_ += bytes;
  std::string_view rest = kept_;
  while (status_ == 0 && take(rest)) {
  }
  kept_.erase(0, kept_.size() - rest.size());
  return status_;
}

/// Takes what is decided off the front of `rest`; false: more bytes are needed.
bool Upload::take(std::string_view& rest) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  if (state_ != State::head) {
    const size_t found = rest.find(delimiter_);
    const bool there = found != std::string_view::npos;
    const size_t size = there ? found : rest.size() - std::min(rest.size(), delimiter_.size() - 1);
    if (state_ == State::data) status_ = save(rest.substr(0, size));
    rest.remove_prefix(there ? size + delimiter_.size() : size);
    if (there) state_ = State::head;
    return there;
  }
  if (rest.starts_with("--")) {
    state_ = State::done;
    return false;
  }
  const size_t line = std::min(rest.find_first_not_of(" \t"), rest.size());  // behind padding
  const size_t end = rest.find(kHeadEnd);
  const bool no_line = rest.size() >= 2 && line < rest.size() && rest[line] != '\r';
  const bool too_long =
      end == std::string_view::npos ? rest.size() >= kMaxHead : end > kMaxHead - kHeadEnd.size();
  if (no_line || too_long) {
    status_ = 400;
  } else if (end == std::string_view::npos) {
    return false;
  } else {
    status_ = begin_part(rest.substr(line, end + 2 - line));
    rest.remove_prefix(end + kHeadEnd.size());
    state_ = State::data;
  }
  return true;
}

/// `head`: a line end, and lines with theirs.
unsigned Upload::begin_part(std::string_view head) {
  constexpr std::string_view kDisposition = "content-disposition:";
  if (!head.starts_with("\r\n") || head.find('\0') != std::string_view::npos) return 400;
  while (!head.empty()) {
    head.remove_prefix(2);
    std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size());
    if (!iequals(line.substr(0, kDisposition.size()), kDisposition)) continue;
    line.remove_prefix(kDisposition.size());
    const auto name = parameter(line, "form-data", "name");
    if (!name) return 400;
    fd_.reset();
    if (*name == field_)
      return file_ ? 400 : open(parameter(line, "form-data", "filename").value_or(""));  // one file, not two
    query_ += query_.empty() ? "" : "&";
    const unsigned status = save(*name);
    query_ += '=';
    return status;
  }
  return 400;
}

unsigned Upload::open(std::string_view name) {
  std::string path = std::filesystem::temp_directory_path() / "wsbridge-upload-XXXXXX";
  fd_.reset(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd_) return status_of_errno();
  file_.reset(new TemporaryFile{path, plain_name(name)});
  return 0;
}

unsigned Upload::save(std::string_view bytes) {
  if (!fd_) {
    append_encoded(query_, bytes);
    return query_.size() > kMaxFields ? 413 : 0;
  }
  if (bytes.size() > room_) return 413;
  room_ -= bytes.size();
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_.get(), bytes.data(), bytes.size());
    if (done < 0 && errno != EINTR) return status_of_errno();
    bytes.remove_prefix(done < 0 ? 0 : static_cast<size_t>(done));
  }
  return 0;
}

unsigned Upload::finish(Request& request) {
  fd_.reset();
  if (!file_ || (!delimiter_.empty() && state_ != State::done)) return 400;
  if (!request.query.empty() && !query_.empty()) request.query += '&';
  request.query += query_;
  request.upload = std::move(file_);
  return 200;
}

}  // namespace wl::wsbridge::http
