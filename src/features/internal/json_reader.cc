#include "features/internal/json_reader.h"

#include <limits>

namespace martlet::features {

void JsonReader::take(Error error) {
  if (!error_) error_ = std::move(error);
}

void JsonReader::fail(std::string_view key, std::string_view expected) {
  take(Error(ErrorCode::Corrupt, std::string(subject_) + ": \"" + std::string(key) + "\" must be " +
                                     std::string(expected)));
}

std::string JsonReader::text(std::string_view key) {
  return take<std::string>(text_member(object_, key, subject_));
}
bool JsonReader::boolean(std::string_view key) {
  return take<bool>(boolean_member(object_, key, subject_));
}
double JsonReader::number(std::string_view key) {
  return take<double>(number_member(object_, key, subject_));
}
const Json* JsonReader::raw(std::string_view key) {
  return take<const Json*>(member(object_, key, subject_));
}

double JsonReader::number_or_nan(std::string_view key) {
  const Json* value = raw(key);
  return value == nullptr || value->is_null() ? std::numeric_limits<double>::quiet_NaN()
                                              : number(key);
}

int JsonReader::integer(std::string_view key, int low, int high) {
  const auto value = take<std::int64_t>(integer_member(object_, key, subject_));
  if (ok() && (value < low || value > high)) {
    fail(key, "between " + std::to_string(low) + " and " + std::to_string(high));
    return low;
  }
  return static_cast<int>(value);
}

const Json& JsonReader::list(std::string_view key) {
  static const Json none = Json::array();
  const Json* value = raw(key);
  if (value == nullptr) return none;
  if (!value->is_array()) {
    fail(key, "a list");
    return none;
  }
  return *value;
}

std::vector<double> JsonReader::numbers(std::string_view key, std::size_t count) {
  std::vector<double> values;
  for (const Json& item : list(key)) {
    if (item.is_number()) {
      values.push_back(item.get<double>());
    } else {
      fail(key, "a list of numbers");
    }
  }
  if (ok() && values.size() != count) fail(key, "a list of " + std::to_string(count) + " numbers");
  return values;
}

std::vector<std::string> JsonReader::texts(std::string_view key) {
  std::vector<std::string> values;
  for (const Json& item : list(key)) {
    if (item.is_string()) {
      values.push_back(item.get<std::string>());
    } else {
      fail(key, "a list of texts");
    }
  }
  return values;
}

Result<void> JsonReader::finish() {
  if (!error_) return {};
  return corrupt(error_->message());
}

}  // namespace martlet::features
