// registry/internal/search_clauses.h: what the clauses and terms of a search for models or versions
// mean.
#pragma once
#include "base/result.h"
#include "metadata/filter.h"
#include "metadata/query.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::registry {

enum class SearchSubject : std::uint8_t { Models, Versions };

// One clause. Of a column, `own` is about the record that is searched for; of a tag about the tag's
// record, and `absent` says that there must be none such.
struct SearchClause {
  enum class Kind : std::uint8_t { Column, Tag };
  Kind kind = Kind::Column;
  std::string name;  // the column, or the tag's key
  metadata::Condition own;
  bool absent = false;
  bool exact = false;  // one value, or one of a list: an index finds the few that have it
};

struct SearchTerm {
  std::string column;
  metadata::Order order = metadata::Order::Ascending;
};

// With the clause that hides prompts, unless one asks for their tag. InvalidArgument naming the
// first clause that can't be understood.
Result<std::vector<SearchClause>> parse_search_filter(SearchSubject subject, std::string_view text);
// With the terms that decide ties. InvalidArgument: an unknown name, or the same twice.
Result<std::vector<SearchTerm>> parse_search_order(SearchSubject subject,
                                                   const std::vector<std::string>& terms);

}  // namespace martlet::registry
