// base/pattern.h: regular expressions in linear time (RE2 syntax), and SQL's LIKE. Immutable;
// shared by threads freely.
#pragma once
#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {

class Pattern {
 public:
  // InvalidArgument with RE2's words. At most 8 MiB of program.
  static Result<Pattern> compile(std::string_view expression);
  // SQL LIKE: % any run, _ any one character; no escape character unless given.
  static Result<Pattern> like(std::string_view like, bool ignore_case = false);

  bool matches_whole(std::string_view text) const;
  bool occurs_in(std::string_view text) const;
  // The groups of a whole match, in order; empty when it doesn't match. A group that took no part
  // is empty.
  std::vector<std::string_view> groups(std::string_view text) const;
  std::vector<std::string> group_names() const;  // by group number from 1; "" for unnamed ones
  const std::string& expression() const;

 private:
  struct Program;
  explicit Pattern(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

// Escapes everything that RE2 would read as syntax.
std::string quote_pattern(std::string_view literal);

}  // namespace martlet
