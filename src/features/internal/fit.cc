// FeatureProgram::fit: from configuration, schema and training rows to a program.
#include "base/caret.h"
#include "base/text.h"
#include "features/internal/folds.h"
#include "features/internal/node_fit.h"
#include "features/internal/state.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Column;
using columns::Type;

struct Learnt {
  std::shared_ptr<const State> state;
  Matrix training;
  std::vector<LeftOut> left_out;
};

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class Fitter {
 public:
  explicit Fitter(const FitRequest& request)
      : request_(request), training_(request.rows.take(request.training_rows)) {}

  Result<Learnt> run() {
    spec_.family = request_.family;
    spec_.task = request_.task;
    spec_.decided_at = request_.decided_at;
    add_inputs();
    fit_cleaning();
    plan_steps();
    check_names();
    MARTLET_TRY(stop_if_wrong());

    MARTLET_TRY_SET(const auto all, State::assemble(spec_));
    MARTLET_TRY_SET(const std::vector<BoundLookup> bound, all->bind(request_.lookups));
    MARTLET_TRY_SET(const std::vector<Column> values, all->run(training_, bound, nullptr));
    fit_nodes(*all, values);
    MARTLET_TRY(stop_if_wrong());
    if (spec_.nodes.empty())
      return invalid_argument("fitting features: no column is left to learn from; see "
                              "features.drop and features.columns");
    prune(*all);
    MARTLET_TRY_SET(auto state, State::assemble(std::move(spec_)));
    Matrix matrix = training_matrix(*state, *all, values);
    return Learnt{std::move(state), std::move(matrix), std::move(left_out_)};
  }

 private:
  Result<void> stop_if_wrong() {
    if (findings_.empty()) return {};
    return invalid("features", std::move(findings_));
  }

  void report(std::string path, std::string rule, std::string message, const Yaml& where) {
    findings_.push_back({std::move(path), std::move(rule), std::move(message), where.file(),
                         where.line(), where.column()});
  }

  void add_inputs() {
    for (std::size_t i = 0; i < training_.width(); ++i) {
      const columns::Field& field = training_.schema()[i];
      if (contains(request_.hidden, field.name)) continue;
      InputSpec input{{field.name, field.type, training_.column(i).missing_count() == 0},
                      field.type};
      for (const CleaningStep& step : request_.cleaning) {
        if (step.column == field.name) input.slot_type = type_after(step, input.slot_type);
      }
      spec_.inputs.push_back(std::move(input));
    }
  }

  void fit_cleaning() {
    std::map<std::string, Column> values;
    for (const CleaningStep& step : request_.cleaning) {
      const auto input =
          std::find_if(spec_.inputs.begin(), spec_.inputs.end(),
                       [&](const InputSpec& item) { return item.field.name == step.column; });
      if (input == spec_.inputs.end())
        continue;  // the data module checks the names; a step on the target has nothing to do when
                   // serving
      Column column = *training_.find(step.column);
      if (const auto found = values.find(step.column); found != values.end()) {
        column = found->second;
      } else if (column.type() != input->slot_type) {
        column =
            Column::of_doubles(column.as_doubles(), {column.valid().begin(), column.valid().end()});
      }
      auto cleaner = fit_cleaner(step, column, request_.decided_at.zone);
      if (!cleaner.has_value()) {
        findings_.push_back(
            {"clean." + step.column, "wrong_type", cleaner.error().message(), "", 0, 0});
        continue;
      }
      values.insert_or_assign(step.column, cleaner->apply(column));
      spec_.cleaning.push_back(std::move(cleaner).value());
    }
    check_stability();
  }

  void check_stability() {
    std::map<std::string, std::vector<const Cleaner*>> steps;
    for (const Cleaner& cleaner : spec_.cleaning) steps[cleaner.column].push_back(&cleaner);
    for (const auto& [column, list] : steps) {
      const std::string value = unstable_value(list);
      if (!value.empty())
        findings_.push_back({"clean." + column, "not_stable",
                             "normalising \"" + value +
                                 "\" twice gives something else than doing it once; serving would "
                                 "see other values than training: map straight to the final value",
                             "", 0, 0});
    }
  }

  bool has_decided_at() const {
    return !spec_.decided_at.expression.empty() || !spec_.decided_at.time.empty();
  }

  // The names and types that an expression may use now.
  columns::Schema scope() const {
    std::vector<columns::Field> fields;
    for (const InputSpec& input : spec_.inputs)
      fields.push_back({input.field.name, input.slot_type});
    if (has_decided_at() && !training_.schema().find(kDecidedAt))
      fields.push_back({std::string(kDecidedAt), Type::Timestamp});
    fields.insert(fields.end(), added_.begin(), added_.end());
    return columns::Schema(std::move(fields));
  }

  bool is_name(const std::string& name) const { return scope().find(name).has_value(); }

  // Derived columns and look-ups may use each other, so each is added as soon as everything that it
  // needs is there.
  void plan_steps() {
    spec_.needs_decided_at = has_decided_at();
    std::vector<const DeriveConfig*> derived;
    std::vector<const LookupConfig*> lookups;
    for (const DeriveConfig& derive : request_.config.derive) {
      if (training_.schema().find(derive.name) || derive.name == kDecidedAt) {
        report("features.derive." + derive.name, "duplicate",
               "there is a column of that name; choose another one", derive.where);
      } else {
        derived.push_back(&derive);
      }
    }
    for (const LookupConfig& lookup : request_.config.lookups) lookups.push_back(&lookup);
    for (bool progress = true; progress;) {
      progress = std::erase_if(derived, [&](const auto* item) { return add_derived(*item); }) > 0;
      progress |= std::erase_if(lookups, [&](const auto* item) { return add_lookup(*item); }) > 0;
    }
    for (const DeriveConfig* derive : derived) report_derived(*derive);
    for (const LookupConfig* lookup : lookups) report_lookup(*lookup);
  }

  bool add_derived(const DeriveConfig& derive) {
    const auto compiled =
        expr::Expression::compile(derive.expression, {scope(), request_.decided_at.zone});
    if (!compiled.has_value()) return false;
    added_.push_back({derive.name, compiled->type()});
    spec_.steps.push_back({derive.name, derive.expression, std::nullopt, {}});
    return true;
  }

  // Whether the expression would be fine if it could see the target.
  bool reads_target(const DeriveConfig& derive) const {
    std::vector<columns::Field> fields = scope().fields();
    for (const columns::Field& field : training_.schema().fields()) {
      if (contains(request_.hidden, field.name)) fields.push_back(field);
    }
    return expr::Expression::compile(derive.expression,
                                     {columns::Schema(std::move(fields)), request_.decided_at.zone})
        .has_value();
  }

  void report_derived(const DeriveConfig& derive) {
    const auto compiled =
        expr::Expression::compile(derive.expression, {scope(), request_.decided_at.zone});
    const std::string path = "features.derive." + derive.name;
    if (reads_target(derive)) {
      report(path, "leak", "a feature can't be made from the target", derive.where);
      return;
    }
    const Yaml& where = derive.where;
    add_findings_in("expression", derive.expression, compiled.error(),
                    {path, "", "", where.file(), where.line(), where.column()}, findings_);
  }

  const LookupTable* table_of(const LookupConfig& lookup) const {
    const auto found = request_.lookups.find(lookup.name);
    return found == request_.lookups.end() ? nullptr : found->second.get();
  }

  bool add_lookup(const LookupConfig& lookup) {
    const LookupTable* table = table_of(lookup);
    if (table == nullptr || !has_decided_at()) return false;
    for (const LookupKey& key : lookup.keys) {
      if (!is_name(key.row)) return false;
    }
    StepSpec step{lookup.name, "", lookup, {}};
    step.lookup->where = Yaml();
    for (const std::string& feature : lookup.features) {
      const auto& names = table->config().features;
      const auto place = std::find(names.begin(), names.end(), feature);
      const std::string name = lookup.name + "." + feature;
      if (place == names.end() || is_name(name)) {
        report("features.lookups." + lookup.name,
               place == names.end() ? "unknown_column" : "duplicate",
               place == names.end()
                   ? "its table has no column \"" + feature + "\"" + did_you_mean(feature, names)
                   : "there are two columns called \"" + name + "\"",
               lookup.where);
        return true;
      }
      step.types.push_back(table->feature_type(static_cast<std::size_t>(place - names.begin())));
      added_.push_back({name, step.types.back()});
    }
    spec_.steps.push_back(std::move(step));
    return true;
  }

  void report_lookup(const LookupConfig& lookup) {
    const std::string path = "features.lookups." + lookup.name;
    if (table_of(lookup) == nullptr) {
      report(path, "missing_table", "no table was loaded for it (dataset " + lookup.dataset + ")",
             lookup.where);
      return;
    }
    if (!has_decided_at()) {
      report(path, "missing",
             "a look-up needs to know when a decision is made: set problem.time or "
             "problem.decided_at",
             lookup.where);
      return;
    }
    for (const LookupKey& key : lookup.keys) {
      if (!is_name(key.row))
        report(path + ".key", "unknown_column",
               "the row has no column \"" + key.row + "\"" +
                   did_you_mean(key.row, scope().names()) +
                   "; a key is a column of the dataset or a derived one (map row_name: "
                   "lookup_name if they are called differently)",
               lookup.where);
    }
  }

  void check_names() {
    // With problems above, a missing derived column would be reported twice.
    if (!findings_.empty()) return;
    auto names = scope().names();
    for (const std::string& hidden : request_.hidden) names.push_back(hidden);
    for (const std::string& name : request_.config.drop) {
      if (!contains(names, name))
        report("features.drop", "unknown_column",
               "there's no column \"" + name + "\" to drop" + did_you_mean(name, names),
               request_.config.drop_where);
    }
    for (const ColumnConfig& column : request_.config.columns) {
      if (!contains(names, column.name)) {
        report("features.columns." + column.name, "unknown_column",
               "there's no column \"" + column.name + "\"" + did_you_mean(column.name, names),
               column.where);
      } else if (contains(request_.hidden, column.name)) {
        report("features.columns." + column.name, "leak", "the target can't be a feature",
               column.where);
      } else if (contains(request_.config.drop, column.name)) {
        report("features.columns." + column.name, "contradiction",
               "the column is also in features.drop", column.where);
      }
    }
  }

  const ColumnConfig* config_of(const std::string& name) const {
    for (const ColumnConfig& column : request_.config.columns) {
      if (column.name == name) return &column;
    }
    return nullptr;
  }

  std::vector<std::uint8_t> folds() const {
    const Column* time = training_.find(request_.decided_at.time);
    if (time != nullptr && (time->type() == Type::Timestamp || time->type() == Type::Date))
      return folds_by_time(*time);
    return folds_by_seed(training_.rows(), request_.seed);
  }

  void fit_nodes(const State& all, const std::vector<Column>& values) {
    std::vector<double> target;
    for (const std::uint32_t row : request_.training_rows) target.push_back(request_.target[row]);
    const std::vector<std::uint8_t> fold_of_row = folds();
    const NodeFitContext context{request_.family,          request_.task, request_.decided_at.zone,
                                 request_.decided_at.time, target,        fold_of_row};
    for (std::size_t slot = 0; slot < all.slots.size(); ++slot) {
      const std::string& name = all.slots[slot].name;
      const ColumnConfig* config = config_of(name);
      if (slot == all.decided_slot || contains(request_.config.drop, name) ||
          (contains(request_.not_features, name) && config == nullptr))
        continue;
      FittedNode fitted = fit_node(name, values[slot], config, context, findings_);
      if (fitted.node) {
        spec_.nodes.push_back(std::move(*fitted.node));
        encoded_.push_back(std::move(fitted.encoded));
      } else if (!fitted.left_out.empty()) {
        left_out_.push_back({name, std::move(fitted.left_out)});
      }
    }
  }

  // Keeps only what a feature depends on, so that a request need not name anything else.
  void prune(const State& all) {
    std::set<std::string> needed;
    for (const Node& node : spec_.nodes) needed.insert(node.column);
    std::vector<StepSpec> kept;
    bool needs_decided_at = false;
    for (std::size_t i = spec_.steps.size(); i-- > 0;) {
      StepSpec step = spec_.steps[i];
      if (step.lookup) {
        keep_needed_features(step, needed);
        if (step.types.empty()) continue;
        for (const LookupKey& key : step.lookup->keys) needed.insert(key.row);
        needs_decided_at = true;
      } else {
        if (!needed.contains(step.name)) continue;
        for (const std::string& name :
             std::get<ExpressionStep>(all.steps[i]).expression.names_used()) {
          needed.insert(name);
          needs_decided_at |= name == kDecidedAt && !training_.schema().find(kDecidedAt);
        }
      }
      kept.push_back(std::move(step));
    }
    std::reverse(kept.begin(), kept.end());
    spec_.steps = std::move(kept);
    spec_.needs_decided_at = needs_decided_at;
    if (needs_decided_at && all.decide) {
      for (const std::string& name : all.decide->expression.names_used()) needed.insert(name);
    }
    needed.insert(spec_.decided_at.time);
    std::erase_if(spec_.inputs,
                  [&](const InputSpec& input) { return !needed.contains(input.field.name); });
    std::erase_if(spec_.cleaning,
                  [&](const Cleaner& step) { return !needed.contains(step.column); });
  }

  static void keep_needed_features(StepSpec& step, const std::set<std::string>& needed) {
    std::vector<std::string> features;
    std::vector<Type> types;
    for (std::size_t i = 0; i < step.types.size(); ++i) {
      if (needed.contains(step.name + "." + step.lookup->features[i])) {
        features.push_back(step.lookup->features[i]);
        types.push_back(step.types[i]);
      }
    }
    step.lookup->features = std::move(features);
    step.types = std::move(types);
  }

  Matrix training_matrix(const State& state, const State& all, const std::vector<Column>& values) {
    Matrix matrix{state.columns, training_.rows(), {}};
    matrix.values.resize(matrix.rows * matrix.width());
    for (std::size_t i = 0; i < state.spec.nodes.size(); ++i) {
      const Node& node = state.spec.nodes[i];
      const std::size_t offset = state.node_offsets[i];
      if (node.kind != NodeKind::Target) {
        write_node(node, values[*all.find_slot(node.column)], state.zone, offset, matrix);
        continue;
      }
      for (std::size_t row = 0; row < matrix.rows; ++row)
        node.write_encoded(encoded_[i].data() + row * static_cast<std::size_t>(node.outputs),
                           matrix.row(row).data() + offset);
    }
    return matrix;
  }

  const FitRequest& request_;
  Batch training_;
  ProgramSpec spec_;
  std::vector<columns::Field> added_;         // by derived columns and look-ups, in order
  std::vector<std::vector<double>> encoded_;  // one a node
  std::vector<LeftOut> left_out_;
  std::vector<Finding> findings_;
};

Result<void> check_request(const FitRequest& request) {
  if (request.target.size() != request.rows.rows())
    return invalid_argument("fitting features: " + std::to_string(request.target.size()) +
                            " targets for " + std::to_string(request.rows.rows()) + " rows");
  if (request.training_rows.empty())
    return invalid_argument("fitting features: there are no training rows");
  for (const std::uint32_t row : request.training_rows) {
    if (row >= request.rows.rows())
      return invalid_argument("fitting features: training row " + std::to_string(row) + " of " +
                              std::to_string(request.rows.rows()));
    const double y = request.target[row];
    const bool is_class = request.task != Task::Regression;
    if (std::isinf(y) || (is_class && !std::isnan(y) && (y < 0 || y > 65535 || y != std::floor(y))))
      return invalid_argument("fitting features: the target of row " + std::to_string(row) +
                              " is " + shortest(y) + ", which is no value for the task " +
                              std::string(name_of(request.task)));
  }
  return {};
}

}  // namespace

Result<Fitted> FeatureProgram::fit(const FitRequest& request) {
  MARTLET_TRY(check_request(request));
  MARTLET_TRY_SET(Learnt learnt, Fitter(request).run());
  return Fitted{FeatureProgram(std::move(learnt.state)), std::move(learnt.training),
                std::move(learnt.left_out)};
}

}  // namespace martlet::features
