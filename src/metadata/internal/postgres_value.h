// metadata/internal/postgres_value.h: values and errors between our types and libpq's. Only the
// PostgreSQL driver includes it.
#pragma once
#include "base/result.h"
#include "metadata/internal/connection.h"
#include "metadata/value.h"

#include <chrono>
#include <span>
#include <string>
#include <vector>

struct pg_result;

namespace martlet::metadata::internal {

// Bound values as libpq takes them: numbers as texts, bytes as they are. The texts belong to
// `bound`, which must live as long. A text has no NUL character (check_texts()).
class PostgresParameters {
 public:
  explicit PostgresParameters(std::span<const Value> bound);
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<std::string> numbers_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// Of a result in binary format.
Outcome outcome_of(const pg_result& result);

// By SQLSTATE (PostgreSQL's appendix A), never by the message's words.
Error postgres_error(const std::string& state, const std::string& words, const std::string& place,
                     std::chrono::milliseconds busy_timeout);

}  // namespace martlet::metadata::internal
