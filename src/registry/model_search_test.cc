// Searches over generated models and versions give what a naive reading of the search language
// gives, page by page.
#include "base/random.h"
#include "base/text.h"
#include "registry/model_registry.h"
#include "registry/testing/registry_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace martlet::registry {
namespace {

using Names = std::vector<std::string>;

class ModelSearchTest : public testing::RegistryFixture {
 protected:
  static ModelName named(const std::string& text) { return *ModelName::parse(text); }
  void make(const std::string& name, const Texts& tags = {}) {
    clock_.advance(std::chrono::milliseconds(1500));
    ASSERT_TRUE(registry_->create_model(named(name), "", tags, author_).has_value());
  }
  void add(const std::string& name, const std::string& run = "", const Texts& tags = {},
           const std::string& source = "s3://bucket/model") {
    clock_.advance(std::chrono::milliseconds(1500));
    NewVersion request;
    request.model = named(name);
    request.trained_by = RunId(run);
    request.tags = tags;
    request.source = source;
    const auto added = registry_->add_version(request, author_);
    ASSERT_TRUE(added.has_value()) << added.error().message();
  }

  Names models(const std::string& filter, const Names& order_by = {}) {
    RegistrySearch search;
    search.filter = filter;
    search.order_by = order_by;
    const auto page = registry_->search_models(search);
    EXPECT_TRUE(page.has_value()) << filter << ": " << page.error().message();
    Names names;
    for (const RegisteredModel& model : page->models) names.push_back(model.name.text());
    return names;
  }
  static Names texts(const std::vector<ModelVersion>& versions) {
    Names names;
    for (const ModelVersion& version : versions)
      names.push_back(to_text(version.model, version.version));
    return names;
  }
  Names versions(const std::string& filter, const Names& order_by = {}) {
    RegistrySearch search;
    search.filter = filter;
    search.order_by = order_by;
    const auto page = registry_->search_versions(search);
    EXPECT_TRUE(page.has_value()) << filter << ": " << page.error().message();
    return page.has_value() ? texts(page->versions) : Names();
  }
};

TEST_F(ModelSearchTest, models_are_found_by_name_and_tags) {
  make("churn", {{"team", "Red"}, {"a.b", "x"}});
  make("Churn 2", {{"team", "red"}});
  make("flights");
  make("greeting", {{std::string(kPromptTag), "true"}});
  make("no prompt", {{std::string(kPromptTag), "false"}});
  EXPECT_EQ(models(""), (Names{"Churn 2", "churn", "flights", "no prompt"}));
  EXPECT_EQ(models("name = 'churn'"), Names{"churn"});
  EXPECT_EQ(models("attributes.name != 'churn'"), (Names{"Churn 2", "flights", "no prompt"}));
  EXPECT_EQ(models("name LIKE 'c%'"), Names{"churn"});
  EXPECT_EQ(models("name ILIKE 'c%'"), (Names{"Churn 2", "churn"}));
  EXPECT_EQ(models("name IN ('churn', 'flights')"), (Names{"churn", "flights"}));
  EXPECT_EQ(models("tags.team = 'red'"), Names{"Churn 2"});
  EXPECT_EQ(models("tag.team != 'red'"), Names{"churn"});
  EXPECT_EQ(models("tags.team ILIKE 'R_d'"), (Names{"Churn 2", "churn"}));
  EXPECT_EQ(models("tags.`a.b` = 'x' and name = 'churn'"), Names{"churn"});
  EXPECT_TRUE(models("tags.team = 'Red' and tags.team = 'red'").empty());
  EXPECT_EQ(models("tags.`mlflow.prompt.is_prompt` = 'true'"), Names{"greeting"});
  EXPECT_EQ(models("tags.mlflow.prompt.is_prompt = 'false'"),
            (Names{"Churn 2", "churn", "flights", "no prompt"}));
  EXPECT_EQ(models("tags.mlflow.prompt.is_prompt != 'true' and name like 'f%'"), Names{"flights"});
  EXPECT_EQ(models("", {"name DESC"}), (Names{"no prompt", "flights", "churn", "Churn 2"}));
  EXPECT_EQ(models("", {"timestamp DESC"}), (Names{"no prompt", "flights", "Churn 2", "churn"}));
  EXPECT_EQ(models("", {"creation_timestamp"}),
            (Names{"churn", "Churn 2", "flights", "no prompt"}));
  // A change of a version is one of the model.
  add("churn");
  EXPECT_EQ(models("", {"last_updated_timestamp DESC"}).front(), "churn");
}

TEST_F(ModelSearchTest, versions_are_found_by_attributes_and_tags) {
  add("churn", "r1", {{"team", "red"}}, "s3://bucket/a");
  add("churn", "r2", {}, "s3://bucket/b");
  add("flights", "r1", {{"team", "Red"}}, "models:/m-1");
  add("flights");
  add("greeting", "", {{std::string(kPromptTag), "true"}}, "prompt-template");
  EXPECT_EQ(versions(""), (Names{"flights/2", "flights/1", "churn/2", "churn/1"}));
  EXPECT_EQ(versions("name = 'churn'"), (Names{"churn/2", "churn/1"}));
  EXPECT_EQ(versions("name='greeting' and tags.`mlflow.prompt.is_prompt`='true'"),
            Names{"greeting/1"});
  EXPECT_EQ(versions("name IN ('churn') and version_number > 1"), Names{"churn/2"});
  EXPECT_EQ(versions("run_id = 'r1'"), (Names{"flights/1", "churn/1"}));
  EXPECT_EQ(versions("run_id IN ('r1', 'r2')"), (Names{"flights/1", "churn/2", "churn/1"}));
  EXPECT_EQ(versions("run_id != 'r1'"), Names{"churn/2"});
  EXPECT_EQ(versions("run_id NOT IN ('r2')"), (Names{"flights/1", "churn/1"}));
  EXPECT_EQ(versions("source_path = 'models:/m-1'"), Names{"flights/1"});
  EXPECT_EQ(versions("source_path LIKE 's3:%/b'"), Names{"churn/2"});
  EXPECT_EQ(versions("tags.team = 'red'"), Names{"churn/1"});
  EXPECT_EQ(versions("tags.team != 'red'"), Names{"flights/1"});
  EXPECT_EQ(versions("tags.team ILIKE 'red' and name = 'flights'"), Names{"flights/1"});
  EXPECT_EQ(versions("version_number = 2"), (Names{"flights/2", "churn/2"}));
  EXPECT_EQ(versions("version_number != 2", {"name DESC"}), (Names{"flights/1", "churn/1"}));
  EXPECT_EQ(versions("", {"version_number"}),
            (Names{"churn/1", "flights/1", "churn/2", "flights/2"}));
  EXPECT_EQ(versions("", {"name", "version_number ASC"}),
            (Names{"churn/1", "churn/2", "flights/1", "flights/2"}));
  EXPECT_EQ(versions("", {"creation_timestamp"}).front(), "churn/1");
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(registry_->describe_version(named("churn"), {1}, "the first", author_).has_value());
  EXPECT_EQ(versions("").front(), "churn/1");
}

TEST_F(ModelSearchTest, what_cannot_be_understood_is_refused_by_name) {
  const auto refusal = [&](const std::string& filter, const Names& order, bool of_versions) {
    RegistrySearch search;
    search.filter = filter;
    search.order_by = order;
    const auto message = [&](const auto& page) {
      EXPECT_FALSE(page.has_value()) << filter;
      if (page.has_value()) return std::string();
      EXPECT_EQ(page.error().code(), ErrorCode::InvalidArgument);
      return page.error().message();
    };
    return of_versions ? message(registry_->search_versions(search))
                       : message(registry_->search_models(search));
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(refusal("params.x = 'y'", {}, false), "params"));
  EXPECT_TRUE(has(refusal("nam = 'y'", {}, false), "did you mean \"name\"?"));
  EXPECT_TRUE(has(refusal("run_id = 'y'", {}, false), "run_id"));
  EXPECT_TRUE(has(refusal("name = churn", {}, false), "quotes"));
  EXPECT_TRUE(has(refusal("name = 1", {}, false), "quotes"));
  EXPECT_TRUE(has(refusal("name > 'a'", {}, false), "'>'"));
  EXPECT_TRUE(has(refusal("name IS NULL", {}, false), "IS NULL"));
  EXPECT_TRUE(has(refusal("name = 'a' OR name = 'b'", {}, false), "AND"));
  EXPECT_TRUE(has(refusal("tags.a IN ('b')", {}, false), "'IN'"));
  EXPECT_TRUE(has(refusal("tags.a IS NULL", {}, true), "IS NULL"));
  EXPECT_TRUE(has(refusal("tags.a = 1", {}, true), "quotes"));
  EXPECT_TRUE(has(refusal("source_path IN ('b')", {}, true), "'IN'"));
  EXPECT_TRUE(has(refusal("version_number = '1'", {}, true), "integer"));
  EXPECT_TRUE(has(refusal("version_number LIKE '1'", {}, true), "LIKE"));
  EXPECT_TRUE(has(refusal("creation_timestamp > 1", {}, true), "creation_timestamp"));
  EXPECT_TRUE(has(refusal("", {"version_number"}, false), "version_number"));
  EXPECT_TRUE(has(refusal("", {"run_id"}, true), "run_id"));
  EXPECT_TRUE(has(refusal("", {"tags.a"}, true), "tags"));
  EXPECT_TRUE(has(refusal("", {"name", "name DESC"}, true), "duplicate"));
  EXPECT_TRUE(has(refusal("", {"timestamp", "last_updated_timestamp"}, false), "duplicate"));
  EXPECT_TRUE(has(refusal("", {"name down"}, true), "ASC, DESC"));
  RegistrySearch negative;
  negative.limit = -1;
  EXPECT_FALSE(registry_->search_models(negative).has_value());
  negative.limit = 1;
  negative.from = -1;
  EXPECT_FALSE(registry_->search_versions(negative).has_value());
}

// --- the oracle

// % is any run of characters, _ is one.
bool matches(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '%') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (matches(text.substr(skip), pattern.substr(1))) return true;
    }
    return false;
  }
  return !text.empty() && (pattern.front() == '_' || pattern.front() == text.front()) &&
         matches(text.substr(1), pattern.substr(1));
}

// A clause as text, and what it means.
struct Clause {
  std::string text;
  std::function<bool(const ModelVersion&)> holds;
};

Clause compared(const std::string& name, const std::string& comparator, const std::string& value,
                const std::function<std::optional<std::string>(const ModelVersion&)>& of) {
  Clause clause;
  clause.text = name + " " + comparator + " '" + value + "'";
  clause.holds = [=](const ModelVersion& version) {
    const auto text = of(version);
    if (!text.has_value()) return false;
    if (comparator == "=") return *text == value;
    if (comparator == "!=") return *text != value;
    if (comparator == "LIKE") return matches(*text, value);
    return matches(lower_ascii(*text), lower_ascii(value));
  };
  return clause;
}

Clause random_clause(SeededRandom& random) {
  const Names comparators{"=", "!=", "LIKE", "ILIKE"};
  const Names patterns{"a", "A", "b", "%", "a%", "_", "%B", "a_"};
  const std::string comparator = comparators[random.below(4)];
  const std::string value =
      random.below(2) == 0 ? patterns[random.below(3)] : patterns[random.below(8)];
  switch (random.below(5)) {
    case 0:
      return compared("name", comparator, value,
                      [](const ModelVersion& version) { return version.model.text(); });
    case 1:
      return compared("run_id", comparator, value,
                      [](const ModelVersion& version) -> std::optional<std::string> {
                        if (version.run.empty()) return std::nullopt;
                        return version.run.text();
                      });
    case 2: {
      const std::int64_t number = static_cast<std::int64_t>(random.below(6));
      return {"version_number <= " + std::to_string(number),
              [number](const ModelVersion& version) { return version.version.number <= number; }};
    }
    default: {
      const std::string key = random.below(2) == 0 ? "k" : "l";
      return compared("tags." + key, comparator, value,
                      [key](const ModelVersion& version) -> std::optional<std::string> {
                        const auto found = version.tags.find(key);
                        if (found == version.tags.end()) return std::nullopt;
                        return found->second;
                      });
    }
  }
}

struct Term {
  std::string text;
  std::function<int(const ModelVersion&, const ModelVersion&)> compare;
};

template <class T>
int sign(const T& a, const T& b) {
  return a == b ? 0 : (a < b ? -1 : 1);
}

const std::vector<Term>& terms() {
  static const std::vector<Term> all{
      {"name", [](const ModelVersion& a, const ModelVersion& b) { return sign(a.model, b.model); }},
      {"version_number",
       [](const ModelVersion& a, const ModelVersion& b) { return sign(a.version, b.version); }},
      {"creation_timestamp",
       [](const ModelVersion& a, const ModelVersion& b) { return sign(a.created, b.created); }},
      {"last_updated_timestamp",
       [](const ModelVersion& a, const ModelVersion& b) { return sign(a.updated, b.updated); }}};
  return all;
}

TEST_F(ModelSearchTest, every_plan_and_every_page_agrees_with_a_naive_search) {
  SeededRandom random(20);
  const Names words{"a", "A", "b", "ab", "aB", "Ba"};
  std::int64_t made = 0;
  for (int i = 0; i < 240; ++i) {
    Texts tags;
    if (random.below(3) > 0) tags["k"] = words[random.below(6)];
    if (random.below(8) == 0) tags["l"] = words[random.below(2)];
    const std::string run = random.below(4) == 0 ? "" : words[random.below(6)];
    add(words[random.below(6)], run, tags);
    ++made;
    // Some change later, some at the same instant.
    if (random.below(3) == 0) {
      const std::string name = words[random.below(6)];
      if (registry_->version(named(name), {1}).has_value()) {
        ASSERT_TRUE(registry_->describe_version(named(name), {1}, "again", author_).has_value());
      }
    }
  }
  std::vector<ModelVersion> all;
  for (const std::string& word : words) {
    const auto some = registry_->versions(named(word));
    ASSERT_TRUE(some.has_value());
    all.insert(all.end(), some->begin(), some->end());
  }
  ASSERT_EQ(std::ssize(all), made);
  for (int round = 0; round < 300; ++round) {
    RegistrySearch search;
    std::vector<Clause> clauses;
    for (std::uint64_t i = random.below(4); i > 0; --i) clauses.push_back(random_clause(random));
    for (const Clause& clause : clauses)
      search.filter += (search.filter.empty() ? "" : " AND ") + clause.text;
    std::vector<std::pair<const Term*, bool>> order;  // and whether it descends
    const std::uint64_t first = random.below(4);
    for (std::uint64_t i = 0; i < random.below(3); ++i) {
      const Term& term = terms()[(first + i) % 4];
      const bool descending = random.below(2) == 0;
      order.emplace_back(&term, descending);
      search.order_by.push_back(term.text + (descending ? " DESC" : ""));
    }
    if (order.empty()) order.emplace_back(&terms()[3], true);
    order.emplace_back(terms().data(), false);
    order.emplace_back(&terms()[1], true);
    std::vector<ModelVersion> expected;
    for (const ModelVersion& version : all) {
      const bool holds = std::all_of(clauses.begin(), clauses.end(),
                                     [&](const Clause& clause) { return clause.holds(version); });
      if (holds) expected.push_back(version);
    }
    std::sort(expected.begin(), expected.end(), [&](const ModelVersion& a, const ModelVersion& b) {
      for (const auto& [term, descending] : order) {
        const int compared = term->compare(a, b);
        if (compared != 0) return (compared < 0) != descending;
      }
      return false;
    });
    for (const std::int64_t limit : {7, 1000}) {
      search.limit = limit;
      search.from = 0;
      Names found;
      for (int pages = 0; pages < 100; ++pages) {
        const auto page = registry_->search_versions(search);
        ASSERT_TRUE(page.has_value()) << search.filter << ": " << page.error().message();
        const Names some = texts(page->versions);
        ASSERT_LE(std::ssize(some), limit);
        found.insert(found.end(), some.begin(), some.end());
        if (!page->next.has_value()) break;
        ASSERT_EQ(std::ssize(some), limit);
        search.from = *page->next;
      }
      ASSERT_EQ(found, texts(expected)) << "seed 20, round " << round << ": " << search.filter
                                        << " by " << join(search.order_by, ", ");
    }
  }
}

// More have the tag than are looked at one by one: the other plan, with the same answers.
TEST_F(ModelSearchTest, a_tag_that_many_have_is_found_in_the_order_of_the_versions) {
  ASSERT_TRUE(database_
                  ->write([&](metadata::Transaction& tx) -> Result<void> {
                    for (int i = 0; i < 1200; ++i) {
                      NewVersion request;
                      request.model = named("churn");
                      request.source = "s3://bucket/model";
                      request.tags = {{"often", "yes"}, {"third", i % 3 == 0 ? "yes" : "no"}};
                      MARTLET_TRY(registry_->add_version(tx, request, author_));
                    }
                    return {};
                  })
                  .has_value());
  RegistrySearch search;
  search.filter = "tags.often = 'yes' and version_number > 1190";
  auto page = registry_->search_versions(search);
  ASSERT_TRUE(page.has_value()) << page.error().message();
  ASSERT_EQ(page->versions.size(), 10U);
  EXPECT_EQ(page->versions.front().version.number, 1200);
  search.filter = "tags.often = 'yes' and tags.third = 'yes'";
  search.limit = 399;
  page = registry_->search_versions(search);
  ASSERT_EQ(page->versions.size(), 399U);
  EXPECT_EQ(page->next, 399);
  search.from = 399;
  page = registry_->search_versions(search);
  ASSERT_EQ(page->versions.size(), 1U);
  EXPECT_EQ(page->versions.front().version.number, 1);
  EXPECT_FALSE(page->next.has_value());
}

}  // namespace
}  // namespace martlet::registry
