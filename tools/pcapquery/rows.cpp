#include "tools/pcapquery/rows.h"

#include <algorithm>
#include <stdexcept>

#include "libcommon/base/utf8.h"

namespace wl::pcapquery {

using record::Kind;

RowObjects::RowObjects(std::string_view type, std::span<const record::KeyInfo> keys, const Style& style,
                       const store::Reader& reader, const store::Rows& rows)
    : type_(type), style_(style), reader_(reader), rows_(rows) {
  for (size_t i = 0; i < rows.columns(); ++i) {
    const std::string name = rows.column_name(i);
    const auto key = std::ranges::find(keys, name, &record::KeyInfo::key);
    if (key == keys.end()) throw std::logic_error("column " + name + " is no key");
    columns_.push_back(&*key);
  }
}

std::string RowObjects::next() const {
  Object object(style_, type_);
  for (size_t i = 0; i < columns_.size(); ++i)
    if (!rows_.null(i)) put(object, i);
  return object.take();
}

void RowObjects::put(Object& object, size_t column) const {
  const std::string_view key = columns_[column]->key;
  if (key == "file_id") {
    const store::Capture* const capture = reader_.capture(rows_.text(column));
    if (capture == nullptr) return;
    if (!capture->file_id.empty()) return object.text(key, capture->file_id);
    return object.text("at_file", base::wire_text(capture->name));
  }
  switch (columns_[column]->kind) {
    case Kind::u8:
    case Kind::u16:
    case Kind::u32:
    case Kind::u64: return object.number(key, rows_.unsigned_number(column));
    case Kind::number: return object.real(key, rows_.real(column));
    case Kind::boolean: return object.boolean(key, rows_.number(column) != 0);
    case Kind::text: return object.text(key, rows_.text(column));
    case Kind::ip: return object.ip(key, rows_.text(column));
    case Kind::mac: return object.mac(key, rows_.unsigned_number(column));
    case Kind::tcp_flags: return object.tcp_flags(key, static_cast<uint8_t>(rows_.number(column)));
    case Kind::time: return object.time(key, rows_.number(column));
    case Kind::text_list: return object.texts(key, rows_.texts(column));
    case Kind::base64:
    case Kind::object_list: break;
  }
  throw std::logic_error("column " + std::string(key) + " is of a kind that rows do not have");
}

}  // namespace wl::pcapquery
