#include "libcommon/catalog/url.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace wl::catalog {
namespace {

/// key='value' as libpq and SOCI's MySQL read it.
std::string pair(std::string_view key, std::string_view value) {
  std::string text = std::string(key) + "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "' ";
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i] + 3, byte, 16).ptr == &text[i] + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Cuts what stands before the first `mark` off; all of `rest` when there is none.
std::string_view cut(std::string_view& rest, char mark) {
  const size_t at = std::min(rest.find(mark), rest.size());
  const std::string_view front = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return front;
}

base::Result<Target> read_server(Engine engine, std::string_view url, const std::string& password) {
  const bool postgresql = engine == Engine::postgresql;
  std::string_view rest = url.substr(url.find("://") + 3);
  std::string_view base = cut(rest, '?');
  std::string_view place = cut(base, '/');
  const size_t at = place.rfind('@');
  const std::string_view user = at == std::string_view::npos ? "" : place.substr(0, at);
  if (at != std::string_view::npos) place.remove_prefix(at + 1);
  if (user.find(':') != std::string_view::npos || rest.find("pass") != std::string_view::npos)
    return base::fail("--db: a password in the URL can be seen by others",
                      "put it into WIRELINE_DB_PASSWORD or a file for --db-password-file", base::Exit::usage);
  std::string_view host = place.starts_with('[') ? cut(place, ']').substr(1) : cut(place, ':');
  if (place.starts_with(':')) place.remove_prefix(1);
  if (host.empty() || base.empty())
    return base::fail("--db: \"" + std::string(url) + "\" names no server or no database",
                      postgresql ? "postgresql://user@host/name" : "mysql://user@host/name",
                      base::Exit::usage);

  std::string connect = pair("host", decoded(host)) + pair(postgresql ? "dbname" : "db", decoded(base));
  if (!place.empty()) connect += postgresql ? pair("port", place) : "port=" + std::string(place) + " ";
  if (!user.empty()) connect += pair("user", decoded(user));
  if (!password.empty()) connect += pair("password", password);
  // A server that hangs must not hold a thread for ever.
  connect += postgresql
                 ? "connect_timeout=5 options='-c client_min_messages=warning -c statement_timeout=30000' "
                 : "connect_timeout=5 read_timeout=30 write_timeout=30 charset=utf8mb4 ";
  while (!rest.empty()) {
    std::string_view value = cut(rest, '&');
    const std::string_view key = cut(value, '=');
    connect += pair(key, decoded(value));
  }
  return Target{engine, connect, std::string(url)};
}

}  // namespace

base::Result<Target> read_url(std::string_view url, const std::string& file, const std::string& password) {
  if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
    return read_server(Engine::postgresql, url, password);
  if (url.starts_with("mysql://") || url.starts_with("mariadb://"))
    return read_server(Engine::mysql, url, password);
  std::string path = file;
  if (url.starts_with("sqlite:")) {
    path = url.substr(url.starts_with("sqlite://") ? 9 : 7);
  } else if (!url.empty() && url != "sqlite") {
    return base::fail("--db: \"" + std::string(url.substr(0, url.find(':'))) + "\" is no kind of database",
                      "sqlite:FILE, postgresql://user@host/name, mysql://user@host/name", base::Exit::usage);
  }
  if (path.empty() || path.find('"') != std::string::npos)
    return base::fail("--db: \"" + path + "\" cannot be a file of SQLite here", {}, base::Exit::usage);
  return Target{Engine::sqlite, "db=\"" + path + "\" timeout=10", path};
}

}  // namespace wl::catalog
