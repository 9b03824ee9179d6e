#include "data/dataset_version.h"

#include "data/internal/row_groups.h"
#include "data/profile.h"

#include <algorithm>

namespace martlet::data {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Schema;
using columns::Type;

namespace {

constexpr std::size_t kLongText = 64;

bool less(const Cell& a, const Cell& b) {
  if (a.type == Type::Text) return a.text < b.text;
  if (a.type == Type::Double) return a.number < b.number;
  if (a.type == Type::Bool) return static_cast<int>(a.boolean) < static_cast<int>(b.boolean);
  return a.integer < b.integer;
}

Json bound(const Cell& cell) {
  if (cell.type == Type::Text && cell.text.size() > kLongText) return nullptr;
  return columns::to_json(cell);
}

Result<Digest> digest_member(const Json& json, std::string_view subject) {
  MARTLET_TRY_SET(const std::string text, text_member(json, "digest", subject));
  return Digest::parse(text);
}

Json sizes(const Json& before, const Json& after) { return Json::array({before, after}); }

Json statistics_of_both(const Batch& before, const Batch& after) {
  Json all = Json::array();
  for (std::size_t c = 0; c < before.width(); ++c) {
    const auto& field = before.schema()[c];
    const auto other = after.schema().find(field.name);
    if (!other || after.schema()[*other].type != field.type) continue;
    const Json a = to_json(profile_column(field.name, before.column(c)));
    const Json b = to_json(profile_column(field.name, after.column(*other)));
    Json one{{"column", field.name}};
    for (const char* figure : {"nulls", "distinct", "min", "max", "mean", "stddev", "p50", "top"})
      one[figure] = sizes(a[figure], b[figure]);
    all.push_back(std::move(one));
  }
  return all;
}

// The key columns of both tables, one below the other, so that equal keys can be found in one go.
Result<std::vector<Column>> joint_key(const Batch& before, const Batch& after,
                                      std::span<const std::string> key) {
  std::vector<std::string> names(key.begin(), key.end());
  MARTLET_TRY_SET(const Batch a, before.select(names));
  MARTLET_TRY_SET(const Batch b, after.select(names));
  if (a.schema() != b.schema())
    return invalid_argument(
        "the key has other types in the two versions, so their rows cannot be matched");
  MARTLET_TRY_SET(const Batch joint, a.append(b));
  return joint.columns();
}

Result<void> count_rows(const Batch& before, const Batch& after, std::span<const std::string> key,
                        TableDiff& diff) {
  MARTLET_TRY_SET(const auto joint, joint_key(before, after, key));
  const std::size_t split = before.rows();
  const auto first = first_equal_rows(joint, split + after.rows());
  std::vector<std::vector<std::uint32_t>> waiting(
      split + after.rows());  // rows of `before`, by the first row of their key
  for (std::size_t i = 0; i < split; ++i)
    waiting[first[i]].push_back(static_cast<std::uint32_t>(i));
  std::vector<std::size_t> used(waiting.size(), 0);
  std::vector<std::pair<const Column*, const Column*>> shared;
  for (std::size_t c = 0; c < before.width(); ++c) {
    const Column* other = after.find(before.schema()[c].name);
    if (other != nullptr && other->type() == before.column(c).type())
      shared.emplace_back(&before.column(c), other);
  }
  std::int64_t matched = 0;
  std::int64_t changed = 0;
  for (std::size_t i = 0; i < after.rows(); ++i) {
    const std::size_t group = first[split + i];
    if (used[group] >= waiting[group].size()) continue;
    const std::uint32_t old = waiting[group][used[group]++];
    ++matched;
    changed += std::any_of(shared.begin(), shared.end(), [&](const auto& pair) {
      return !pair.first->cell(old).same_as(pair.second->cell(i));
    });
  }
  diff.rows_added = diff.rows_after - matched;
  diff.rows_removed = diff.rows_before - matched;
  diff.rows_changed = changed;
  return {};
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

std::int64_t DatasetVersion::rows() const {
  std::int64_t rows = 0;
  for (const auto& part : parts) rows += part.rows;
  return rows;
}

std::string DatasetVersion::name() const { return fmt::format("{}@v{}", dataset, number); }

std::string identity_text(const Schema& schema, std::span<const DatasetPart> parts) {
  Json digests = Json::array();
  for (const auto& part : parts) digests.push_back(part.digest.text());
  return canonical_json({{"parts", std::move(digests)}, {"schema", schema.to_json()}});
}

Digest digest_of_version(const Schema& schema, std::span<const DatasetPart> parts) {
  return martlet::digest_of(std::string_view(identity_text(schema, parts)));
}

Json part_statistics(const Batch& rows) {
  Json all = Json::object();
  for (std::size_t c = 0; c < rows.width(); ++c) {
    const Column& column = rows.column(c);
    std::optional<Cell> low;
    std::optional<Cell> high;
    for (std::size_t i = 0; i < column.size(); ++i) {
      if (column.is_missing(i)) continue;
      const Cell cell = column.cell(i);
      if (cell.type == Type::Double && cell.number != cell.number) continue;
      if (!low || less(cell, *low)) low = cell;
      if (!high || less(*high, cell)) high = cell;
    }
    all[rows.schema()[c].name] = {{"nulls", column.missing_count()},
                                  {"min", low ? bound(*low) : Json(nullptr)},
                                  {"max", high ? bound(*high) : Json(nullptr)}};
  }
  return all;
}

Json to_json(const DatasetPart& part) {
  return {{"digest", part.digest.text()},
          {"rows", part.rows},
          {"size_bytes", part.size_bytes},
          {"statistics", part.statistics}};
}

Json to_json(const Provenance& provenance) {
  Json parents = Json::array();
  for (const auto& parent : provenance.parents) {
    parents.push_back(
        {{"dataset", parent.dataset}, {"number", parent.number}, {"digest", parent.digest.text()}});
  }
  Json files = Json::array();
  for (const auto& file : provenance.files) files.push_back(to_json(file));
  return {{"parents", std::move(parents)},
          {"files", std::move(files)},
          {"sql", provenance.sql},
          {"ledger", provenance.ledger},
          {"expectations", provenance.expectations},
          {"rows_read", provenance.rows_read},
          {"quarantine", provenance.quarantine ? to_json(*provenance.quarantine) : Json(nullptr)},
          {"engine", provenance.engine}};
}

Json to_json(const DatasetVersion& version) {
  Json parts = Json::array();
  for (const auto& part : version.parts) parts.push_back(to_json(part));
  return {{"dataset", version.dataset},
          {"number", version.number},
          {"name", version.name()},
          {"digest", version.digest.text()},
          {"rows", version.rows()},
          {"schema", version.schema.to_json()},
          {"parts", std::move(parts)},
          {"created", to_text(version.created)},
          {"provenance", to_json(version.provenance)}};
}

Result<DatasetPart> part_from_json(const Json& json) {
  DatasetPart part;
  MARTLET_TRY_SET(part.digest, digest_member(json, "a part of a dataset version"));
  MARTLET_TRY_SET(part.rows, integer_member(json, "rows", "a part of a dataset version"));
  MARTLET_TRY_SET(part.size_bytes,
                  integer_member(json, "size_bytes", "a part of a dataset version"));
  if (const auto at = json.find("statistics"); at != json.end()) part.statistics = *at;
  return part;
}

Result<Provenance> provenance_from_json(const Json& json) {
  constexpr std::string_view kSubject = "the provenance of a dataset version";
  Provenance provenance;
  MARTLET_TRY_SET(const Json* parents, member(json, "parents", kSubject));
  for (const Json& one : *parents) {
    ParentVersion parent;
    MARTLET_TRY_SET(parent.dataset, text_member(one, "dataset", kSubject));
    MARTLET_TRY_SET(parent.number, integer_member(one, "number", kSubject));
    MARTLET_TRY_SET(parent.digest, digest_member(one, kSubject));
    provenance.parents.push_back(std::move(parent));
  }
  MARTLET_TRY_SET(const Json* files, member(json, "files", kSubject));
  for (const Json& one : *files) {
    SourceFile file;
    MARTLET_TRY_SET(file.source, text_member(one, "source", kSubject));
    MARTLET_TRY_SET(file.path, text_member(one, "path", kSubject));
    MARTLET_TRY_SET(const std::int64_t size, integer_member(one, "size_bytes", kSubject));
    file.size_bytes = static_cast<std::uint64_t>(size);
    MARTLET_TRY_SET(file.digest, digest_member(one, kSubject));
    provenance.files.push_back(std::move(file));
  }
  MARTLET_TRY_SET(provenance.sql, text_member(json, "sql", kSubject));
  MARTLET_TRY_SET(const Json* ledger, member(json, "ledger", kSubject));
  provenance.ledger = *ledger;
  MARTLET_TRY_SET(const Json* expectations, member(json, "expectations", kSubject));
  provenance.expectations = *expectations;
  MARTLET_TRY_SET(provenance.rows_read, integer_member(json, "rows_read", kSubject));
  if (const auto at = json.find("quarantine"); at != json.end() && !at->is_null()) {
    MARTLET_TRY_SET(provenance.quarantine, part_from_json(*at));
  }
  MARTLET_TRY_SET(provenance.engine, text_member(json, "engine", kSubject));
  return provenance;
}

Result<DatasetVersion> version_from_json(const Json& json) {
  constexpr std::string_view kSubject = "a dataset version";
  DatasetVersion version;
  MARTLET_TRY_SET(version.dataset, text_member(json, "dataset", kSubject));
  MARTLET_TRY_SET(version.number, integer_member(json, "number", kSubject));
  MARTLET_TRY_SET(version.digest, digest_member(json, kSubject));
  MARTLET_TRY_SET(const Json* schema, member(json, "schema", kSubject));
  MARTLET_TRY_SET(version.schema, Schema::from_json(*schema));
  MARTLET_TRY_SET(const Json* parts, member(json, "parts", kSubject));
  for (const Json& one : *parts) {
    MARTLET_TRY_SET(DatasetPart part, part_from_json(one));
    version.parts.push_back(std::move(part));
  }
  MARTLET_TRY_SET(const std::string created, text_member(json, "created", kSubject));
  MARTLET_TRY_SET(version.created, parse_timestamp_utc(created));
  MARTLET_TRY_SET(const Json* provenance, member(json, "provenance", kSubject));
  MARTLET_TRY_SET(version.provenance, provenance_from_json(*provenance));
  if (digest_of_version(version.schema, version.parts) != version.digest) {
    return corrupt(fmt::format(
        "dataset version {} is not what its digest {} says; restore the store from a backup",
        version.name(), version.digest.short_text()));
  }
  return version;
}

Result<TableDiff> diff_tables(const Batch& before, const Batch& after,
                              std::span<const std::string> key) {
  TableDiff diff;
  diff.rows_before = static_cast<std::int64_t>(before.rows());
  diff.rows_after = static_cast<std::int64_t>(after.rows());
  for (const auto& field : before.schema().fields()) {
    const auto other = after.schema().find(field.name);
    if (!other) {
      diff.columns_removed.push_back(field);
    } else if (after.schema()[*other].type != field.type) {
      diff.types_changed.push_back({field.name, field.type, after.schema()[*other].type});
    }
  }
  for (const auto& field : after.schema().fields()) {
    if (!before.schema().find(field.name)) diff.columns_added.push_back(field);
  }
  if (!key.empty()) MARTLET_TRY(count_rows(before, after, key, diff));
  diff.statistics = statistics_of_both(before, after);
  return diff;
}

Json to_json(const VersionDiff& diff) {
  const auto fields = [](const std::vector<columns::Field>& list) {
    return Schema(list).to_json();
  };
  Json types = Json::array();
  for (const auto& change : diff.table.types_changed) {
    types.push_back({{"column", change.column},
                     {"before", columns::name_of(change.before)},
                     {"after", columns::name_of(change.after)}});
  }
  return {
      {"before", diff.before},
      {"after", diff.after},
      {"parts",
       {{"before", diff.parts_before}, {"after", diff.parts_after}, {"shared", diff.parts_shared}}},
      {"schema",
       {{"added", fields(diff.table.columns_added)},
        {"removed", fields(diff.table.columns_removed)},
        {"changed", std::move(types)}}},
      {"rows",
       {{"before", diff.table.rows_before},
        {"after", diff.table.rows_after},
        {"added", optional_json(diff.table.rows_added)},
        {"removed", optional_json(diff.table.rows_removed)},
        {"changed", optional_json(diff.table.rows_changed)}}},
      {"columns", diff.table.statistics}};
}

}  // namespace martlet::data
