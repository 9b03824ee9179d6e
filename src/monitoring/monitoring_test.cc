#include "base/fake_file_system.h"
#include "base/random.h"
#include "metadata/database.h"
#include "monitoring/alerts.h"
#include "monitoring/prediction_log.h"
#include "monitoring/retraining.h"
#include "monitoring/truth.h"
#include "monitoring/window.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>
#include <thread>

namespace martlet::monitoring {
namespace {

using columns::Cell;
using columns::Type;

const columns::Schema kSchema({{"carrier", Type::Text},
                               {"distance", Type::Int64},
                               {"wind", Type::Double},
                               {"at", Type::Timestamp}});
constexpr Duration kDay{kMicrosPerDay};

Prediction prediction(int i) {
  Prediction made;
  made.id = "p" + std::to_string(i);
  made.key = "k" + std::to_string(i);
  made.at = {i * kMicrosPerDay / 4};
  made.version = 3;
  made.score = 0.25;
  made.predicted = i % 2;
  made.latency_micros = 100 + i;
  made.row.push_back(i % 3 == 0 ? Cell::none(Type::Text) : Cell::of_text("UA"));
  made.row.push_back(Cell::of_int64(i));
  made.row.push_back(Cell::of_double(std::nan("")));
  made.row.push_back(Cell::of_timestamp(made.at));
  return made;
}

std::vector<std::string> ids_in(FileSystem& files, Timestamp begin, Timestamp end,
                                ReadCounts* counts = nullptr) {
  std::vector<std::string> ids;
  const auto read = read_predictions(files, "/log", begin, end,
                                     [&](const columns::Schema&, Prediction entry) -> Result<void> {
                                       ids.push_back(entry.id);
                                       return {};
                                     });
  EXPECT_TRUE(read.has_value()) << (read.has_value() ? "" : read.error().message());
  if (counts != nullptr && read.has_value()) *counts = *read;
  return ids;
}

TEST(PredictionLog, entries_come_back_as_they_were_written) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1").value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(log->append(prediction(i)));
  ASSERT_TRUE(log->flush().has_value());
  std::vector<Prediction> read;
  ASSERT_TRUE(
      read_predictions(files, "/log", {0}, {kMicrosPerDay * 10},
                       [&](const columns::Schema& schema, Prediction entry) -> Result<void> {
                         EXPECT_EQ(schema, kSchema);
                         read.push_back(std::move(entry));
                         return {};
                       })
          .has_value());
  ASSERT_EQ(read.size(), 10u);
  for (int i = 0; i < 10; ++i) {
    const Prediction expected = prediction(i);
    const Prediction& found = read[static_cast<std::size_t>(i)];
    EXPECT_EQ(found.key, expected.key);
    EXPECT_EQ(found.latency_micros, expected.latency_micros);
    for (std::size_t c = 0; c < kSchema.size(); ++c)
      EXPECT_TRUE(found.row[c].same_as(expected.row[c])) << i << " " << c;
  }
  EXPECT_EQ(ids_in(files, {kMicrosPerDay}, {2 * kMicrosPerDay}),
            (std::vector<std::string>{"p4", "p5", "p6", "p7"}));
}

TEST(PredictionLog, what_was_flushed_survives_power_loss_and_a_torn_end_is_dropped) {
  FakeFileSystem files;
  {
    auto log = PredictionLog::open(files, "/log", kSchema, "w1").value();
    ASSERT_TRUE(log->append(prediction(0)));
    ASSERT_TRUE(log->flush().has_value());
    ASSERT_TRUE(log->append(prediction(1)));  // never flushed
    files.lose_power();
  }
  EXPECT_EQ(ids_in(files, {0}, {kMicrosPerDay}), (std::vector<std::string>{"p0"}));
  auto torn = files.open_for_appending("/log/1970-01-01-w1.log").value();
  ASSERT_TRUE(torn->append("\x40\x00\x00\x00 half a frame").has_value());
  ReadCounts counts;
  EXPECT_EQ(ids_in(files, {0}, {kMicrosPerDay}, &counts).size(), 1u);
  EXPECT_GT(counts.torn_bytes, 0);
}

TEST(PredictionLog, what_was_flushed_survives_power_loss_with_every_directory_above_it) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/store/predictions/delays", kSchema, "w1").value();
  ASSERT_TRUE(log->append(prediction(0)));
  ASSERT_TRUE(log->flush().has_value());
  files.lose_power();
  EXPECT_TRUE(files.exists("/store/predictions/delays/1970-01-01-w1.log"));
}

// A power loss may keep any sector of the last flush from arriving, whatever happened to those
// behind it.
TEST(PredictionLog, a_last_flush_with_a_hole_is_dropped_from_the_hole_on) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1").value();
  ASSERT_TRUE(log->append(prediction(0)));
  ASSERT_TRUE(log->flush().has_value());
  const std::string path = "/log/1970-01-01-w1.log";
  const std::size_t safe = files.read_file(path).value().size();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(log->append(prediction(1)));
  ASSERT_TRUE(log->flush().has_value());
  const std::string whole = files.read_file(path).value();
  ASSERT_GT(whole.size(), safe + 2048);
  for (std::size_t sector = safe / 512 * 512; sector < whole.size(); sector += 512) {
    std::string torn = whole;
    const std::size_t begin = std::max(safe, sector);
    const std::size_t end = std::min(torn.size(), sector + 512);
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(begin),
              torn.begin() + static_cast<std::ptrdiff_t>(end), '\0');
    ASSERT_TRUE(files.remove(path).has_value());
    ASSERT_TRUE(files.create_new(path).value()->append(torn).has_value());
    ReadCounts counts;
    const std::vector<std::string> ids = ids_in(files, {0}, {kMicrosPerDay}, &counts);
    ASSERT_FALSE(ids.empty()) << "sector at " << sector;
    EXPECT_EQ(ids.front(), "p0");
    EXPECT_LT(ids.size(), 61u);
    EXPECT_GT(counts.torn_bytes, 0);
  }
}

TEST(PredictionLog, any_changed_byte_is_noticed) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1").value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(log->append(prediction(i)));
  ASSERT_TRUE(log->flush().has_value());
  const std::string path = "/log/1970-01-01-w1.log";
  const std::string sound = files.read_file(path).value();
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string changed = sound;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    ASSERT_TRUE(files.remove(path).has_value());
    ASSERT_TRUE(files.create_new(path).value()->append(changed).has_value());
    std::size_t entries = 0;
    const auto read = read_predictions(files, "/log", {0}, {kMicrosPerDay},
                                       [&](const columns::Schema&, Prediction) -> Result<void> {
                                         ++entries;
                                         return {};
                                       });
    // Either it is reported, or (when a length grew) it looks like a torn end and the entries
    // behind it are counted as lost.
    EXPECT_TRUE(!read.has_value() || read->torn_bytes > 0) << "byte " << at;
    EXPECT_LT(entries, 3u) << "byte " << at;
  }
}

TEST(PredictionLog, a_full_queue_sheds_and_a_failed_sync_stops_it) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1", {.queue_limit = 2}).value();
  EXPECT_TRUE(log->append(prediction(0)));
  EXPECT_TRUE(log->append(prediction(1)));
  EXPECT_FALSE(log->append(prediction(2)));
  EXPECT_EQ(log->shed(), 1);
  files.set_fault([](std::string_view operation, const std::string&) -> Result<void> {
    if (operation == "sync") return unavailable("injected");
    return {};
  });
  EXPECT_FALSE(log->flush().has_value());
  files.set_fault({});
  EXPECT_FALSE(log->flush().has_value());
}

TEST(PredictionLog, views_are_written_as_their_owners_would_be) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1").value();
  const Prediction owned = prediction(3);
  const Cell key[] = {Cell::of_text("a|b"), Cell::of_int64(-7)};
  ASSERT_TRUE(log->append(PredictionView{.id = owned.id,
                                         .key = key,
                                         .at = owned.at,
                                         .version = owned.version,
                                         .score = owned.score,
                                         .predicted = owned.predicted,
                                         .latency_micros = owned.latency_micros,
                                         .failed = owned.failed,
                                         .row = owned.row.cells()}));
  Prediction keyed = owned;
  keyed.key = key_text(key);
  EXPECT_EQ(keyed.key, "a\\|b|-7");
  ASSERT_TRUE(log->append(keyed));
  ASSERT_TRUE(log->flush().has_value());
  std::vector<Prediction> read;
  const auto counts =
      read_predictions(files, "/log", {0}, {kMicrosPerDay * 1000},
                       [&](const columns::Schema&, Prediction entry) -> Result<void> {
                         read.push_back(std::move(entry));
                         return {};
                       });
  ASSERT_TRUE(counts.has_value()) << counts.error().message();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].key, read[1].key);
  EXPECT_EQ(read[0].id, read[1].id);
  for (std::size_t i = 0; i < read[0].row.size(); ++i)
    EXPECT_TRUE(read[0].row[i].same_as(read[1].row[i]));
}

TEST(PredictionLog, entries_of_many_threads_are_all_written_once_and_in_each_threads_order) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1").value();
  constexpr int kThreads = 8;
  constexpr int kEach = 2000;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Prediction entry = prediction(0);
      for (int i = 0; i < kEach; ++i) {
        entry.id = std::to_string(t) + "-" + std::to_string(i);
        entry.at = {(i % 3) * kMicrosPerDay + i};
        EXPECT_TRUE(log->append(entry));
      }
      --running;
    });
  }
  while (running.load() > 0) ASSERT_TRUE(log->flush().has_value());
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(log->flush().has_value());
  std::map<std::string, std::vector<int>> seen;  // by thread and day
  std::set<std::string> ids;
  const auto counts = read_predictions(
      files, "/log", {0}, {kMicrosPerDay * 10},
      [&](const columns::Schema&, Prediction entry) -> Result<void> {
        const std::size_t dash = entry.id.find('-');
        seen[entry.id.substr(0, dash) + "/" + std::to_string(entry.at.micros / kMicrosPerDay)]
            .push_back(std::stoi(entry.id.substr(dash + 1)));
        EXPECT_TRUE(ids.insert(entry.id).second) << entry.id;
        return {};
      });
  ASSERT_TRUE(counts.has_value()) << counts.error().message();
  EXPECT_EQ(counts->entries, kThreads * kEach);
  EXPECT_EQ(counts->torn_bytes, 0);
  for (const auto& [name, numbers] : seen) EXPECT_TRUE(std::ranges::is_sorted(numbers)) << name;
  EXPECT_EQ(log->shed(), 0);
}

TEST(PredictionLog, the_queue_is_bounded_in_bytes_and_free_again_after_a_flush) {
  FakeFileSystem files;
  auto log = PredictionLog::open(files, "/log", kSchema, "w1", {.queue_bytes = 1}).value();
  EXPECT_TRUE(log->append(prediction(0)));
  EXPECT_FALSE(log->append(prediction(1)));
  ASSERT_TRUE(log->flush().has_value());
  EXPECT_TRUE(log->append(prediction(2)));
  EXPECT_EQ(log->shed(), 1);
}

TEST(Keys, parts_that_could_be_mistaken_are_told_apart) {
  const Cell a[] = {Cell::of_text("x|y"), Cell::of_text("z")};
  const Cell b[] = {Cell::of_text("x"), Cell::of_text("y|z")};
  EXPECT_NE(key_text(a), key_text(b));
  const Cell missing[] = {Cell::of_text("x"), Cell::none(Type::Text)};
  EXPECT_EQ(key_text(missing), "");
}

TEST(TruthStore, late_corrected_and_repeated_truth_is_told_apart) {
  const auto directory = platform::TemporaryDirectory::create().value();
  auto database =
      metadata::Database::open(directory.path() + "/m.db", {.schema = {monitoring_schema()}})
          .value();
  TruthStore store(*database, "production/flights");
  const std::vector<Truth> first{{"a", 1.0, {10}}, {"b", std::nullopt, {10}}};
  EXPECT_EQ(store.accept(first, {20}).value().fresh, 2);
  const std::vector<Truth> second{{"a", 0.0, {11}}, {"b", std::nullopt, {12}}, {"c", 1.0, {12}}};
  const AcceptedTruth counts = store.accept(second, {21}).value();
  EXPECT_EQ(counts.corrected, 1);
  EXPECT_EQ(counts.repeated, 1);
  EXPECT_EQ(counts.fresh, 1);
  const std::vector<Truth> stale{{"a", 1.0, {5}}};
  EXPECT_EQ(store.accept(stale, {22}).value().repeated, 1);
  const std::vector<std::string> keys{"a", "b", "x"};
  const auto found = store.find(keys).value();
  EXPECT_EQ(found.size(), 2u);
  EXPECT_EQ(found.at("a").actual, 0.0);
  EXPECT_FALSE(found.at("b").actual.has_value());
  const std::vector<Truth> nameless{{"", 1.0, {5}}};
  EXPECT_FALSE(store.accept(nameless, {22}).has_value());
}

TEST(Alerts, fire_after_so_many_windows_and_clear_with_hysteresis) {
  AlertRule rule;
  rule.for_windows = 3;
  rule.clear_windows = 2;
  AlertRecord state;
  std::vector<AlertChange> changes;
  std::int64_t end = 1;
  for (const std::optional<bool> now : std::initializer_list<std::optional<bool>>{
           true, true, std::nullopt, true, true, false, true, false, false}) {
    changes.push_back(advance(rule, state, now, {end++}));
  }
  using enum AlertChange;
  EXPECT_EQ(changes,
            (std::vector<AlertChange>{None, None, None, Fired, None, None, None, None, Cleared}));
  EXPECT_EQ(advance(rule, state, true, {2}), None);  // an old window again
  EXPECT_EQ(state.holding, 0);
}

TEST(Alerts, unknown_figures_make_a_condition_unknown) {
  AlertRule rule;
  rule.name = "falls";
  rule.when = "kpi.saving < reference.saving - 2 and rows > 10";
  std::vector<Finding> findings;
  const auto alerts = compile_alerts({rule}, alert_scope({"saving"}, {}, Zone::utc()), findings);
  ASSERT_TRUE(findings.empty());
  std::map<std::string, double> values{{"kpi.saving", 1}, {"reference.saving", 4}, {"rows", 100}};
  EXPECT_EQ(holds(alerts[0], values).value(), true);
  values["kpi.saving"] = std::nan("");
  EXPECT_EQ(holds(alerts[0], values).value(), std::nullopt);
}

TEST(Alerts, conditions_that_do_not_compile_are_all_reported) {
  AlertRule unknown, number;
  unknown.name = "a";
  unknown.when = "kpi.savings < 2";
  number.name = "b";
  number.when = "rows + 1";
  std::vector<Finding> findings;
  (void)compile_alerts({unknown, number}, alert_scope({"saving"}, {}, Zone::utc()), findings);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_NE(findings[0].message.find("kpi.saving"), std::string::npos);
}

TEST(Retraining, cooldown_and_budget_refuse_and_say_why) {
  RetrainPolicy policy;
  policy.cooldown = 2 * kDay;
  policy.per_month = 2;
  const std::vector<Timestamp> none;
  EXPECT_TRUE(may_retrain(policy, none, {0}).granted);
  const std::vector<Timestamp> one{{kMicrosPerDay * 10}};
  EXPECT_FALSE(may_retrain(policy, one, {kMicrosPerDay * 11}).granted);
  EXPECT_NE(may_retrain(policy, one, {kMicrosPerDay * 11}).why.find("cooldown"), std::string::npos);
  EXPECT_TRUE(may_retrain(policy, one, {kMicrosPerDay * 12}).granted);
  const std::vector<Timestamp> two{{kMicrosPerDay * 10}, {kMicrosPerDay * 15}};
  EXPECT_NE(may_retrain(policy, two, {kMicrosPerDay * 20}).why.find("budget"), std::string::npos);
  EXPECT_TRUE(may_retrain(policy, two, {kMicrosPerDay * 40}).granted);
}

// A value KPI over 20 days of rows: 1 for each right decision.
struct Duel {
  problem::Outcomes champion, challenger;
  std::vector<std::int64_t> days;
  problem::Kpi kpi = [] {
    problem::KpiSpec spec;
    spec.name = "right";
    spec.value = "case when predicted = actual then 1 else 0 end";
    return problem::Kpi::create(spec, problem::Task::Binary, columns::Schema({{"x", Type::Int64}}),
                                Zone::utc())
        .value();
  }();
  explicit Duel(double lead) {
    SeededRandom random(7);
    std::vector<std::int64_t> x;
    for (int i = 0; i < 2000; ++i) {
      const double actual = random.uniform() < 0.5 ? 1 : 0;
      const auto answer = [&](double skill) {
        return random.uniform() < skill ? actual : 1 - actual;
      };
      for (problem::Outcomes* outcomes : {&champion, &challenger}) {
        outcomes->actual.push_back(actual);
        outcomes->score.push_back(0.5);
        outcomes->predicted.push_back(answer(outcomes == &champion ? 0.6 : 0.6 + lead));
      }
      days.push_back(i / 100);
      x.push_back(i);
    }
    champion.rows = challenger.rows =
        columns::Batch(columns::Schema({{"x", Type::Int64}}), {columns::Column::of_int64s(x)});
  }
};

TEST(Retraining, only_a_significant_win_is_promoted_unless_a_margin_is_allowed) {
  RetrainPolicy policy;
  const auto decided = [&](double lead) {
    const Duel duel(lead);
    return compare(duel.kpi, duel.champion, duel.challenger, metrics::Blocks::of_keys(duel.days),
                   policy, 1)
        .value();
  };
  EXPECT_TRUE(decided(0.2).promote);
  EXPECT_FALSE(decided(0.0).promote);
  EXPECT_FALSE(decided(-0.2).promote);
  policy.promote = {PromotionRule::Kind::NonInferior, 0.1};
  EXPECT_TRUE(decided(0.0).promote);
  EXPECT_FALSE(decided(-0.2).promote);
}

TEST(Reference, drift_is_seen_where_it_is_and_the_profile_survives_json) {
  SeededRandom random(3);
  const auto sample = [&](double shift, const char* other) {
    std::vector<double> x, y;
    columns::Texts c;
    for (int i = 0; i < 3000; ++i) {
      x.push_back(random.normal() + shift);
      y.push_back(random.normal());
      c.push_back(random.uniform() < 0.5 ? "a" : other);
    }
    return columns::Batch(
        columns::Schema({{"x", Type::Double}, {"y", Type::Double}, {"c", Type::Text}}),
        {columns::Column::of_doubles(x), columns::Column::of_doubles(y),
         columns::Column::of_texts(std::move(c))});
  };
  const ReferenceProfile profile = profile_of(sample(0, "b"), {}, {{"saving", 4.5}});
  const ReferenceProfile read = ReferenceProfile::from_json(profile.to_json()).value();
  EXPECT_EQ(read.to_json(), profile.to_json());
  const DriftReport same = drift_of(read, sample(0, "b"), {}, {});
  EXPECT_EQ(same.share_drifted, 0);
  const DriftReport moved = drift_of(read, sample(1, "z"), {}, {});
  ASSERT_EQ(moved.columns.size(), 3u);
  EXPECT_TRUE(moved.columns[0].drifted);
  EXPECT_FALSE(moved.columns[1].drifted);
  EXPECT_TRUE(moved.columns[2].drifted);
  EXPECT_FALSE(drift_of(read, sample(1, "z").slice(0, 10), {}, {}).sufficient);
  EXPECT_FALSE(ReferenceProfile::from_json(Json::parse(R"({"rows":3,"columns":[{"name":"x"}]})"))
                   .has_value());
}

TEST(Window, figures_count_only_rows_with_truth) {
  std::vector<Prediction> entries;
  std::map<std::string, Truth> truth;
  for (int i = 0; i < 8; ++i) {
    entries.push_back(prediction(i));
    if (i < 4) truth["k" + std::to_string(i)] = {"k" + std::to_string(i), i == 3 ? 1.0 : 0.0, {0}};
  }
  truth["k4"] = {"k4", std::nullopt, {0}};
  entries[7].failed = true;
  const WindowRows rows = gather(kSchema, entries, truth).value();
  EXPECT_EQ(rows.failed, 1);
  EXPECT_EQ(rows.excluded, 1);
  problem::KpiSpec spec;
  spec.name = "saving";
  spec.value = "case when predicted and actual then 900 when predicted then -250 else 0 end";
  const std::vector<problem::Kpi> kpis{
      problem::Kpi::create(spec, problem::Task::Binary, kSchema, Zone::utc()).value()};
  const Zone utc = Zone::utc();
  const DriftConfig drift;
  const WindowReport report =
      judge({kpis, problem::Task::Binary, utc, drift, nullptr}, rows, {0}, {kMicrosPerDay * 2})
          .value();
  EXPECT_EQ(report.rows, 7);
  EXPECT_EQ(report.truth_rows, 4);
  EXPECT_DOUBLE_EQ(report.kpis[0].value, (900.0 - 250) / 4);  // rows 1 and 3 were predicted
  EXPECT_DOUBLE_EQ(report.kpis[0].total, 650);
  EXPECT_TRUE(std::isnan(report.drift.share_drifted));
  EXPECT_TRUE(to_json(report)["drift"]["share_drifted"].is_null());
}

TEST(Config, every_problem_is_reported_and_defaults_hold) {
  std::vector<Finding> findings;
  const MonitoringConfig plain = read_monitoring(Yaml(), findings);
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(plain.windows, (std::vector<Duration>{kDay}));
  const Yaml bad =
      Yaml::parse("truth: {delay: 6 hours}\nwindows: [1d, 500d]\nalerts:\n  - {name: a, "
                  "when: rows > 1, window: 2d, then: [retrain]}\n"
                  "  - {name: a, when: rows > 1, for: 0, then: fly}\nretrein: {}\n",
                  "martlet.yaml")
          .value();
  (void)read_monitoring(bad, findings);
  std::set<std::string> rules;
  for (const Finding& finding : findings) rules.insert(finding.rule);
  EXPECT_EQ(rules, (std::set<std::string>{"wrong_type", "range", "unknown_value", "duplicate",
                                          "unknown_key", "missing"}));
}

}  // namespace
}  // namespace martlet::monitoring
