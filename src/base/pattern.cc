#include "base/pattern.h"

#include <re2/re2.h>

namespace martlet {

struct Pattern::Program {
  Program(std::string_view expression, const RE2::Options& options)
      : text(expression), re(re2::StringPiece(expression.data(), expression.size()), options) {}
  std::string text;
  RE2 re;
};

namespace {
RE2::Options options_of(bool ignore_case) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  options.set_case_sensitive(!ignore_case);
  return options;
}
re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
}  // namespace

Result<Pattern> Pattern::compile(std::string_view expression) {
  auto program = std::make_shared<Program>(expression, options_of(false));
  if (!program->re.ok()) {
    return invalid_argument("reading the pattern \"" + std::string(expression.substr(0, 120)) +
                            "\": " + program->re.error() +
                            "; patterns are RE2 regular expressions");
  }
  return Pattern(std::move(program));
}

Result<Pattern> Pattern::like(std::string_view like, bool ignore_case) {
  std::string expression = "(?s)";
  std::string run;
  const auto flush = [&] {
    expression += quote_pattern(run);
    run.clear();
  };
  for (const char c : like) {
    if (c == '%' || c == '_') {
      flush();
      expression += c == '%' ? ".*" : ".";
    } else {
      run += c;
    }
  }
  flush();
  auto program = std::make_shared<Program>(expression, options_of(ignore_case));
  if (!program->re.ok())
    return invalid_argument("reading the LIKE pattern: " + program->re.error());
  return Pattern(std::move(program));
}

bool Pattern::matches_whole(std::string_view text) const {
  return RE2::FullMatch(piece(text), program_->re);
}
bool Pattern::occurs_in(std::string_view text) const {
  return RE2::PartialMatch(piece(text), program_->re);
}

std::vector<std::string_view> Pattern::groups(std::string_view text) const {
  const auto count = static_cast<std::size_t>(program_->re.NumberOfCapturingGroups()) + 1;
  std::vector<re2::StringPiece> found(count);
  if (!program_->re.Match(piece(text), 0, text.size(), RE2::ANCHOR_BOTH, found.data(),
                          static_cast<int>(count)))
    return {};
  std::vector<std::string_view> groups;
  for (std::size_t i = 1; i < count; ++i)
    groups.emplace_back(found[i].data() == nullptr ? "" : found[i].data(), found[i].size());
  return groups;
}

std::vector<std::string> Pattern::group_names() const {
  std::vector<std::string> names(static_cast<std::size_t>(program_->re.NumberOfCapturingGroups()));
  for (const auto& [name, index] : program_->re.NamedCapturingGroups())
    names[static_cast<std::size_t>(index) - 1] = name;
  return names;
}

const std::string& Pattern::expression() const { return program_->text; }

std::string quote_pattern(std::string_view literal) { return RE2::QuoteMeta(piece(literal)); }

}  // namespace martlet
