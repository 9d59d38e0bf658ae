#include "tools/wsbridge/http/upload.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "tools/wsbridge/http/target.h"

namespace wl::wsbridge::http {
namespace {

/// The last part of a path of any system, without control characters.
std::string plain_name(std::string_view name) {
  constexpr size_t kMaxName = 255;
  name.remove_prefix(name.find_last_of("/\\") + 1);
  std::string plain;
  for (const char c : name.substr(0, kMaxName)) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) plain += c;
  }
  return plain == "." || plain == ".." ? "" : plain;
}

}  // namespace

Upload::Upload(const std::string& directory, const std::string* content_type, std::string field,
               uint64_t max_bytes)
    : path_(directory + "/upload-XXXXXX"),
      field_(std::move(field)),
      room_(max_bytes),
      max_total_(max_bytes + kMaxOverhead) {
  if (content_type == nullptr || !content_type->starts_with("multipart/")) {
    (void)open("");
    in_file_ = true;
  } else if (const auto boundary = multipart_boundary(*content_type)) {
    form_.emplace(*boundary);
  } else {
    status_ = 400;
  }
}

bool Upload::refuse(unsigned status) {
  status_ = status;
  return false;
}

bool Upload::open(std::string_view name) {
  fd_.reset(::mkostemp(path_.data(), O_CLOEXEC));
  if (!fd_) return refuse(errno == ENOSPC ? 507 : 500);
  file_ = std::make_shared<TemporaryFile>(path_, plain_name(name));
  return true;
}

unsigned Upload::add(std::string_view bytes) {
  taken_ += bytes.size();
  if (status_ != 0) return status_;
  if (!form_) {
    (void)save(bytes);
  } else if (taken_ > max_total_) {
    status_ = 413;
  } else if (!form_->feed(bytes, *this) && status_ == 0) {
    status_ = 400;
  }
  return status_;
}

bool Upload::save(std::string_view bytes) {
  if (bytes.size() > room_) return refuse(413);
  room_ -= bytes.size();
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return refuse(errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? 507 : 500);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return true;
}

bool Upload::part(std::string_view name, std::optional<std::string_view> file_name) {
  in_file_ = name == field_;
  if (in_file_) return !file_ && open(file_name.value_or(""));  // one file, not two
  name_ = name;
  value_.clear();
  return true;
}

bool Upload::data(std::string_view bytes) {
  if (in_file_) return save(bytes);
  if (query_.size() + value_.size() + bytes.size() > kMaxFields) return refuse(413);
  value_ += bytes;
  return true;
}

bool Upload::part_end() {
  if (!in_file_) append_query(query_, name_, value_);
  return query_.size() <= 3 * kMaxFields || refuse(413);
}

unsigned Upload::finish(Request& request) {
  fd_.reset();
  if (status_ == 0 && (!file_ || (form_ && !form_->complete()))) status_ = 400;
  if (status_ != 0) return status_;
  if (!request.query.empty() && !query_.empty()) request.query += '&';
  request.query += query_;
  request.upload = std::move(file_);
  return 0;
}

}  // namespace wl::wsbridge::http
