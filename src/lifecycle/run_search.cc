#include "lifecycle/run_search.h"

#include "base/text.h"
#include "lifecycle/track.h"
#include "metadata/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace martlet::lifecycle {

namespace {

constexpr std::int64_t kPage = 1000;

using Names = std::map<ExperimentId, std::string>;

Result<Names> experiment_names(const tracking::Tracker& tracker) {
  MARTLET_TRY_SET(const auto all, tracker.experiments(tracking::View::All));
  Names names;
  for (const tracking::Experiment& experiment : all) names[experiment.id] = experiment.name;
  return names;
}

Result<std::vector<ExperimentId>> experiments_named(const Names& names,
                                                    const std::vector<std::string>& wanted) {
  std::vector<ExperimentId> ids;
  for (const std::string& name : wanted) {
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const auto& entry) { return entry.second == name; });
    if (found != names.end()) {
      ids.push_back(found->first);
      continue;
    }
    std::vector<std::string> known;
    for (const auto& entry : names) known.push_back(entry.second);
    return not_found(fmt::format("there is no experiment \"{}\" in this store{}", name,
                                 did_you_mean(name, known)));
  }
  return ids;
}

// "metrics.auc" for "metric.auc"; "" for what every run has.
std::string column_of(const metadata::FilterName& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kKinds{
      {{"metrics", "metrics"},
       {"metric", "metrics"},
       {"params", "params"},
       {"param", "params"},
       {"parameters", "params"},
       {"parameter", "params"},
       {"tags", "tags"},
       {"tag", "tags"}}};
  for (const auto& [spelling, kind] : kKinds) {
    if (name.entity == spelling) return std::string(kind) + "." + name.key;
  }
  return "";
}

// Both were understood by the search already.
std::vector<std::string> columns_of(const RunQuery& query) {
  std::vector<std::string> columns;
  const auto add = [&](const metadata::FilterName& name) {
    std::string column = column_of(name);
    if (!column.empty() && std::find(columns.begin(), columns.end(), column) == columns.end())
      columns.push_back(std::move(column));
  };
  if (const auto clauses = metadata::parse_filter(query.filter); clauses.has_value()) {
    for (const metadata::FilterClause& clause : *clauses) add(clause.name);
  }
  for (const std::string& term : query.order_by) {
    if (const auto order = metadata::parse_filter_order(term); order.has_value()) add(order->name);
  }
  return columns;
}

}  // namespace

Result<RunsFound> find_runs_by(const Store& store, const RunQuery& query) {
  const tracking::Tracker tracker = tracker_of(store);
  RunsFound found;
  MARTLET_TRY_SET(found.experiments, experiment_names(tracker));
  tracking::RunSearch search;
  MARTLET_TRY_SET(search.experiments, experiments_named(found.experiments, query.experiments));
  search.filter = query.filter;
  search.order_by = query.order_by;
  search.view = query.view;
  while (true) {
    const std::int64_t wanted =
        query.limit == 0 ? kPage : std::min(kPage, query.limit - std::ssize(found.runs));
    search.limit = wanted;
    MARTLET_TRY_SET(tracking::RunPage page, tracker.search(search));
    std::move(page.runs.begin(), page.runs.end(), std::back_inserter(found.runs));
    if (!page.next.has_value()) break;
    if (query.limit != 0 && std::ssize(found.runs) >= query.limit) {
      found.more = true;
      break;
    }
    search.from = *page.next;
  }
  found.columns = columns_of(query);
  return found;
}

Json value_of(const tracking::Run& run, std::string_view column) {
  const std::size_t dot = column.find('.');
  const std::string_view kind = column.substr(0, dot);
  const std::string key(dot == std::string_view::npos ? "" : column.substr(dot + 1));
  if (kind == "metrics") {
    const auto metric = run.metrics.find(key);
    if (metric == run.metrics.end()) return nullptr;
    const double value = metric->second.value;
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return value;
  }
  const tracking::Texts& texts = kind == "params" ? run.params : run.tags;
  const auto text = texts.find(key);
  return text == texts.end() ? Json(nullptr) : Json(text->second);
}

Result<tracking::Run> set_note(const Store& store, const std::string& run,
                               const std::string& text) {
  MARTLET_TRY_SET(const tracking::Run found, find_tracked_run(store, run));
  tracking::Tracker tracker = tracker_of(store);
  const std::string key(kNoteTag);
  if (!text.empty()) {
    tracking::RunBatch batch;
    batch.tags[key] = text;
    MARTLET_TRY(tracker.log(found.id, batch));
  } else if (found.tags.contains(key)) {
    MARTLET_TRY(tracker.remove_tag(found.id, key));
  }
  return tracker.run(found.id);
}

}  // namespace martlet::lifecycle
