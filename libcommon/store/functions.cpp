#include "libcommon/store/functions.h"

#include <array>
#include <initializer_list>
#include <optional>

#include <arpa/inet.h>
#include <duckdb.h>

#include "libcommon/filter/expression.h"
#include "libcommon/packet/dns_text.h"
#include "libcommon/record/values.h"

namespace wl::store {
namespace {

/// Rows of a call, whose arguments are never NULL where valid().
class Call {
 public:
  Call(duckdb_data_chunk input, duckdb_vector output) : input_(input), output_(output) {
    for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(input); ++i)
      valid_.at(i) = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(input, i));
    columns_ = duckdb_data_chunk_get_column_count(input);
  }
  [[nodiscard]] idx_t rows() const { return duckdb_data_chunk_get_size(input_); }
  [[nodiscard]] bool valid(idx_t row) const {
    for (idx_t i = 0; i < columns_; ++i)
      if (!duckdb_validity_row_is_valid(valid_.at(i), row)) return false;
    return true;
  }
  template <class T>
  [[nodiscard]] T& argument(idx_t column, idx_t row) const {
    return static_cast<T*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(input_, column)))[row];
  }
  [[nodiscard]] std::string_view text(idx_t column, idx_t row) const {
    auto& text = argument<duckdb_string_t>(column, row);
    return {duckdb_string_t_data(&text), duckdb_string_t_length(text)};
  }
  template <class T>
  void answer(idx_t row, T value) const {
    static_cast<T*>(duckdb_vector_get_data(output_))[row] = value;
  }
  void answer_null(idx_t row) const {
    duckdb_vector_ensure_validity_writable(output_);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output_), row);
  }
  void answer_bytes(idx_t row, std::string_view bytes) const {
    duckdb_vector_assign_string_element_len(output_, row, bytes.data(), bytes.size());
  }

 private:
  duckdb_data_chunk input_;
  duckdb_vector output_;
  std::array<uint64_t*, 2> valid_{};
  idx_t columns_ = 0;
};

void text_matches(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const Call call(input, output);
  std::string_view compiled;  // the expression's text
  std::optional<filter::Expression> expression;
  for (idx_t row = 0; row < call.rows(); ++row) {
    if (!call.valid(row)) {
      call.answer_null(row);
      continue;
    }
    if (const std::string_view text = call.text(1, row); !expression || text != compiled) {
      auto made = filter::Expression::compile(text);
      if (!made) return duckdb_scalar_function_set_error(info, made.error().text.c_str());
      expression = std::move(*made);
      compiled = text;
    }
    call.answer(row, expression->fits(call.text(0, row)));
  }
}

template <std::optional<uint16_t> (*number)(std::string_view)>
void number_of(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const Call call(input, output);
  for (idx_t row = 0; row < call.rows(); ++row) {
    const auto code = call.valid(row) ? number(call.text(0, row)) : std::nullopt;
    if (code) {
      call.answer(row, *code);
    } else {
      call.answer_null(row);
    }
  }
}

void address_of(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const Call call(input, output);
  for (idx_t row = 0; row < call.rows(); ++row) {
    std::array<char, 16> bytes{};
    const bool four = call.valid(row) && call.argument<uint8_t>(1, row) == 4;
    if (call.valid(row) &&
        ::inet_pton(four ? AF_INET : AF_INET6, std::string(call.text(0, row)).c_str(), bytes.data()) == 1) {
      call.answer_bytes(row, {bytes.data(), four ? 4U : 16U});
    } else {
      call.answer_null(row);
    }
  }
}

void ip_text(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const Call call(input, output);
  for (idx_t row = 0; row < call.rows(); ++row) {
    const std::string text = call.valid(row) ? record::ip_text(call.text(0, row)) : "";
    if (text.empty()) {
      call.answer_null(row);
    } else {
      call.answer_bytes(row, text);
    }
  }
}

template <class Number, std::string (*text)(Number)>
void number_text(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const Call call(input, output);
  for (idx_t row = 0; row < call.rows(); ++row) {
    if (call.valid(row)) {
      call.answer_bytes(row, text(call.argument<Number>(0, row)));
    } else {
      call.answer_null(row);
    }
  }
}

base::Result<void> add(Duck& duck, const char* name, std::initializer_list<duckdb_type> arguments,
                       duckdb_type answer, duckdb_scalar_function_t run) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name);
  for (const duckdb_type argument : arguments) {
    duckdb_logical_type type = duckdb_create_logical_type(argument);
    duckdb_scalar_function_add_parameter(function, type);
    duckdb_destroy_logical_type(&type);
  }
  duckdb_logical_type type = duckdb_create_logical_type(answer);
  duckdb_scalar_function_set_return_type(function, type);
  duckdb_destroy_logical_type(&type);
  duckdb_scalar_function_set_function(function, run);
  const duckdb_state added =
      duckdb_register_scalar_function(static_cast<duckdb_connection>(duck.connection()), function);
  duckdb_destroy_scalar_function(&function);
  if (added != DuckDBSuccess) return base::fail(std::string("DuckDB does not take the function ") + name);
  return {};
}

}  // namespace

base::Result<void> register_functions(Duck& duck) {
  constexpr duckdb_type kText = DUCKDB_TYPE_VARCHAR, kNumber = DUCKDB_TYPE_USMALLINT;
  auto added = add(duck, "text_matches", {kText, DUCKDB_TYPE_BLOB}, DUCKDB_TYPE_BOOLEAN, text_matches);
  if (added) added = add(duck, "dns_type_number", {kText}, kNumber, number_of<packet::dns_type_number>);
  if (added) added = add(duck, "dns_rcode_number", {kText}, kNumber, number_of<packet::dns_rcode_number>);
  if (added) added = add(duck, "address_of", {kText, DUCKDB_TYPE_UTINYINT}, DUCKDB_TYPE_BLOB, address_of);
  if (added) added = add(duck, "ip_text", {DUCKDB_TYPE_BLOB}, kText, ip_text);
  if (added)
    added = add(duck, "mac_text", {DUCKDB_TYPE_UBIGINT}, kText, number_text<uint64_t, record::mac_text>);
  if (added)
    added = add(duck, "tcp_flags_text", {DUCKDB_TYPE_UTINYINT}, kText,
                number_text<uint8_t, record::tcp_flags_text>);
  return added;
}

}  // namespace wl::store
