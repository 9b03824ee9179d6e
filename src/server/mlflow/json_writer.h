// server/mlflow/json_writer.h: answers as JSON text, written as they come.
//
// MLflow's answers leave out what is unset: the members here write nothing for an empty text or an
// empty list; *_always ones do. Not thread-safe; one answer each.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace martlet::server::mlflow {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);  // invalid UTF-8 is replaced
  JsonWriter& value(std::int64_t integer);
  JsonWriter& value(double number);  // "NaN", "Infinity" and "-Infinity" are texts
  JsonWriter& value(bool boolean);
  JsonWriter& value(const char* text) = delete;  // would be a boolean

  // Members.
  JsonWriter& text(std::string_view name, std::string_view text) {
    return text.empty() ? *this : key(name).value(text);
  }
  JsonWriter& text_always(std::string_view name, std::string_view text) {
    return key(name).value(text);
  }
  JsonWriter& integer(std::string_view name, std::int64_t integer) {
    return key(name).value(integer);
  }
  JsonWriter& integer(std::string_view name, std::optional<std::int64_t> integer) {
    return integer.has_value() ? key(name).value(*integer) : *this;
  }
  JsonWriter& number(std::string_view name, double number) { return key(name).value(number); }
  JsonWriter& boolean(std::string_view name, bool boolean) { return key(name).value(boolean); }

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void comma();
  void quoted(std::string_view text);

  std::string out_;
  bool first_ = true;  // nothing stands yet in the innermost object or array
};

}  // namespace martlet::server::mlflow
