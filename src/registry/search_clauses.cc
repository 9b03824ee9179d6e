#include "registry/internal/search_clauses.h"

#include "base/text.h"
#include "registry/internal/changes.h"
#include "registry/model_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace martlet::registry {

namespace {

using metadata::Comparator;
using metadata::Condition;
using metadata::equal;
using metadata::FilterClause;
using metadata::FilterName;
using metadata::Order;

struct Attribute {
  std::string_view name;
  std::string_view column;
  bool filtered = false;  // else only ordered by
  bool ordered = false;
  bool lists = false;
  bool number = false;
};

constexpr std::array kModelAttributes{
    Attribute{"name", "name", true, true, true},
    Attribute{"creation_timestamp", "created", false, true},
    Attribute{"last_updated_timestamp", "updated", false, true},
    Attribute{"timestamp", "updated", false, true},
};
constexpr std::array kVersionAttributes{
    Attribute{"name", "model", true, true, true},
    Attribute{"version_number", "number", true, true, false, true},
    Attribute{"run_id", "run", true, false, true},
    Attribute{"source_path", "source", true},
    Attribute{"creation_timestamp", "created", false, true},
    Attribute{"last_updated_timestamp", "updated", false, true},
};

std::span<const Attribute> attributes_of(SearchSubject subject) {
  if (subject == SearchSubject::Models) return kModelAttributes;
  return kVersionAttributes;
}

std::string_view plural_of(SearchSubject subject) {
  return subject == SearchSubject::Models ? "registered models" : "model versions";
}

Result<SearchClause::Kind> kind_of(SearchSubject subject, const FilterName& name) {
  for (const std::string_view known : {"", "attribute", "attributes", "attr"}) {
    if (name.entity == known) return SearchClause::Kind::Column;
  }
  if (name.entity == "tag" || name.entity == "tags") return SearchClause::Kind::Tag;
  return invalid_argument(
      fmt::format("Invalid entity type '{}' in front of '{}': {} have attributes and tags",
                  name.entity, name.key, plural_of(subject)));
}

enum class Use : std::uint8_t { Filter, Order };

Result<const Attribute*> attribute_of(SearchSubject subject, Use use, const std::string& key) {
  std::vector<std::string> names;
  for (const Attribute& known : attributes_of(subject)) {
    if (use == Use::Filter ? !known.filtered : !known.ordered) continue;
    if (known.name == key) return &known;
    names.emplace_back(known.name);
  }
  return invalid_argument(fmt::format(
      "Invalid {} key '{}'{}: {} can be {} by {}; a tag is written as tags.{}",
      use == Use::Filter ? "attribute" : "order_by", key, did_you_mean(key, names),
      plural_of(subject), use == Use::Filter ? "filtered" : "ordered", join(names, ", "), key));
}

tl::unexpected<Error> bad_comparator(const FilterClause& clause, std::string_view allowed) {
  return invalid_argument(
      fmt::format("Invalid comparator '{}' in filter clause '{}': use one of {}",
                  metadata::name_of(clause.comparator), clause.text, allowed));
}

bool is_list(Comparator comparator) {
  return comparator == Comparator::In || comparator == Comparator::NotIn;
}

Result<SearchClause> column_clause(SearchSubject subject, const FilterClause& clause) {
  MARTLET_TRY_SET(const Attribute* attribute, attribute_of(subject, Use::Filter, clause.name.key));
  SearchClause found;
  found.name = std::string(attribute->column);
  if (attribute->number) {
    MARTLET_TRY_SET(found.own, metadata::integer_condition(clause, found.name));
    return found;
  }
  const bool null =
      clause.comparator == Comparator::IsNull || clause.comparator == Comparator::IsNotNull;
  if (null || (is_list(clause.comparator) && !attribute->lists)) {
    return bad_comparator(clause, attribute->lists ? "=, !=, LIKE, ILIKE, IN, NOT IN"
                                                   : "=, !=, LIKE, ILIKE");
  }
  MARTLET_TRY_SET(found.own, metadata::text_condition(clause, found.name));
  // Without a run there is nothing that could be alike or different.
  if (attribute->column == "run")
    found.own = metadata::not_equal(found.name, std::string()) && std::move(found.own);
  found.exact = clause.comparator == Comparator::Equal || clause.comparator == Comparator::In;
  return found;
}

Condition holds_exactly(const std::string& key, const std::string& value) {
  return equal("key", key) && equal("brief", brief_of(value)) && equal("value", value);
}

SearchClause no_prompt() {
  const std::string key(kPromptTag);
  return {SearchClause::Kind::Tag, key, holds_exactly(key, "true"), true, false};
}

Result<SearchClause> tag_clause(const FilterClause& clause) {
  const std::string& key = clause.name.key;
  switch (clause.comparator) {
    case Comparator::Equal:
    case Comparator::NotEqual:
    case Comparator::Like:
    case Comparator::LikeIgnoringCase: break;
    default: return bad_comparator(clause, "=, !=, LIKE, ILIKE");
  }
  MARTLET_TRY_SET(const std::vector<std::string> texts, metadata::filter_texts(clause));
  const std::string& value = texts.front();
  const bool is_equal = clause.comparator == Comparator::Equal;
  if (key == kPromptTag && ((is_equal && value == "false") ||
                            (clause.comparator == Comparator::NotEqual && value == "true")))
    return no_prompt();
  SearchClause found{SearchClause::Kind::Tag, key, {}, false, is_equal};
  if (is_equal) {
    found.own = holds_exactly(key, value);
    return found;
  }
  MARTLET_TRY_SET(Condition condition, metadata::text_condition(clause, "value"));
  found.own = equal("key", key) && std::move(condition);
  return found;
}

void decide_ties(std::vector<SearchTerm>& terms, const std::vector<SearchTerm>& deciding) {
  for (const SearchTerm& last : deciding) {
    const bool there = std::any_of(terms.begin(), terms.end(), [&](const SearchTerm& term) {
      return term.column == last.column;
    });
    if (!there) terms.push_back(last);
  }
}

}  // namespace

Result<std::vector<SearchClause>> parse_search_filter(SearchSubject subject,
                                                      std::string_view text) {
  MARTLET_TRY_SET(const std::vector<FilterClause> clauses, metadata::parse_filter(text));
  std::vector<SearchClause> found;
  bool asks_for_prompts = false;
  for (const FilterClause& clause : clauses) {
    MARTLET_TRY_SET(const SearchClause::Kind kind, kind_of(subject, clause.name));
    if (kind == SearchClause::Kind::Tag) {
      MARTLET_TRY_SET(SearchClause tag, tag_clause(clause));
      asks_for_prompts = asks_for_prompts || tag.name == kPromptTag;
      found.push_back(std::move(tag));
    } else {
      MARTLET_TRY_SET(SearchClause column, column_clause(subject, clause));
      found.push_back(std::move(column));
    }
  }
  if (!asks_for_prompts) found.push_back(no_prompt());
  return found;
}

Result<std::vector<SearchTerm>> parse_search_order(SearchSubject subject,
                                                   const std::vector<std::string>& terms) {
  std::vector<SearchTerm> found;
  for (const std::string& text : terms) {
    MARTLET_TRY_SET(const metadata::FilterOrder order, metadata::parse_filter_order(text));
    MARTLET_TRY_SET(const SearchClause::Kind kind, kind_of(subject, order.name));
    if (kind == SearchClause::Kind::Tag) {
      return invalid_argument(fmt::format("Invalid order_by '{}': {} can't be ordered by tags",
                                          text, plural_of(subject)));
    }
    MARTLET_TRY_SET(const Attribute* attribute, attribute_of(subject, Use::Order, order.name.key));
    SearchTerm term{std::string(attribute->column), order.order};
    for (const SearchTerm& earlier : found) {
      if (earlier.column == term.column)
        return invalid_argument(
            fmt::format("`order_by` contains duplicate fields: '{}' stands there twice", text));
    }
    found.push_back(std::move(term));
  }
  if (subject == SearchSubject::Models) {
    decide_ties(found, {{"name", Order::Ascending}});
    return found;
  }
  if (found.empty()) found.push_back({"updated", Order::Descending});
  decide_ties(found, {{"model", Order::Ascending}, {"number", Order::Descending}});
  return found;
}

}  // namespace martlet::registry
