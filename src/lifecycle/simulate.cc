#include "lifecycle/simulate.h"

#include "deployment/admission.h"
#include "deployment/inference_service.h"
#include "deployment/model_slot.h"
#include "deployment/served_model.h"
#include "lifecycle/logged_prediction.h"
#include "lifecycle/steps.h"
#include "metadata/database.h"
#include "monitoring/prediction_log.h"
#include "monitoring/records.h"
#include "platform/real_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::lifecycle {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string deployment_of_replay(const Project& project) { return "simulation/" + project.name; }

// Carries what deployment reports to a prediction log; a version that is asked with other columns
// begins another one.
class ReplaySink : public deployment::PredictionSink {
 public:
  ReplaySink(const Store& store, std::string deployment)
      : store_(store), deployment_(std::move(deployment)) {}
  // The log of the version that is about to be live.
  Result<void> open_for(const columns::Schema& rows) {
    if (log_ != nullptr && log_->schema() == rows) return {};
    if (log_ != nullptr) MARTLET_TRY(log_->flush());
    const Host& host = store_.host();
    MARTLET_TRY_SET(log_, monitoring::PredictionLog::open(
                              host.files, store_.predictions_directory(deployment_), rows,
                              new_id(host.clock, host.random), {.queue_limit = 1'000'000}));
    return {};
  }
  bool record(const deployment::PredictionEvent& event) override {
    return log_->append(logged(event));
  }
  Result<void> flush() { return log_->flush(); }

 private:
  const Store& store_;
  std::string deployment_;
  std::unique_ptr<monitoring::PredictionLog> log_;
};

double kpi_of(const problem::Kpi& kpi, const problem::Outcomes& outcomes) {
  if (kpi.is_value()) {
    const auto total = kpi.total(outcomes);
    return total.has_value() ? total->sum : kNaN;
  }
  const auto value = kpi.estimate(outcomes);
  return value.has_value() ? *value : kNaN;
}

problem::Outcomes pick(const problem::Outcomes& all, std::span<const std::uint32_t> rows) {
  problem::Outcomes some;
  some.rows = all.rows.take(rows);
  for (const std::uint32_t row : rows) {
    some.actual.push_back(all.actual[row]);
    if (!all.score.empty()) some.score.push_back(all.score[row]);
    some.predicted.push_back(all.predicted[row]);
  }
  return some;
}

class Simulation {
 public:
  Simulation(const Project& project, const SimulateRequest& request, const Lessons& lessons,
             const Store& scratch, VirtualClock& clock)
      : project_(project), request_(request), material_(lessons), scratch_(scratch), clock_(clock),
        sink_(scratch, deployment_of_replay(project)) {}

  Result<SimulateReport> run() {
    MARTLET_TRY(find_rows());
    MARTLET_TRY(begin());
    MARTLET_TRY(freeze());
    const Duration length = project_.monitoring.windows.front();
    for (Timestamp from = request_.from; from < end_; from = from + length) {
      if (request_.cancel.cancelled())
        return fail(ErrorCode::Cancelled, "the simulation was interrupted");
      MARTLET_TRY(window(from, std::min(from + length, end_)));
    }
    MARTLET_TRY(read_drift(length));
    const problem::Kpi& kpi = material_.problem->primary();
    report_.kpi = kpi.name();
    report_.unit = kpi.unit();
    report_.sums = kpi.is_value();
    report_.rule = rule_name_;
    report_.live = kpi_of(kpi, pick(live_, replayed_));
    report_.frozen = kpi_of(kpi, pick(frozen_, replayed_));
    report_.rule_total = kpi_of(kpi, pick(rule_, replayed_));
    for (const auto& [name, outcomes] : rules_)
      report_.rules[name] = kpi_of(kpi, pick(outcomes, replayed_));
    for (const LoopEvent& event : report_.events) {
      if (event.kind == "promoted" || event.kind == "rejected" || event.kind == "failed")
        ++report_.trainings;
    }
    return std::move(report_);
  }

 private:
  const Frame& frame() const { return *material_.frame; }

  // Rows to replay, in the order of their decisions; and truths in the order in which they become
  // known.
  Result<void> find_rows() {
    if (frame().times.empty())
      return invalid_argument(
          "simulate needs problem.time: without an event time there is nothing to replay in order");
    constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
    std::int64_t last = kUnknown;
    for (std::uint32_t row = 0; row < frame().rows.rows(); ++row) {
      if (frame().decided[row] == kUnknown) continue;
      last = std::max(last, frame().decided[row]);
      if (Timestamp{frame().decided[row]} >= request_.from &&
          (!request_.to.has_value() || Timestamp{frame().decided[row]} < *request_.to)) {
        replayed_.push_back(row);
      }
    }
    if (replayed_.empty()) {
      return invalid_argument(
          fmt::format("simulating from {}: no row is decided after it; the last one is of {}",
                      to_text(request_.from), to_text(Timestamp{last})));
    }
    std::stable_sort(replayed_.begin(), replayed_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return frame().decided[a] < frame().decided[b];
    });
    end_ = request_.to.value_or(Timestamp{frame().decided[replayed_.back()] + 1});
    truths_ = replayed_;
    std::stable_sort(truths_.begin(), truths_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return frame().times[a] < frame().times[b];
    });
    return {};
  }

  // As they were known at this moment of the replay.
  Lessons lessons() const {
    Lessons now = material_;
    now.known = known_by(frame(), clock_.now(), project_.monitoring.truth_delay);
    return now;
  }

  Result<void> serve(const LoopModel& live) {
    const problem::Contract& contract = project_.problem;
    std::vector<columns::Field> key;
    for (const std::string& column : contract.key) {
      MARTLET_TRY_SET(const columns::Column* found, frame().rows.column(column));
      key.push_back({column, found->type()});
    }
    MARTLET_TRY_SET(
        std::shared_ptr<const deployment::ServedModel> served,
        deployment::ServedModel::create({live.package, material_.lookups, live.name, live.version,
                                         columns::Schema(std::move(key)), contract.zone}));
    MARTLET_TRY(sink_.open_for(schema_of(served->inputs())));
    (void)slot_.swap(std::move(served));
    return {};
  }

  Result<void> begin() {
    clock_.set(request_.from);
    Loop::Parts parts{scratch_, project_};
    parts.deployment = deployment_of_replay(project_);
    parts.on_event = [this](const LoopEvent& event) {
      // The same refusal in window after window is one event.
      if (event.kind == "refused" && !report_.events.empty() &&
          report_.events.back().kind == "refused")
        return;
      report_.events.push_back(event);
      if (request_.on_event) request_.on_event(event);
    };
    parts.on_live = [this](const LoopModel& live) { return serve(live); };
    parts.cancel = request_.cancel;
    loop_ = Loop::create(std::move(parts));
    auto begun = loop_->begin(lessons());
    if (!begun.has_value())
      return fail(std::move(begun).error().with_context(
          "training the first model on what was known at " + to_text(request_.from)));
    service_ = std::make_unique<deployment::InferenceService>(slot_, &sink_, scratch_.host().clock,
                                                              scratch_.host().random, admission_);
    return {};
  }

  // The model and the rule of the beginning answer everything at once: nothing about them changes.
  Result<void> freeze() {
    const problem::Problem& problem = *material_.problem;
    const models::Package& package = *loop_->live().package;
    const columns::Batch rows = take(frame(), replayed_);
    const std::vector<double> actual = actual_of(frame(), replayed_);
    MARTLET_TRY_SET(const std::vector<double> scores,
                    score(package.feature_program(), *package.predictor(), rows, material_.lookups,
                          scratch_.host().pool));
    const std::vector<std::uint32_t> known = lessons().known;
    MARTLET_TRY_SET(const problem::FittedBaselines fitted,
                    problem::fit_baselines(problem.baselines(), problem.task(), problem.zone(),
                                           problem.primary(), take(frame(), known),
                                           actual_of(frame(), known)));
    const problem::Baseline& rule = fitted.all[fitted.best];
    rule_name_ = rule.name();
    MARTLET_TRY_SET(const problem::Outcomes ruled, problem::outcomes_of(rule, rows, actual));
    const std::size_t all = frame().rows.rows();
    const bool binary = problem.task() == problem::Task::Binary;
    for (problem::Outcomes* outcomes : {&live_, &frozen_, &rule_}) {
      outcomes->rows = frame().rows;
      outcomes->actual = frame().actual;
      outcomes->predicted.assign(all, kNaN);
      if (binary) outcomes->score.assign(all, kNaN);
    }
    for (const problem::Baseline& baseline : fitted.all) {
      MARTLET_TRY_SET(const problem::Outcomes answers,
                      problem::outcomes_of(baseline, rows, actual));
      problem::Outcomes& all_rows = rules_[baseline.name()];
      all_rows = rule_;
      for (std::size_t i = 0; i < replayed_.size(); ++i) {
        all_rows.predicted[replayed_[i]] = answers.predicted[i];
        if (binary) all_rows.score[replayed_[i]] = answers.score[i];
      }
    }
    const std::vector<double> decisions =
        decide(problem.task(), scores, package.manifest().threshold.value_or(0.5));
    for (std::size_t i = 0; i < replayed_.size(); ++i) {
      frozen_.predicted[replayed_[i]] = decisions[i];
      rule_.predicted[replayed_[i]] = ruled.predicted[i];
      if (!binary) continue;
      frozen_.score[replayed_[i]] = scores[i];
      rule_.score[replayed_[i]] = ruled.score[i];
    }
    return {};
  }

  Result<void> window(Timestamp from, Timestamp to) {
    clock_.set(from);
    std::vector<std::uint32_t> rows;
    while (next_row_ < replayed_.size() && Timestamp{frame().decided[replayed_[next_row_]]} < to)
      rows.push_back(replayed_[next_row_++]);
    MARTLET_TRY(answer(rows));
    clock_.set(to);
    MARTLET_TRY(hand_over_truth(to));
    MARTLET_TRY(sink_.flush());
    MARTLET_TRY(loop_->tick([this]() -> Result<Lessons> { return lessons(); }));

    const problem::Kpi& kpi = material_.problem->primary();
    SimulatedWindow made{from,
                         to,
                         static_cast<std::int64_t>(rows.size()),
                         0,
                         kpi_of(kpi, pick(live_, rows)),
                         kpi_of(kpi, pick(frozen_, rows)),
                         kpi_of(kpi, pick(rule_, rows)),
                         {}};
    for (const auto& [name, outcomes] : rules_)
      made.rules[name] = kpi_of(kpi, pick(outcomes, rows));
    made.truth_rows = std::count_if(rows.begin(), rows.end(), [&](std::uint32_t row) {
      return !std::isnan(frame().actual[row]);
    });
    report_.windows.push_back(made);
    if (request_.on_window) request_.on_window(made);
    return {};
  }

  Result<void> answer(const std::vector<std::uint32_t>& rows) {
    if (rows.empty()) return {};
    const columns::Batch batch = take(frame(), rows);
    columns::Batch keys;
    if (!project_.problem.key.empty()) {
      MARTLET_TRY_SET(keys, batch.select(project_.problem.key));
    }
    MARTLET_TRY_SET(const deployment::Answer answer, service_->answer("", batch, keys));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      live_.predicted[rows[i]] = answer.predicted[i];
      if (!live_.score.empty()) live_.score[rows[i]] = answer.scores[i];
    }
    return {};
  }

  Result<void> hand_over_truth(Timestamp now) {
    std::vector<monitoring::Truth> truths;
    while (next_truth_ < truths_.size() &&
           Timestamp{frame().times[truths_[next_truth_]]} + project_.monitoring.truth_delay <=
               now) {
      const std::uint32_t row = truths_[next_truth_++];
      std::vector<columns::Cell> key;
      for (const std::string& name : project_.problem.key)
        key.push_back(frame().rows.find(name)->cell(row));
      std::string text = monitoring::key_text(key);
      if (text.empty()) continue;
      const double actual = frame().actual[row];
      truths.push_back({std::move(text), std::isnan(actual) ? std::nullopt : std::optional(actual),
                        Timestamp{frame().times[row]} + project_.monitoring.truth_delay});
    }
    if (truths.empty()) return {};
    MARTLET_TRY(loop_->truth().accept(truths, now));
    return {};
  }

  // The windows as the monitor recorded them.
  Result<void> read_drift(Duration length) {
    MARTLET_TRY_SET(
        const auto records, scratch_.database().read([&](const metadata::ReadTransaction& tx) {
          return tx.select<monitoring::WindowRecord>(
              metadata::Query(metadata::equal("deployment", deployment_of_replay(project_)) &&
                              metadata::equal("length_micros", std::int64_t{length.count()}))
                  .order_by("begin_at"));
        }));
    for (const monitoring::WindowRecord& record : records) {
      SimulatedDrift made{record.begin, record.end, kNaN, "", kNaN};
      const Json& drift = record.report.at("drift");
      if (drift.at("share_drifted").is_number())
        made.share_drifted = drift["share_drifted"].get<double>();
      for (const Json& column : drift.at("columns")) {
        if (!column.at("psi").is_number() || column["psi"].get<double>() <= made.worst_psi)
          continue;
        made.worst = column.at("name").get<std::string>();
        made.worst_psi = column["psi"].get<double>();
      }
      report_.drift.push_back(std::move(made));
    }
    return {};
  }

  const Project& project_;
  const SimulateRequest& request_;
  const Lessons& material_;
  const Store& scratch_;
  VirtualClock& clock_;
  ReplaySink sink_;
  deployment::ModelSlot slot_;
  deployment::Admission admission_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<deployment::InferenceService> service_;
  std::vector<std::uint32_t> replayed_;  // by decision
  std::vector<std::uint32_t> truths_;    // by event time
  std::size_t next_row_ = 0;
  std::size_t next_truth_ = 0;
  Timestamp end_;
  std::string rule_name_;
  problem::Outcomes live_, frozen_, rule_;  // of all rows of the frame
  std::map<std::string, problem::Outcomes> rules_;
  SimulateReport report_;
};

}  // namespace

namespace {
Json numbers(const std::map<std::string, double>& values) {
  Json object = Json::object();
  for (const auto& [name, value] : values) object[name] = number_or_null(value);
  return object;
}
}  // namespace

Json SimulateReport::to_json() const {
  Json list = Json::array();
  for (const SimulatedWindow& window : windows) {
    list.push_back(Json{{"from", to_text(window.begin)},
                        {"to", to_text(window.end)},
                        {"rows", window.rows},
                        {"truth_rows", window.truth_rows},
                        {"live", number_or_null(window.live)},
                        {"frozen", number_or_null(window.frozen)},
                        {"rule", number_or_null(window.rule)},
                        {"rules", numbers(window.rules)}});
  }
  Json happened = Json::array();
  for (const LoopEvent& event : events) happened.push_back(lifecycle::to_json(event));
  return Json{{"kpi", kpi},
              {"unit", unit},
              {"rule", rule},
              {"windows", std::move(list)},
              {"events", std::move(happened)},
              {"trainings", trainings},
              {"totals", Json{{"live", number_or_null(live)},
                              {"frozen", number_or_null(frozen)},
                              {"rule", number_or_null(rule_total)},
                              {"rules", numbers(rules)}}}};
}

Result<SimulateReport> simulate(const Store& store, const Project& project,
                                const SimulateRequest& request) {
  MARTLET_TRY_SET(const Lessons material, gather_lessons(store, project, request.ingest));
  MARTLET_TRY_SET(const platform::TemporaryDirectory directory,
                  platform::TemporaryDirectory::create(store.scratch_directory(), "simulation-"));
  VirtualClock clock(request.from);
  SeededRandom random(project.models.seed);
  const Host& real = store.host();
  const Host host{real.files, clock, random, real.log, real.pool, real.version, real.code_version};
  MARTLET_TRY_SET(const std::unique_ptr<Store> scratch,
                  Store::open(host, directory.path() + "/store", WhenMissing::Create));
  Simulation simulation(project, request, material, *scratch, clock);
  return simulation.run();
}

}  // namespace martlet::lifecycle
