#include "tracking/logged_model.h"

#include "base/enum_name.h"
#include "base/text.h"
#include "metadata/database.h"
#include "metadata/filter.h"
#include "tracking/internal/name.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace martlet::tracking {

namespace {

using metadata::Comparator;
using metadata::Condition;
using metadata::equal;
using metadata::FilterClause;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::array<std::string_view, 3> kStatusNames{"pending", "ready", "upload_failed"};
constexpr std::string_view kParam = "param";
constexpr std::string_view kTag = "tag";

Result<void> check_name(const std::string& name) {
  if (is_name(name) && name.find_first_of("/:.%\"'") == std::string::npos) return {};
  return invalid_argument(fmt::format(
      "naming a logged model '{}': a name is 1 to {} characters without any of / : . % \" '",
      name.substr(0, 100), kMaxNameCharacters));
}

// By the rules for what runs log.
Result<void> check_texts(const Texts& params, const Texts& tags) {
  RunBatch batch;
  batch.params = params;
  batch.tags = tags;
  return check_batch(batch);
}

Result<LoggedModelRecord> require(const ReadTransaction& tx, const std::string& id,
                                  bool deleted_too = false) {
  MARTLET_TRY_SET(const std::optional<LoggedModelRecord> record, tx.get<LoggedModelRecord>(id));
  if (!record.has_value() || (record->lifecycle == Lifecycle::Deleted && !deleted_too))
    return not_found(fmt::format("Logged model with ID '{}' not found.", id.substr(0, 100)));
  return *record;
}

Result<LoggedModel> load(const ReadTransaction& tx, LoggedModelRecord record) {
  LoggedModel model;
  model.id = record.id;
  model.experiment = record.experiment;
  model.name = std::move(record.name);
  model.type = std::move(record.type);
  model.source_run = record.source_run;
  model.creator = std::move(record.creator);
  model.status = record.status;
  model.status_message = std::move(record.status_message);
  model.lifecycle = record.lifecycle;
  model.created = record.created;
  model.updated = record.updated;
  const Condition of_model = equal("model", model.id);
  MARTLET_TRY_SET(std::vector<LoggedModelTextRecord> texts,
                  tx.select<LoggedModelTextRecord>(of_model));
  for (LoggedModelTextRecord& text : texts)
    (text.kind == kParam ? model.params : model.tags)[text.key] = std::move(text.value);
  MARTLET_TRY_SET(const std::vector<LoggedModelMetricRecord> metrics,
                  tx.select<LoggedModelMetricRecord>(of_model));
  for (const LoggedModelMetricRecord& metric : metrics) {
    model.metrics.push_back({{model.id,
                              {metric.key, metric.value, metric.step, metric.at},
                              metric.dataset_name,
                              metric.dataset_digest},
                             metric.run});
  }
  return model;
}

Result<void> put_texts(Transaction& tx, const std::string& model, std::string_view kind,
                       const Texts& texts) {
  for (const auto& [key, value] : texts)
    MARTLET_TRY(tx.put(LoggedModelTextRecord{model, std::string(kind), key, value}));
  return {};
}

Result<void> touch(Transaction& tx, LoggedModelRecord& record, Timestamp now) {
  record.updated = now;
  return tx.update(record);
}

// --- searching

struct Attribute {
  std::string_view name;
  std::string_view column;
  bool time = false;
};
constexpr std::array kAttributes{Attribute{"name", "name"},
                                 Attribute{"model_id", "id"},
                                 Attribute{"id", "id"},
                                 Attribute{"model_type", "type"},
                                 Attribute{"status", "status"},
                                 Attribute{"source_run_id", "source_run"},
                                 Attribute{"experiment_id", "experiment"},
                                 Attribute{"creation_timestamp", "created", true},
                                 Attribute{"creation_timestamp_ms", "created", true},
                                 Attribute{"creation_time", "created", true},
                                 Attribute{"last_updated_timestamp", "updated", true},
                                 Attribute{"last_updated_timestamp_ms", "updated", true},
                                 Attribute{"last_updated_time", "updated", true}};

Result<const Attribute*> attribute_of(const std::string& key) {
  for (const Attribute& attribute : kAttributes)
    if (attribute.name == key) return &attribute;
  return invalid_argument(fmt::format(
      "Invalid attribute key '{}': logged models have name, model_id, model_type, status, "
      "source_run_id, experiment_id, creation_timestamp and last_updated_timestamp",
      key));
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

Condition on_datasets(const LoggedModelSearch& search) {
  std::vector<Condition> any;
  for (const auto& [name, digest] : search.datasets) {
    Condition one = equal("dataset_name", name);
    any.push_back(digest.empty() ? std::move(one)
                                 : std::move(one) && equal("dataset_digest", digest));
  }
  return any.empty() ? Condition{} : metadata::any_of(std::move(any));
}

// An instant is kept in microseconds and compared in milliseconds.
Result<Condition> time_condition(const FilterClause& clause, const std::string& column) {
  MARTLET_TRY_SET(const std::int64_t millis, metadata::filter_integer(clause));
  constexpr std::int64_t kMost = 9'000'000'000'000'000;  // beyond any instant
  const Timestamp from{std::clamp(millis, -kMost, kMost) * 1000};
  const Timestamp next{from.micros + 1000};
  switch (clause.comparator) {
    case Comparator::Equal: return metadata::at_least(column, from) && metadata::less(column, next);
    case Comparator::NotEqual:
      return metadata::less(column, from) || metadata::at_least(column, next);
    case Comparator::Less: return metadata::less(column, from);
    case Comparator::AtMost: return metadata::less(column, next);
    case Comparator::Greater: return metadata::at_least(column, next);
    case Comparator::AtLeast: return metadata::at_least(column, from);
    default: return metadata::integer_condition(clause, column);  // says what fits
  }
}

Result<Condition> condition_of(const FilterClause& clause, const LoggedModelSearch& search) {
  const std::string& entity = clause.name.entity;
  if (is_any_of(entity, {"metric", "metrics"})) {
    MARTLET_TRY_SET(Condition value, metadata::number_condition(clause, "value"));
    if (clause.comparator == Comparator::NotEqual)
      value = std::move(value) || metadata::is_null("value");
    return metadata::exists(metadata::related<LoggedModelMetricRecord>({{"model", "id"}}),
                            equal("key", clause.name.key) && std::move(value) &&
                                on_datasets(search));
  }
  const bool param = is_any_of(entity, {"param", "params", "parameter", "parameters"});
  if (param || is_any_of(entity, {"tag", "tags"})) {
    Condition own =
        equal("kind", std::string(param ? kParam : kTag)) && equal("key", clause.name.key);
    const bool absent = clause.comparator == Comparator::IsNull;
    if (!absent && clause.comparator != Comparator::IsNotNull) {
      MARTLET_TRY_SET(Condition value, metadata::text_condition(clause, "value"));
      own = std::move(own) && std::move(value);
    }
    Condition there = metadata::exists(metadata::related<LoggedModelTextRecord>({{"model", "id"}}),
                                       std::move(own));
    return absent ? metadata::negate(std::move(there)) : there;
  }
  if (!entity.empty() && !is_any_of(entity, {"attribute", "attributes", "attr"})) {
    return invalid_argument(fmt::format("Invalid entity type '{}' in filter clause '{}': use "
                                        "attributes, metrics, params or tags",
                                        entity, clause.text));
  }
  MARTLET_TRY_SET(const Attribute* attribute, attribute_of(clause.name.key));
  const std::string column(attribute->column);
  if (attribute->time) return time_condition(clause, column);
  if (column != "status") return metadata::text_condition(clause, column);
  FilterClause lower = clause;  // stored in lower case
  for (metadata::FilterValue& value : lower.values) {
    value.text = lower_ascii(value.text);
    if (value.text.starts_with("logged_model_")) value.text = value.text.substr(13);
  }
  return metadata::text_condition(lower, column);
}

// What one term orders a model by; absent values come last.
struct SortKey {
  bool present = false;
  bool is_number = false;
  double number = 0;
  std::string text;
};

Result<SortKey> key_of(const LoggedModel& model, const LoggedModelOrder& order) {
  const std::size_t dot = order.field.find('.');
  std::string entity = dot == std::string::npos ? "" : order.field.substr(0, dot);
  std::string key = dot == std::string::npos ? order.field : order.field.substr(dot + 1);
  if (key.size() >= 2 && (key.front() == '`' || key.front() == '"') && key.back() == key.front())
    key = key.substr(1, key.size() - 2);
  SortKey found;
  if (is_any_of(entity, {"metric", "metrics"})) {
    for (const LoggedModelMetric& one : model.metrics) {
      const ModelMetric& metric = one.measured;
      if (metric.metric.key != key ||
          (!order.dataset_name.empty() && metric.dataset_name != order.dataset_name) ||
          (!order.dataset_digest.empty() && metric.dataset_digest != order.dataset_digest))
        continue;
      if (std::isnan(metric.metric.value)) continue;
      found = {true, true, metric.metric.value, ""};
    }
    return found;
  }
  if (is_any_of(entity, {"param", "params", "tag", "tags"})) {
    const Texts& texts = entity.starts_with('p') ? model.params : model.tags;
    const auto text = texts.find(key);
    if (text != texts.end()) found = {true, false, 0, text->second};
    return found;
  }
  if (!entity.empty() && !is_any_of(entity, {"attribute", "attributes", "attr"}))
    return invalid_argument(fmt::format("Invalid order_by field '{}'", order.field));
  MARTLET_TRY_SET(const Attribute* attribute, attribute_of(key));
  found.present = true;
  if (attribute->time) {
    found.is_number = true;
    found.number = static_cast<double>(
        (attribute->column == "created" ? model.created : model.updated).micros);
    return found;
  }
  if (attribute->column == "name") found.text = model.name;
  if (attribute->column == "id") found.text = model.id;
  if (attribute->column == "type") found.text = model.type;
  if (attribute->column == "status") found.text = std::string(name_of(model.status));
  if (attribute->column == "source_run") found.text = model.source_run.text();
  if (attribute->column == "experiment") found.text = model.experiment.text();
  return found;
}

// Negative: a before b.
int compare(const SortKey& a, const SortKey& b, bool ascending) {
  if (!a.present || !b.present) return a.present == b.present ? 0 : (a.present ? -1 : 1);
  int order = 0;
  if (a.is_number) {
    order = a.number < b.number ? -1 : (a.number > b.number ? 1 : 0);
  } else {
    order = a.text < b.text ? -1 : (a.text > b.text ? 1 : 0);
  }
  return ascending ? order : -order;
}

Result<std::vector<LoggedModel>> sorted(std::vector<LoggedModel> models,
                                        const LoggedModelSearch& search) {
  struct Keyed {
    std::vector<SortKey> keys;
    LoggedModel model;
  };
  std::vector<Keyed> keyed;
  for (LoggedModel& model : models) {
    Keyed one;
    for (const LoggedModelOrder& order : search.order_by) {
      MARTLET_TRY_SET(SortKey key, key_of(model, order));
      one.keys.push_back(std::move(key));
    }
    one.model = std::move(model);
    keyed.push_back(std::move(one));
  }
  std::sort(keyed.begin(), keyed.end(), [&](const Keyed& a, const Keyed& b) {
    for (std::size_t i = 0; i < a.keys.size(); ++i) {
      const int order = compare(a.keys[i], b.keys[i], search.order_by[i].ascending);
      if (order != 0) return order < 0;
    }
    if (a.model.created != b.model.created) return a.model.created > b.model.created;
    return a.model.id < b.model.id;
  });
  std::vector<LoggedModel> result;
  for (Keyed& one : keyed) result.push_back(std::move(one.model));
  return result;
}

}  // namespace

std::string_view name_of(LoggedModelStatus status) { return enum_name(kStatusNames, status); }
bool parse_name(std::string_view text, LoggedModelStatus& status) {
  return find_enum(kStatusNames, text, status);
}

std::string LoggedModels::fresh_id() {
  const std::unique_lock lock(mutex_);
  return "m-" + new_id(clock_, random_);
}

Result<LoggedModel> LoggedModels::create(const NewLoggedModel& request,
                                         const metadata::Also<LoggedModel>& also) {
  MARTLET_TRY(check_texts(request.params, request.tags));
  LoggedModelRecord record;
  record.id = fresh_id();
  record.experiment = request.experiment;
  record.name =
      request.name.empty() ? "model-" + record.id.substr(record.id.size() - 8) : request.name;
  MARTLET_TRY(check_name(record.name));
  record.type = request.type;
  record.source_run = request.source_run;
  record.creator = request.creator;
  record.created = record.updated = clock_.now();
  return database_.write([&](Transaction& tx) -> Result<LoggedModel> {
    MARTLET_TRY_SET(const ExperimentRecord experiment,
                    tx.require<ExperimentRecord>("experiment", request.experiment));
    if (experiment.lifecycle == Lifecycle::Deleted) {
      return invalid_argument(fmt::format(
          "experiment {} is deleted and takes no models; restore it first", experiment.id.text()));
    }
    if (!request.source_run.empty()) MARTLET_TRY(tx.require<RunRecord>("run", request.source_run));
    MARTLET_TRY(tx.insert(record));
    MARTLET_TRY(put_texts(tx, record.id, kParam, request.params));
    MARTLET_TRY(put_texts(tx, record.id, kTag, request.tags));
    return metadata::with(tx, load(tx, record), also);
  });
}

Result<LoggedModel> LoggedModels::model(const std::string& id, bool deleted_too) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<LoggedModel> {
    MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id, deleted_too));
    return load(tx, std::move(record));
  });
}

Result<LoggedModel> LoggedModels::set_status(const std::string& id, LoggedModelStatus status,
                                             const std::string& message) {
  return database_.write([&](Transaction& tx) -> Result<LoggedModel> {
    MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id));
    record.status = status;
    record.status_message = message;
    MARTLET_TRY(touch(tx, record, clock_.now()));
    return load(tx, std::move(record));
  });
}

Result<LoggedModel> LoggedModels::model(const ReadTransaction& tx, const std::string& id) {
  MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id));
  return load(tx, std::move(record));
}

Result<LoggedModel> LoggedModels::set_tags(const std::string& id, const Texts& tags) {
  return database_.write([&](Transaction& tx) { return set_tags(tx, id, tags); });
}

Result<LoggedModel> LoggedModels::set_tags(Transaction& tx, const std::string& id,
                                           const Texts& tags) {
  MARTLET_TRY(check_texts({}, tags));
  MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id));
  MARTLET_TRY(put_texts(tx, id, kTag, tags));
  MARTLET_TRY(touch(tx, record, clock_.now()));
  return load(tx, std::move(record));
}

Result<void> LoggedModels::remove_tag(const std::string& id, const std::string& key) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id));
    MARTLET_TRY_SET(const bool removed, tx.remove<LoggedModelTextRecord>(id, kTag, key));
    if (!removed) return not_found(fmt::format("logged model {} has no tag \"{}\"", id, key));
    return touch(tx, record, clock_.now());
  });
}

Result<void> LoggedModels::add_params(const std::string& id, const Texts& params) {
  MARTLET_TRY(check_texts(params, {}));
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id));
    for (const auto& [key, value] : params) {
      LoggedModelTextRecord param{id, std::string(kParam), key, value};
      MARTLET_TRY_SET(const bool fresh, tx.insert_if_absent(param));
      if (fresh) continue;
      MARTLET_TRY_SET(const LoggedModelTextRecord kept,
                      tx.require<LoggedModelTextRecord>("param", id, kParam, key));
      if (kept.value != value) {
        return invalid_argument(fmt::format(
            "changing param \"{}\" of logged model {} from \"{}\" to \"{}\": params are "
            "never changed",
            key, id, kept.value, value));
      }
    }
    return touch(tx, record, clock_.now());
  });
}

Result<void> LoggedModels::remove(const std::string& id) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(LoggedModelRecord record, require(tx, id));
    record.lifecycle = Lifecycle::Deleted;
    return touch(tx, record, clock_.now());
  });
}

Result<LoggedModelPage> LoggedModels::search(const LoggedModelSearch& search) const {
  if (search.limit < 0 || search.offset < 0)
    return invalid_argument("a search's limit and page can't be negative");
  std::vector<Condition> parts{equal("lifecycle", Lifecycle::Active)};
  if (!search.experiments.empty()) parts.push_back(metadata::in("experiment", search.experiments));
  MARTLET_TRY_SET(const std::vector<FilterClause> clauses, metadata::parse_filter(search.filter));
  for (const FilterClause& clause : clauses) {
    MARTLET_TRY_SET(Condition condition, condition_of(clause, search));
    parts.push_back(std::move(condition));
  }
  Query query(metadata::all_of(std::move(parts)));
  const bool database_orders = search.order_by.empty();
  if (database_orders) {
    query.order_by("created", metadata::Order::Descending).order_by("id");
    query.offset(search.offset).limit(search.limit + 1);
  }
  return database_.read([&](const ReadTransaction& tx) -> Result<LoggedModelPage> {
    MARTLET_TRY_SET(std::vector<LoggedModelRecord> records, tx.select<LoggedModelRecord>(query));
    std::vector<LoggedModel> models;
    for (LoggedModelRecord& record : records) {
      MARTLET_TRY_SET(LoggedModel model, load(tx, std::move(record)));
      models.push_back(std::move(model));
    }
    if (!database_orders) {
      MARTLET_TRY_SET(models, sorted(std::move(models), search));
      const auto skipped = std::min<std::int64_t>(search.offset, std::ssize(models));
      models.erase(models.begin(), models.begin() + skipped);
    }
    LoggedModelPage page;
    page.more = std::ssize(models) > search.limit;
    if (page.more) models.erase(models.begin() + search.limit, models.end());
    page.models = std::move(models);
    return page;
  });
}

Result<void> LoggedModels::log(Transaction& tx, const RunId& run, const ModelMetric& measured) {
  MARTLET_TRY(require(tx, measured.model));
  const Metric& point = measured.metric;
  MARTLET_TRY_SET(const std::optional<LoggedModelMetricRecord> kept,
                  tx.get<LoggedModelMetricRecord>(measured.model, point.key, measured.dataset_name,
                                                  measured.dataset_digest));
  if (kept.has_value() && !is_later(point, {point.key, kept->value, kept->step, kept->at}))
    return {};
  return tx.put(LoggedModelMetricRecord{measured.model, point.key, measured.dataset_name,
                                        measured.dataset_digest, point.value, point.step, point.at,
                                        run});
}

}  // namespace martlet::tracking
