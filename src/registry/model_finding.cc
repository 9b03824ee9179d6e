#include "registry/internal/model_finding.h"

#include "registry/internal/search_clauses.h"

#include <algorithm>
#include <map>
#include <string>

namespace martlet::registry {

namespace {

using metadata::Condition;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;

constexpr std::int64_t kRare = 1'000;  // that have a tag; fewer are looked at one by one

struct Plan {
  const RegistrySearch& search;
  std::vector<SearchClause> clauses;
  std::vector<SearchTerm> terms;
};

Result<Plan> plan_of(SearchSubject subject, const RegistrySearch& search) {
  if (search.limit < 0 || search.from < 0)
    return invalid_argument("a search's limit and page can't be negative");
  Plan plan{search, {}, {}};
  MARTLET_TRY_SET(plan.clauses, parse_search_filter(subject, search.filter));
  MARTLET_TRY_SET(plan.terms, parse_search_order(subject, search.order_by));
  return plan;
}

metadata::Relation tags_of(const ModelRecord*) {
  return metadata::related<ModelTagRecord>({{"model", "name"}});
}
metadata::Relation tags_of(const VersionRecord*) {
  return metadata::related<VersionTagRecord>({{"model", "model"}, {"version", "number"}});
}

template <class R>
Condition condition_of(const Plan& plan) {
  std::vector<Condition> parts;
  for (const SearchClause& clause : plan.clauses) {
    if (clause.kind == SearchClause::Kind::Column) {
      parts.push_back(clause.own);
      continue;
    }
    Condition has = metadata::exists(tags_of(static_cast<const R*>(nullptr)), clause.own);
    parts.push_back(clause.absent ? metadata::negate(std::move(has)) : std::move(has));
  }
  return metadata::all_of(std::move(parts));
}

template <class T>
int directed(const T& a, const T& b, Order order) {
  if (a == b) return 0;
  return (a < b) == (order == Order::Ascending) ? -1 : 1;
}

int compare(const ModelRecord& a, const ModelRecord& b, const SearchTerm& term) {
  if (term.column == "name") return directed(a.name, b.name, term.order);
  if (term.column == "created") return directed(a.created, b.created, term.order);
  return directed(a.updated, b.updated, term.order);
}
int compare(const VersionRecord& a, const VersionRecord& b, const SearchTerm& term) {
  if (term.column == "model") return directed(a.model, b.model, term.order);
  if (term.column == "number") return directed(a.number, b.number, term.order);
  if (term.column == "created") return directed(a.created, b.created, term.order);
  return directed(a.updated, b.updated, term.order);
}

// The one page of all that match, as the database would have ordered them.
template <class R>
Found<R> cut(std::vector<R> records, const Plan& plan) {
  std::sort(records.begin(), records.end(), [&](const R& a, const R& b) {
    for (const SearchTerm& term : plan.terms) {
      const int order = compare(a, b, term);
      if (order != 0) return order < 0;
    }
    return false;
  });
  const std::int64_t size = std::ssize(records);
  const std::int64_t begin = std::min(plan.search.from, size);
  const std::int64_t end = begin + std::min(plan.search.limit, size - begin);
  Found<R> found;
  if (end < size) found.next = end;
  found.records.assign(std::make_move_iterator(records.begin() + begin),
                       std::make_move_iterator(records.begin() + end));
  return found;
}

// One more than is wanted tells whether there is another page.
template <class R>
Result<Found<R>> in_order(const ReadTransaction& tx, const Plan& plan) {
  Query query(condition_of<R>(plan));
  for (const SearchTerm& term : plan.terms) query.order_by(term.column, term.order);
  MARTLET_TRY_SET(std::vector<R> records,
                  tx.select<R>(query.offset(plan.search.from).limit(plan.search.limit + 1)));
  Found<R> found{std::move(records), std::nullopt};
  if (std::ssize(found.records) > plan.search.limit) {
    found.records.resize(static_cast<std::size_t>(plan.search.limit));
    found.next = plan.search.from + plan.search.limit;
  }
  return found;
}

// The tags that only few have, if the filter asks for one; nothing when another clause has an
// index of its own.
template <class TagRecord>
Result<std::optional<std::vector<TagRecord>>> rare_tag(const ReadTransaction& tx,
                                                       const Plan& plan) {
  for (const SearchClause& clause : plan.clauses) {
    if (clause.exact && clause.kind == SearchClause::Kind::Column)
      return std::optional<std::vector<TagRecord>>();
  }
  for (const SearchClause& clause : plan.clauses) {
    if (!clause.exact) continue;
    MARTLET_TRY_SET(const std::int64_t count, tx.count_at_most<TagRecord>(clause.own, kRare + 1));
    if (count > kRare) continue;
    MARTLET_TRY_SET(std::vector<TagRecord> tags, tx.select<TagRecord>(clause.own));
    return std::optional<std::vector<TagRecord>>(std::move(tags));
  }
  return std::optional<std::vector<TagRecord>>();
}

}  // namespace

Result<Found<ModelRecord>> find_models(const ReadTransaction& tx, const RegistrySearch& search) {
  MARTLET_TRY_SET(const Plan plan, plan_of(SearchSubject::Models, search));
  MARTLET_TRY_SET(const auto tags, rare_tag<ModelTagRecord>(tx, plan));
  if (!tags.has_value()) return in_order<ModelRecord>(tx, plan);
  std::vector<std::string> names;
  for (const ModelTagRecord& tag : *tags) names.push_back(tag.model);
  MARTLET_TRY_SET(
      std::vector<ModelRecord> records,
      tx.select<ModelRecord>(metadata::in("name", names) && condition_of<ModelRecord>(plan)));
  return cut(std::move(records), plan);
}

Result<Found<VersionRecord>> find_versions(const ReadTransaction& tx,
                                           const RegistrySearch& search) {
  MARTLET_TRY_SET(const Plan plan, plan_of(SearchSubject::Versions, search));
  MARTLET_TRY_SET(const auto tags, rare_tag<VersionTagRecord>(tx, plan));
  if (!tags.has_value()) return in_order<VersionRecord>(tx, plan);
  std::map<std::string, std::vector<std::int64_t>> numbers;
  for (const VersionTagRecord& tag : *tags) numbers[tag.model].push_back(tag.version);
  std::vector<VersionRecord> records;
  for (const auto& [model, some] : numbers) {
    MARTLET_TRY_SET(std::vector<VersionRecord> found,
                    tx.select<VersionRecord>(metadata::equal("model", model) &&
                                             metadata::in("number", some) &&
                                             condition_of<VersionRecord>(plan)));
    std::move(found.begin(), found.end(), std::back_inserter(records));
  }
  return cut(std::move(records), plan);
}

}  // namespace martlet::registry
