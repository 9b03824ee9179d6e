#include "metadata/query.h"

namespace martlet::metadata {

namespace {

Condition of_column(Condition::Kind kind, std::string column) {
  Condition made;
  made.kind = kind;
  made.column = std::move(column);
  return made;
}

Condition of_parts(Condition::Kind kind, std::vector<Condition> parts) {
  Condition made;
  made.kind = kind;
  made.parts = std::move(parts);
  return made;
}

Condition two(Condition::Kind kind, Condition left, Condition right) {
  std::vector<Condition> parts;
  parts.push_back(std::move(left));
  parts.push_back(std::move(right));
  return of_parts(kind, std::move(parts));
}

}  // namespace

Condition is_null(std::string column) {
  return of_column(Condition::Kind::IsNull, std::move(column));
}
Condition is_not_null(std::string column) { return negate(is_null(std::move(column))); }

Condition like(std::string column, std::string pattern, MatchCase match) {
  Condition made = of_column(match == MatchCase::Sensitive ? Condition::Kind::Like
                                                           : Condition::Kind::LikeIgnoringCase,
                             std::move(column));
  made.values.emplace_back(std::move(pattern));
  return made;
}

Condition exists(Relation relation, Condition of_it) {
  Condition made = of_parts(Condition::Kind::Exists, {});
  made.parts.push_back(std::move(of_it));
  made.relation = std::move(relation);
  return made;
}

Condition all_of(std::vector<Condition> parts) {
  return of_parts(Condition::Kind::All, std::move(parts));
}
Condition any_of(std::vector<Condition> parts) {
  return of_parts(Condition::Kind::Any, std::move(parts));
}

Condition negate(Condition part) {
  std::vector<Condition> parts;
  parts.push_back(std::move(part));
  return of_parts(Condition::Kind::Not, std::move(parts));
}

Condition operator&&(Condition left, Condition right) {
  return two(Condition::Kind::All, std::move(left), std::move(right));
}
Condition operator||(Condition left, Condition right) {
  return two(Condition::Kind::Any, std::move(left), std::move(right));
}

}  // namespace martlet::metadata
