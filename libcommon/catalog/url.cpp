#include "libcommon/catalog/url.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace wl::catalog {
namespace {

/// key='value' as SOCI's MySQL reads it.
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

/// PostgreSQL's library takes URLs; SOCI takes the other form apart at each space.
std::string postgresql_url(std::string_view user, std::string_view place, std::string_view name,
                           std::string_view settings, const std::string& password) {
  std::string url = "postgresql://" + std::string(user) + ":";
  for (const char c : password) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    url += {'%', kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]};
  }
  url.append("@").append(place).append("/").append(name).append("?").append(settings);
  return url + (settings.empty() ? "" : "&") +
         "connect_timeout=5&options=-c%20client_min_messages%3dwarning%20-c%20statement_timeout%3d30000";
}

base::Result<Target> read_server(Engine engine, std::string_view url, const std::string& password) {
  std::string_view settings = url.substr(url.find("://") + 3);
  std::string_view name = cut(settings, '?');
  std::string_view place = cut(name, '/');
  const size_t at = place.rfind('@');
  const std::string_view user = at == std::string_view::npos ? "" : place.substr(0, at);
  if (at != std::string_view::npos) place.remove_prefix(at + 1);
  if (user.find(':') != std::string_view::npos || settings.find("pass") != std::string_view::npos)
    return base::fail("--db: a password in the URL can be seen by others",
                      "put it into WIRELINE_DB_PASSWORD or a file for --db-password-file", base::Exit::usage);
  if (place.empty() || name.empty() || url.find(' ') != std::string_view::npos)
    return base::fail("--db: \"" + std::string(url) + "\" names no server or no database",
                      "postgresql://user@host/name, mysql://user@host/name", base::Exit::usage);
  if (engine == Engine::postgresql)
    return Target{engine, postgresql_url(user, place, name, settings, password), std::string(url)};

  std::string_view port = place;
  const std::string_view host = cut(port, ':');
  // A server that hangs must not hold a thread for ever.
  std::string connect = "charset=utf8mb4 connect_timeout=5 read_timeout=30 write_timeout=30 " +
                        pair("host", decoded(host)) + pair("db", decoded(name));
  if (!port.empty()) connect += "port=" + std::string(port) + " ";
  if (!user.empty()) connect += pair("user", decoded(user));
  if (!password.empty()) connect += pair("password", password);
  while (!settings.empty()) {
    std::string_view value = cut(settings, '&');
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
