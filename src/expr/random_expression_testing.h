// expr/random_expression_testing.h: random typed expressions for the property tests, each with what
// an oracle is to be asked. A seed gives the same sequence everywhere.
#pragma once
#include "base/random.h"
#include "columns/schema.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace martlet::expr::testing {

// How timestamps lie in the oracle: as TIMESTAMP and read in UTC, or as TIMESTAMP WITH TIME ZONE
// and read in a zone.
enum class Times { Bare, Zoned };

// An expression over random_schema() in our language, and in DuckDB's, with the columns' types
// BIGINT, DOUBLE, VARCHAR, BOOLEAN, DATE and the one that Times names. The two texts differ where
// docs/expressions.md says that the languages do: there the oracle's says in DuckDB's words what
// ours means. It relies on the macros of oracle_macros().
struct Generated {
  std::string text;
  std::string oracle;
  std::optional<columns::Type> type = {};  // none for what isn't an expression by itself
  std::vector<std::shared_ptr<const Generated>> parts = {};
};

class RandomExpressions {
 public:
  RandomExpressions(Random& random, Times times) : random_(random), times_(times) {}

  columns::Type type();
  // Of the type, with up to `depth` levels of operators.
  Generated make(columns::Type type, int depth);

 private:
  Generated any(std::initializer_list<const char*> words);
  Generated count(std::uint64_t bound, std::int64_t from = 0);
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  bool zoned() const { return times_ == Times::Zoned; }

  Generated leaf(columns::Type type);
  Generated literal(columns::Type type);
  Generated choice(columns::Type type, int depth);
  Generated truth(int depth);
  Generated text_truth(int depth);
  Generated integer(int depth);
  Generated calendar_integer(int depth);
  Generated date_difference(int depth);
  Generated number(int depth);
  Generated text(int depth);
  Generated timestamp(int depth);
  Generated truncated(int depth);
  Generated moved(int depth);
  Generated date(int depth);
  Generated interval(int depth);
  Generated exact_interval(int depth);

  Random& random_;
  Times times_;
};

// Statements that the oracle's texts rely on.
std::string oracle_macros();

}  // namespace martlet::expr::testing
