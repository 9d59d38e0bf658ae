#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "libcommon/record/field_selection.h"
#include "libcommon/record/packet.h"
#include "libcommon/record/packet_writer.h"

using namespace wl;
using record::Field;
using record::FieldSet;

namespace {

/// What a writer with these fields writes of the packet.
std::string line(const record::Packet& packet, const FieldSet& fields,
                 base::TimeFormat format = base::TimeFormat::rfc3339) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    ndjson::Output out(ends[1]);
    record::PacketWriter(fields, format).write(packet, out);
    out.flush();
  }
  ::close(ends[1]);
  std::string text(1 << 20, '\0');
  const ssize_t size = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(static_cast<size_t>(size));
  return text;
}

FieldSet fields(std::string_view text) {
  const auto parsed = record::parse_fields(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("keys of the field table are distinct, flat and snake_case") {
  std::set<std::string_view> keys{"type", "ts"};
  for (const record::FieldInfo& field : record::packet_fields()) {
    CHECK(keys.insert(field.key).second);
    CHECK(field.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos);
    CHECK_FALSE(field.text.empty());
  }
}

TEST_CASE("a record holds what is present and selected, in the table's order") {
  record::Packet packet;
  packet.has_time = true;
  packet.time_ns = 1'763'629'380'123'456'789;
  packet.set_dst_port(443);
  packet.set_n(7);
  packet.set_tcp_flags(0x12);
  packet.set_src_ip({.bytes = {10, 0, 0, 7}, .version = 4});
  packet.set_dns_response(false);
  const FieldSet all = fields("all");
  CHECK(line(packet, all) ==
        R"({"type":"packet","ts":"2025-11-20T09:03:00.123456Z","n":7,"src_ip":"10.0.0.7","dst_port":443,)"
        R"("tcp_flags":"SA","dns_response":false})"
        "\n");
  CHECK(line(packet, fields("n")) == R"({"type":"packet","ts":"2025-11-20T09:03:00.123456Z","n":7})"
                                     "\n");
  packet.time_digits = 9;
  CHECK(line(packet, {}) == R"({"type":"packet","ts":"2025-11-20T09:03:00.123456789Z"})"
                            "\n");
  CHECK(line(packet, {}, base::TimeFormat::epoch) == R"({"type":"packet","ts":1763629380.123456789})"
                                                     "\n");
  CHECK(line(packet, {}, base::TimeFormat::epoch_ns) == R"({"type":"packet","ts":"1763629380123456789"})"
                                                        "\n");
  packet.has_time = false;
  packet.set_tcp_flags(0);
  CHECK(line(packet, fields("tcp_flags")) == R"({"type":"packet","tcp_flags":""})"
                                             "\n");
}

TEST_CASE("texts of any length and content stay one line of JSON") {
  record::Packet packet;
  const std::string hostile(60000, '"');
  const std::string_view list[] = {"a\nb", hostile};
  packet.set_name(hostile);
  packet.set_dns_answers(list);
  const std::string text = line(packet, fields("name,dns_answers"));
  CHECK(text.size() > hostile.size() * 4);
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("field lists: groups, keys and signs") {
  using record::Group;
  CHECK(fields("core") == record::group_fields(Group::core));
  CHECK(fields("ts,src_ip,len") == FieldSet{Field::src_ip, Field::len});
  CHECK(fields("+ip") == (record::default_fields() | record::group_fields(Group::ip)));
  CHECK(fields("-app") == (record::group_fields(Group::core) | record::group_fields(Group::tunnel)));
  CHECK(fields("core,+ip,-app") == (record::group_fields(Group::core) | record::group_fields(Group::ip)));
  CHECK(fields("all,info").has(Field::info));
  CHECK_FALSE(fields("all").has(Field::info));
  CHECK_FALSE(fields("all").has(Field::payload));
  CHECK(fields("all,-layers").has(Field::link));
}

TEST_CASE("field lists: an unknown word is refused with the nearest") {
  const auto parsed = record::parse_fields("core,src_prt");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().exit == base::Exit::usage);
  CHECK(parsed.error().line().find("\"src_prt\"") != std::string::npos);
  CHECK(parsed.error().line().find("did you mean src_port?") != std::string::npos);
}
