// Reads the members of one JSON object of a stored program; the first problem is kept and later
// reads return empty values. Internal.
#pragma once
#include "base/json.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::features {

class JsonReader {
 public:
  // Both must outlive the reader.
  JsonReader(const Json& object, std::string_view subject) : object_(object), subject_(subject) {}

  std::string text(std::string_view key);
  bool boolean(std::string_view key);
  double number(std::string_view key);         // finite
  double number_or_nan(std::string_view key);  // null is NaN
  int integer(std::string_view key, int low, int high);
  std::vector<double> numbers(std::string_view key, std::size_t count);
  std::vector<std::string> texts(std::string_view key);
  // A list; an empty one on failure.
  const Json& list(std::string_view key);
  const Json* raw(std::string_view key);
  void fail(std::string_view key, std::string_view expected);
  void take(Error error);

  bool ok() const { return !error_; }
  // Corrupt, with the first problem.
  Result<void> finish();

 private:
  template <class T>
  T take(Result<T> result) {
    if (result.has_value()) return std::move(result).value();
    take(std::move(result).error());
    return T{};
  }
  const Json& object_;
  std::string_view subject_;
  std::optional<Error> error_;
};

}  // namespace martlet::features
