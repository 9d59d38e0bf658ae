#pragma once
// The members of one object of a profile, read by name and type.
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/wsbridge/profile/document.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {

/// ", did you mean "x"?" when one of `known` is near to `name`, else nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

/// Each member is asked for by one call, which leaves `into` alone when it is not there or wrong. What nobody
/// asked for is an error when this goes.
class Fields {
 public:
  /// `what` stands before messages: "route GET /api/traffic". All must outlive this.
  Fields(const Value& object, std::string what, const std::string& file, std::vector<Finding>& findings);
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields();

  /// The member if it is there and of that kind.
  const Value* take(std::string_view name, Value::Kind kind, std::string_view expected);
  const Value* take(std::string_view name);  ///< of any kind
  const Value* array(std::string_view name) { return take(name, Value::Kind::array, "an [array]"); }
  const Value* object(std::string_view name) { return take(name, Value::Kind::object, "an {object}"); }
  [[nodiscard]] bool has(std::string_view name) const { return object_.find(name) != nullptr; }

  void text(std::string_view name, std::string& into);
  void boolean(std::string_view name, bool& into);
  void words(std::string_view name, std::vector<std::string>& into);
  void words(const Value& array, std::string_view name, std::vector<std::string>& into);
  void duration(std::string_view name, int64_t& into, int64_t min);
  void size(std::string_view name, uint64_t& into);
  void real(std::string_view name, std::optional<double>& into);
  template <std::unsigned_integral T>
  void number(std::string_view name, T& into, uint64_t min, uint64_t max = std::numeric_limits<T>::max()) {
    uint64_t value = into;
    whole(name, value, min, max);
    into = static_cast<T>(value);
  }
  /// One of the words in `all` ("drop|cut"), in the order of E's values.
  template <class E>
  void choice(std::string_view name, E& into, std::string_view all) {
    if (const auto index = one_of(name, all)) into = static_cast<E>(*index);
  }

  void error(size_t line, const std::string& text);
  void error(const std::string& text) { error(object_.line, text); }
  [[nodiscard]] Place place() const { return {file_, object_.line}; }
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  void whole(std::string_view name, uint64_t& into, uint64_t min, uint64_t max);
  std::optional<size_t> one_of(std::string_view name, std::string_view all);

  const Value& object_;
  std::string what_;
  const std::string& file_;
  std::vector<Finding>& findings_;
  std::vector<std::string> asked_{};
};

}  // namespace wl::wsbridge
