// base/secret.h: a value that must never be printed. It has no formatter and no JSON form; reveal()
// is the one way out.
#pragma once
#include <string>
#include <utility>

namespace martlet {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace martlet
