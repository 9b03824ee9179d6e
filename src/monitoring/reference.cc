#include "monitoring/reference.h"

#include "metrics/distances.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace martlet::monitoring {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kScore = "score";

bool is_profiled(columns::Type type) {
  return type != columns::Type::Timestamp && type != columns::Type::Date;
}

std::vector<double> sorted_numbers(std::span<const double> values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  for (const double value : values) {
    if (!std::isnan(value)) sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

ReferenceColumn numeric_reference(std::string name, std::span<const double> values) {
  ReferenceColumn column;
  column.name = std::move(name);
  column.numeric = true;
  const std::vector<double> sorted = sorted_numbers(values);
  column.missing = static_cast<std::int64_t>(values.size() - sorted.size());
  if (sorted.empty()) return column;
  column.edges = metrics::decile_edges(sorted);
  column.counts = metrics::bin_counts(column.edges, sorted);
  if (sorted.size() <= kReferenceSample) {
    column.sample = sorted;
  } else {
    column.sample.reserve(kReferenceSample);
    for (std::size_t i = 0; i < kReferenceSample; ++i)
      column.sample.push_back(sorted[i * (sorted.size() - 1) / (kReferenceSample - 1)]);
  }
  return column;
}

std::map<std::string, std::int64_t> categories_of(const columns::Column& column,
                                                  std::int64_t& missing) {
  std::map<std::string, std::int64_t> counts;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) {
      ++missing;
    } else {
      ++counts[columns::to_text(column.cell(i))];
    }
  }
  return counts;
}

ReferenceColumn category_reference(std::string name, const columns::Column& column) {
  ReferenceColumn made;
  made.name = std::move(name);
  made.values = categories_of(column, made.missing);
  return made;
}

std::optional<ColumnDrift> numeric_drift(const ReferenceColumn& reference,
                                         std::span<const double> values) {
  const std::vector<double> current = sorted_numbers(values);
  if (current.size() < kMinimumRows || reference.sample.size() < kMinimumRows) return std::nullopt;
  ColumnDrift drift{reference.name, true, 0, 0, 1, 1, false};
  const auto psi = metrics::population_stability(reference.counts,
                                                 metrics::bin_counts(reference.edges, current));
  const auto ks = metrics::ks_two_sample_sorted(reference.sample, current);
  if (!psi.has_value() || !ks.has_value()) return std::nullopt;
  drift.psi = *psi;
  drift.distance = ks->statistic;
  drift.p = ks->p;
  return drift;
}

std::optional<ColumnDrift> category_drift(const ReferenceColumn& reference,
                                          const columns::Column& column) {
  std::int64_t missing = 0;
  const auto current = categories_of(column, missing);
  std::vector<std::int64_t> before{reference.missing};
  std::vector<std::int64_t> now{missing};
  for (const auto& [value, count] : reference.values) {
    before.push_back(count);
    const auto found = current.find(value);
    now.push_back(found == current.end() ? 0 : found->second);
  }
  for (const auto& [value, count] : current) {
    if (reference.values.contains(value)) continue;
    before.push_back(0);
    now.push_back(count);
  }
  if (before[0] == 0 && now[0] == 0) {
    before.erase(before.begin());
    now.erase(now.begin());
  }
  ColumnDrift drift{reference.name, false, 0, 0, 1, 1, false};
  const auto psi = metrics::population_stability(before, now);
  const auto js = metrics::jensen_shannon(before, now);
  const auto chi = metrics::chi_squared(before, now);
  if (!psi.has_value() || !js.has_value() || !chi.has_value()) return std::nullopt;
  drift.psi = *psi;
  drift.distance = *js;
  drift.p = chi->p;
  return drift;
}

}  // namespace

ReferenceProfile profile_of(const columns::Batch& rows, std::span<const double> scores,
                            std::map<std::string, double> kpis) {
  ReferenceProfile profile;
  profile.rows = static_cast<std::int64_t>(rows.rows());
  profile.kpis = std::move(kpis);
  for (std::size_t i = 0; i < rows.width(); ++i) {
    const columns::Field& field = rows.schema()[i];
    if (!is_profiled(field.type)) continue;
    if (columns::is_numeric(field.type)) {
      profile.columns.push_back(numeric_reference(field.name, rows.column(i).as_doubles()));
    } else {
      profile.columns.push_back(category_reference(field.name, rows.column(i)));
    }
  }
  if (!scores.empty()) profile.columns.push_back(numeric_reference(std::string(kScore), scores));
  return profile;
}

DriftReport drift_of(const ReferenceProfile& reference, const columns::Batch& rows,
                     std::span<const double> scores, const DriftConfig& config) {
  DriftReport report;
  report.share_drifted = kNaN;
  if (rows.rows() < kMinimumRows || reference.rows < static_cast<std::int64_t>(kMinimumRows))
    return report;
  for (const ReferenceColumn& column : reference.columns) {
    if (std::find(config.ignore.begin(), config.ignore.end(), column.name) != config.ignore.end())
      continue;
    std::optional<ColumnDrift> drift;
    if (const columns::Column* current = rows.find(column.name); current != nullptr) {
      if (column.numeric && current->type() != columns::Type::Text)
        drift = numeric_drift(column, current->as_doubles());
      if (!column.numeric) drift = category_drift(column, *current);
    } else if (column.name == kScore && !scores.empty()) {
      drift = numeric_drift(column, scores);
    }
    if (drift.has_value()) report.columns.push_back(*drift);
  }
  if (report.columns.empty()) return report;
  std::vector<double> p;
  for (const ColumnDrift& drift : report.columns) p.push_back(drift.p);
  const std::vector<double> adjusted = metrics::benjamini_hochberg(p);
  std::size_t drifted = 0;
  for (std::size_t i = 0; i < report.columns.size(); ++i) {
    ColumnDrift& drift = report.columns[i];
    drift.adjusted_p = adjusted[i];
    drift.drifted = drift.psi >= config.psi && drift.adjusted_p < config.p;
    drifted += drift.drifted ? 1 : 0;
  }
  report.sufficient = true;
  report.share_drifted = static_cast<double>(drifted) / static_cast<double>(report.columns.size());
  return report;
}

Json to_json(const DriftReport& report) {
  Json columns = Json::array();
  for (const ColumnDrift& drift : report.columns) {
    columns.push_back(Json{{"name", drift.name},
                           {"type", drift.numeric ? "numeric" : "categorical"},
                           {"psi", number_or_null(drift.psi)},
                           {drift.numeric ? "ks" : "js", number_or_null(drift.distance)},
                           {"p", number_or_null(drift.p)},
                           {"adjusted_p", number_or_null(drift.adjusted_p)},
                           {"drifted", drift.drifted}});
  }
  return Json{{"status", report.sufficient ? "ok" : "insufficient_data"},
              {"columns", std::move(columns)},
              {"share_drifted", number_or_null(report.share_drifted)}};
}

Json ReferenceProfile::to_json() const {
  Json list = Json::array();
  for (const ReferenceColumn& column : columns) {
    Json item{{"name", column.name},
              {"type", column.numeric ? "numeric" : "categorical"},
              {"missing", column.missing}};
    if (column.numeric) {
      item["sample"] = column.sample;
      item["edges"] = column.edges;
      item["counts"] = column.counts;
    } else {
      Json values = Json::object();
      for (const auto& [value, count] : column.values) values[value] = count;
      item["values"] = std::move(values);
    }
    list.push_back(std::move(item));
  }
  Json figures = Json::object();
  for (const auto& [name, value] : kpis) figures[name] = number_or_null(value);
  return Json{
      {"version", 1}, {"rows", rows}, {"columns", std::move(list)}, {"kpis", std::move(figures)}};
}

Result<ReferenceProfile> ReferenceProfile::from_json(const Json& json) {
  const auto bad = [](const std::string& why) {
    return corrupt("reading a reference profile: " + why);
  };
  const auto numbers = [](const Json& item, const char* key, auto& out) {
    const auto found = item.find(key);
    if (found == item.end() || !found->is_array()) return false;
    for (const Json& value : *found) {
      if (!value.is_number()) return false;
      out.push_back(value.get<typename std::remove_reference_t<decltype(out)>::value_type>());
    }
    return true;
  };
  ReferenceProfile profile;
  if (!json.is_object() || !json.contains("columns") || !json["columns"].is_array())
    return bad("it has no columns");
  if (!json.contains("rows") || !json["rows"].is_number_integer())
    return bad("it has no number of rows");
  profile.rows = json["rows"].get<std::int64_t>();
  for (const Json& item : json["columns"]) {
    ReferenceColumn column;
    const auto name = text_member(item, "name", "a column");
    const auto type = text_member(item, "type", "a column");
    const auto missing = integer_member(item, "missing", "a column");
    if (!name.has_value() || !type.has_value() || !missing.has_value())
      return bad("a column lacks its name, type or count of missing values");
    column.name = *name;
    column.numeric = *type == "numeric";
    column.missing = *missing;
    if (column.numeric) {
      if (!numbers(item, "sample", column.sample) || !numbers(item, "edges", column.edges) ||
          !numbers(item, "counts", column.counts)) {
        return bad("column " + column.name + " lacks its figures");
      }
      const bool sound = column.sample.empty() || column.counts.size() == column.edges.size() + 1;
      if (!sound || !std::is_sorted(column.sample.begin(), column.sample.end()) ||
          !std::is_sorted(column.edges.begin(), column.edges.end())) {
        return bad("column " + column.name + " has figures that do not fit together");
      }
    } else {
      const auto values = item.find("values");
      if (values == item.end() || !values->is_object())
        return bad("column " + column.name + " lacks its values");
      for (const auto& [value, count] : values->items()) {
        if (!count.is_number_integer())
          return bad("column " + column.name + " has a count that is no whole number");
        column.values[value] = count.get<std::int64_t>();
      }
    }
    profile.columns.push_back(std::move(column));
  }
  if (json.contains("kpis") && json["kpis"].is_object()) {
    for (const auto& [name, value] : json["kpis"].items())
      profile.kpis[name] = value.is_number() ? value.get<double>() : kNaN;
  }
  return profile;
}

}  // namespace martlet::monitoring
