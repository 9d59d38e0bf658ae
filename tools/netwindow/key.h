#pragma once
// --by: what makes a key.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/hash.h"
#include "libcommon/ndjson/fields.h"

namespace wl::netwindow {

using base::Hash;
using base::Hasher;

/// The paths that one reader takes out of each record; each stands there once.
class Paths {
 public:
  size_t add(std::string_view path);
  /// The place of a path that is there.
  [[nodiscard]] size_t find(std::string_view path) const;
  [[nodiscard]] const std::vector<std::string>& all() const { return paths_; }

 private:
  std::vector<std::string> paths_;
};

/// The name that a field has in our records: dots become '_'.
[[nodiscard]] std::string flat_name(std::string_view path);

/// A key that window records have themselves, which no field of the input can be.
[[nodiscard]] bool is_record_key(std::string_view name);

/// "client", "pair", "none" or fields: "src_ip/24,dst_port". Two prefix lengths are for IPv4 and IPv6
/// ("src_ip/24/48"). A single one up to 32 is for IPv4, and IPv6 addresses keep 64 bits; a larger one is for
/// IPv6, and IPv4 addresses stay whole.
class KeySpec {
 public:
  enum class State : uint8_t { key, missing, wrong };

  /// What the fields are taken from: packets and the like, or our own windows, where client and pair are
  /// fields as any other.
  enum class From : uint8_t { records, windows };

  [[nodiscard]] static base::Result<KeySpec> parse(std::string_view text, Paths& paths,
                                                   From from = From::records);

  /// The hash of the record's key. `missing`: a field of the key is not there; `wrong`: it has a type that
  /// makes no key, see wrong_field().
  [[nodiscard]] State hash(const ndjson::Fields& fields, const Hasher& hasher, Hash& out) const;
  /// The key as members of a JSON object, for a record of which hash() said `key`.
  [[nodiscard]] std::string text(const ndjson::Fields& fields) const;

  /// Names of the members, in order.
  [[nodiscard]] std::vector<std::string> names() const;
  /// What is expected of the field that the last hash() found wrong: "an address in src_ip".
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  enum class Source : uint8_t { field, network, client, pair, as_is };
  struct Part {
    Source source = Source::field;
    std::string name{};
    int prefix4 = 32;
    int prefix6 = 128;
    size_t field = 0;  // client, pair: src_ip
    size_t other = 0;  // client, pair: dst_ip
    size_t dir = 0;    // client
  };

  [[nodiscard]] static base::Result<Part> parse_part(std::string_view text, Paths& paths, From from);
  [[nodiscard]] State hash_part(const Part& part, const ndjson::Fields& fields, const Hasher& hasher,
                                Hash& out) const;
  static void append_part(const Part& part, const ndjson::Fields& fields, std::string& out);

  std::vector<Part> parts_;
  mutable std::string wrong_;
};

/// Less in the order of addresses: IPv4 before IPv6, by number; what is no address comes last, as text.
[[nodiscard]] bool address_less(std::string_view a, std::string_view b);

/// The first address of the network that an address is in; nothing when it is none.
[[nodiscard]] std::optional<std::string> network_of(std::string_view address, int prefix4, int prefix6);

}  // namespace wl::netwindow
