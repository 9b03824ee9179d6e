#include "base/first_difference.h"

#include <algorithm>

namespace martlet {

namespace {

class Comparison {
 public:
  explicit Comparison(std::size_t limit) : limit_(limit) {}

  void compare(const Json& expected, const Json& actual, const std::string& path) {
    if (full()) return;
    if (expected.is_object() && actual.is_object()) {
      compare_objects(expected, actual, path);
    } else if (expected.is_array() && actual.is_array()) {
      compare_arrays(expected, actual, path);
    } else if (expected != actual) {
      found_.push_back({path, expected, actual});
    }
  }

  std::vector<JsonDifference> take() { return std::move(found_); }

 private:
  bool full() const { return found_.size() >= limit_; }

  void compare_objects(const Json& expected, const Json& actual, const std::string& path) {
    const auto below = [&](const std::string& key) {
      return path.empty() ? key : path + "." + key;
    };
    for (const auto& [key, value] : expected.items()) {
      if (full()) return;
      const auto other = actual.find(key);
      if (other == actual.end()) {
        found_.push_back({below(key), value, std::nullopt});
      } else {
        compare(value, *other, below(key));
      }
    }
    for (const auto& [key, value] : actual.items()) {
      if (full()) return;
      if (!expected.contains(key)) found_.push_back({below(key), std::nullopt, value});
    }
  }

  void compare_arrays(const Json& expected, const Json& actual, const std::string& path) {
    const std::size_t longest = std::max(expected.size(), actual.size());
    for (std::size_t i = 0; i < longest && !full(); ++i) {
      const std::string place = path + "[" + std::to_string(i) + "]";
      if (i >= expected.size()) {
        found_.push_back({place, std::nullopt, actual[i]});
      } else if (i >= actual.size()) {
        found_.push_back({place, expected[i], std::nullopt});
      } else {
        compare(expected[i], actual[i], place);
      }
    }
  }

  std::size_t limit_;
  std::vector<JsonDifference> found_;
};

// The next line of `rest`, which is shortened; nothing at its end.
std::optional<std::string_view> next_line(std::string_view& rest, bool& ended) {
  if (ended) return std::nullopt;
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  if (end == std::string_view::npos) {
    ended = true;
  } else {
    rest.remove_prefix(end + 1);
  }
  return line;
}

}  // namespace

std::vector<JsonDifference> json_differences(const Json& expected, const Json& actual,
                                             std::size_t limit) {
  Comparison comparison(limit);
  comparison.compare(expected, actual, "");
  return comparison.take();
}

std::optional<LineDifference> first_line_difference(std::string_view expected,
                                                    std::string_view actual) {
  if (expected == actual) return std::nullopt;
  bool expected_ended = false;
  bool actual_ended = false;
  for (std::size_t line = 1;; ++line) {
    const auto ours = next_line(expected, expected_ended);
    const auto theirs = next_line(actual, actual_ended);
    if (ours == theirs) continue;
    LineDifference found;
    found.line = line;
    if (ours.has_value()) found.expected = std::string(*ours);
    if (theirs.has_value()) found.actual = std::string(*theirs);
    return found;
  }
}

}  // namespace martlet
