#include "data/cleaning.h"

#include "base/text.h"
#include "data/internal/row_groups.h"

#include <algorithm>
#include <cmath>

namespace martlet::data {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Row;
using columns::Schema;
using columns::Type;

namespace {

constexpr std::size_t kExamples = 5;

std::vector<std::string> column_names(YamlObject& read) {
  if (auto several = read.texts("columns")) return *several;
  return {read.required_text("column")};
}

void parse_drop_duplicates(const Yaml& node, std::vector<Finding>& findings,
                           std::vector<CleaningStep>& steps) {
  YamlObject read(node, findings);
  DropDuplicates step;
  step.key = read.texts("key").value_or(std::vector<std::string>{});
  if (const auto keep = read.one_of("keep", {"first", "last"}))
    step.keep = *keep == "last" ? Keep::Last : Keep::First;
  read.finish();
  steps.emplace_back(std::move(step));
}

void parse_normalise(const Yaml& node, std::vector<Finding>& findings,
                     std::vector<CleaningStep>& steps) {
  YamlObject read(node, findings);
  Normalise step;
  const auto columns = column_names(read);
  step.trim = read.boolean("trim").value_or(false);
  if (const auto word = read.one_of("case", {"upper", "lower", "keep"})) {
    step.letter_case = *word == "upper"   ? LetterCase::Upper
                       : *word == "lower" ? LetterCase::Lower
                                          : LetterCase::Keep;
  }
  if (const Yaml* map = read.child("map")) {
    if (!map->is_map())
      findings.push_back(
          map->finding("wrong_type", "expected a map from a spelling to its replacement"));
    for (const auto& [from, to] : map->entries()) {
      step.map.emplace_back(from, to.is_null() ? std::string() : to.as_text(findings).value_or(""));
    }
  }
  read.finish();
  if (!step.trim && step.letter_case == LetterCase::Keep && step.map.empty()) {
    findings.push_back(node.finding("missing", "it changes nothing; give trim, case or map"));
  }
  for (const auto& column : columns) {
    step.column = column;
    steps.emplace_back(step);
  }
}

void parse_fill(const Yaml& node, std::vector<Finding>& findings,
                std::vector<CleaningStep>& steps) {
  YamlObject read(node, findings);
  Fill step;
  const auto columns = column_names(read);
  const auto with = read.one_of("with", {"median", "mean", "mode", "value"});
  const auto value = read.text("value");
  read.finish();
  if (value) {
    if (with && *with != "value")
      read.report("value", "contradiction", "give either with: " + *with + " or a value");
    step.with = FillWith::Value;
    step.value = *value;
  } else if (!with) {
    read.report("with", "missing", "it is required: median, mean, mode, or a value");
  } else if (*with == "value") {
    read.report("value", "missing", "it is required when filling with a value");
  } else {
    step.with = *with == "median" ? FillWith::Median
                : *with == "mean" ? FillWith::Mean
                                  : FillWith::Mode;
  }
  for (const auto& column : columns) {
    step.column = column;
    steps.emplace_back(step);
  }
}

void parse_bounds(const Yaml& list, Clip& step, std::vector<Finding>& findings) {
  if (!list.is_sequence() || list.items().size() != 2) {
    findings.push_back(list.finding("wrong_type", "expected two numbers: [low, high]"));
    return;
  }
  const auto bound = [&](const Yaml& node) -> std::optional<double> {
    return node.is_null() ? std::nullopt : node.as_number(findings);
  };
  step.low = bound(list.items()[0]);
  step.high = bound(list.items()[1]);
  if (step.low && step.high && *step.low > *step.high) {
    findings.push_back(list.finding("out_of_range", "the low bound is above the high one"));
  }
  if (step.at != ClipAt::Quantiles) return;
  for (const auto& share : {step.low, step.high}) {
    if (!share || *share < 0 || *share > 1) {
      findings.push_back(list.finding("out_of_range", "quantiles lie between 0 and 1"));
      return;
    }
  }
}

void parse_clip(const Yaml& node, std::vector<Finding>& findings,
                std::vector<CleaningStep>& steps) {
  YamlObject read(node, findings);
  Clip step;
  const auto columns = column_names(read);
  const Yaml* quantiles = read.child("quantiles");
  const Yaml* range = read.child("range");
  read.finish();
  if ((quantiles == nullptr) == (range == nullptr)) {
    findings.push_back(
        node.finding("missing", "give either quantiles: [low, high] or range: [low, high]"));
    return;
  }
  step.at = quantiles != nullptr ? ClipAt::Quantiles : ClipAt::Range;
  parse_bounds(quantiles != nullptr ? *quantiles : *range, step, findings);
  for (const auto& column : columns) {
    step.column = column;
    steps.emplace_back(step);
  }
}

const std::vector<std::string> kSteps{"drop_duplicates", "normalise", "fill", "clip"};

Json bound_json(const std::optional<double>& bound) { return bound ? Json(*bound) : Json(nullptr); }

struct ToJson {
  Json operator()(const DropDuplicates& step) const {
    return {{"drop_duplicates",
             {{"key", step.key}, {"keep", step.keep == Keep::Last ? "last" : "first"}}}};
  }
  Json operator()(const Normalise& step) const {
    Json body{{"column", step.column}};
    if (step.trim) body["trim"] = true;
    if (step.letter_case != LetterCase::Keep)
      body["case"] = step.letter_case == LetterCase::Upper ? "upper" : "lower";
    for (const auto& [from, to] : step.map) body["map"][from] = to;
    return {{"normalise", std::move(body)}};
  }
  Json operator()(const Fill& step) const {
    static constexpr const char* kWords[] = {"median", "mean", "mode", "value"};
    Json body{{"column", step.column}, {"with", kWords[static_cast<std::size_t>(step.with)]}};
    if (step.with == FillWith::Value) body["value"] = step.value;
    return {{"fill", std::move(body)}};
  }
  Json operator()(const Clip& step) const {
    return {{"clip",
             {{"column", step.column},
              {step.at == ClipAt::Quantiles ? "quantiles" : "range",
               {bound_json(step.low), bound_json(step.high)}}}}};
  }
};

void need_column(const std::string& name, const Schema& schema, std::vector<Finding>& findings) {
  if (!schema.find(name)) {
    findings.push_back(
        {name, "unknown_column",
         fmt::format("there is no column \"{}\"{}", name, did_you_mean(name, schema.names())), "",
         0, 0});
  }
}

// Whether the steps suit the schema.
void check_steps(std::span<const CleaningStep> steps, const Schema& schema, const Zone& zone,
                 std::vector<Finding>& findings) {
  const auto wrong = [&](const std::string& column, std::string message) {
    findings.push_back({column, "wrong_type", std::move(message), "", 0, 0});
  };
  for (const CleaningStep& step : steps) {
    if (const auto* drop = std::get_if<DropDuplicates>(&step)) {
      for (const auto& name : drop->key) need_column(name, schema, findings);
      continue;
    }
    const std::string& name = std::visit(
        [](const auto& s) -> const std::string& {
          if constexpr (requires { s.column; }) return s.column;
          static const std::string none;
          return none;
        },
        step);
    const auto at = schema.find(name);
    if (!at) {
      need_column(name, schema, findings);
      continue;
    }
    const Type type = schema[*at].type;
    if (std::holds_alternative<Normalise>(step) && type != Type::Text) {
      wrong(name, fmt::format("only texts can be normalised, but \"{}\" is of type {}", name,
                              columns::name_of(type)));
    }
    if (std::holds_alternative<Clip>(step) && !columns::is_numeric(type)) {
      wrong(name, fmt::format("only numbers can be clipped, but \"{}\" is of type {}", name,
                              columns::name_of(type)));
    }
    if (const auto* fill = std::get_if<Fill>(&step)) {
      if (fill->with == FillWith::Value) {
        const auto cell = columns::cell_from_text(fill->value, type, zone);
        if (!cell.has_value())
          wrong(name, fmt::format("the value to fill in: {}", cell.error().message()));
      } else if (fill->with != FillWith::Mode && !columns::is_numeric(type)) {
        wrong(name, fmt::format("a median or mean needs numbers, but \"{}\" is of type {}; fill "
                                "with the mode or a value",
                                name, columns::name_of(type)));
      }
    }
  }
}

Batch drop(const Batch& batch, const DropDuplicates& step, LedgerEntry& entry) {
  std::vector<Column> key;
  for (const auto& name : step.key) key.push_back(*batch.find(name));
  if (step.key.empty()) key = batch.columns();
  const auto first = first_equal_rows(key, batch.rows());
  std::vector<std::uint8_t> keep(batch.rows(), 1);
  std::vector<std::uint32_t> latest(batch.rows());
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    if (first[i] == i) {
      latest[i] = static_cast<std::uint32_t>(i);
      continue;
    }
    std::uint32_t& kept = latest[first[i]];
    const auto row = static_cast<std::uint32_t>(i);
    const std::uint32_t removed = step.keep == Keep::First ? row : kept;
    if (step.keep == Keep::Last) kept = row;
    keep[removed] = 0;
    if (entry.examples.size() < kExamples) {
      Json values = Json::object();
      for (const auto& name : step.key)
        values[name] = columns::to_json(batch.find(name)->cell(removed));
      entry.examples.push_back({{"row", removed}, {"values", std::move(values)}});
    }
  }
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    if (keep[i] != 0) rows.push_back(static_cast<std::uint32_t>(i));
  }
  entry.rows_removed = static_cast<std::int64_t>(batch.rows() - rows.size());
  return entry.rows_removed == 0 ? batch : batch.take(rows);
}

}  // namespace

bool is_learnt(const CleaningStep& step) {
  if (const auto* fill = std::get_if<Fill>(&step)) return fill->with != FillWith::Value;
  if (const auto* clip = std::get_if<Clip>(&step)) return clip->at == ClipAt::Quantiles;
  return false;
}

bool is_row_step(const CleaningStep& step) {
  return !std::holds_alternative<DropDuplicates>(step) && !is_learnt(step);
}

std::vector<CleaningStep> learnt_steps(std::span<const CleaningStep> steps) {
  std::vector<CleaningStep> some;
  std::copy_if(steps.begin(), steps.end(), std::back_inserter(some), is_learnt);
  return some;
}

std::vector<CleaningStep> row_steps(std::span<const CleaningStep> steps) {
  std::vector<CleaningStep> some;
  std::copy_if(steps.begin(), steps.end(), std::back_inserter(some), is_row_step);
  return some;
}

std::vector<CleaningStep> parse_cleaning(const Yaml& list, std::vector<Finding>& findings) {
  std::vector<CleaningStep> steps;
  if (!list.is_sequence() && !list.is_null()) {
    findings.push_back(
        list.finding("wrong_type", "expected a list of cleaning steps: " + join(kSteps, ", ")));
  }
  for (const Yaml& item : list.items()) {
    if (!item.is_map() || item.entries().size() != 1) {
      findings.push_back(item.finding(
          "wrong_type",
          "expected one step, such as \"fill: {column: …, with: median}\"; known steps: " +
              join(kSteps, ", ")));
      continue;
    }
    const auto& [name, body] = item.entries().front();
    if (name == "drop_duplicates") {
      parse_drop_duplicates(body, findings, steps);
    } else if (name == "normalise") {
      parse_normalise(body, findings, steps);
    } else if (name == "fill") {
      parse_fill(body, findings, steps);
    } else if (name == "clip") {
      parse_clip(body, findings, steps);
    } else {
      const std::string guess = did_you_mean(name, kSteps);
      findings.push_back(body.finding(
          "unknown_key", "unknown cleaning step \"" + name + "\"" +
                             (guess.empty() ? "; known: " + join(kSteps, ", ") : guess)));
    }
  }
  return steps;
}

Json to_json(const CleaningStep& step) { return std::visit(ToJson{}, step); }

Json to_json(const LedgerEntry& entry) {
  Json json{{"step", to_json(entry.step)},
            {"rows_removed", entry.rows_removed},
            {"cells_changed", entry.cells_changed},
            {"examples", entry.examples}};
  if (entry.learnt) json["learnt"] = "on the training rows, by the feature program";
  return json;
}

Result<RowCleaner> RowCleaner::create(std::span<const CleaningStep> steps, const Schema& schema,
                                      const Zone& zone) {
  std::vector<Finding> findings;
  const auto own = row_steps(steps);
  check_steps(own, schema, zone, findings);
  if (!findings.empty())
    return invalid("the cleaning steps do not fit the columns", std::move(findings));
  RowCleaner cleaner;
  for (const CleaningStep& step : own) {
    Action action{.column = 0, .step = step, .value = Row(1)};
    const auto place = [&](const std::string& name) { action.column = *schema.find(name); };
    if (const auto* normalise = std::get_if<Normalise>(&step)) place(normalise->column);
    if (const auto* clip = std::get_if<Clip>(&step)) place(clip->column);
    if (const auto* fill = std::get_if<Fill>(&step)) {
      place(fill->column);
      MARTLET_TRY_SET(const Cell cell,
                      columns::cell_from_text(fill->value, schema[action.column].type, zone));
      action.value.set(0, cell);
    }
    cleaner.actions_.push_back(std::move(action));
  }
  return cleaner;
}

Cell RowCleaner::change(const Action& action, const Cell& cell, std::string& text) {
  if (std::holds_alternative<Fill>(action.step)) return cell.missing ? action.value[0] : cell;
  if (cell.missing) return cell;
  if (const auto* clip = std::get_if<Clip>(&action.step)) {
    if (cell.type == Type::Int64) {
      // Bounds round inwards, so that the result lies within them.
      std::int64_t value = cell.integer;
      if (clip->low && static_cast<double>(value) < *clip->low)
        value = static_cast<std::int64_t>(std::ceil(*clip->low));
      if (clip->high && static_cast<double>(value) > *clip->high)
        value = static_cast<std::int64_t>(std::floor(*clip->high));
      return Cell::of_int64(value);
    }
    double value = cell.number;
    if (clip->low && value < *clip->low) value = *clip->low;
    if (clip->high && value > *clip->high) value = *clip->high;
    return Cell::of_double(value);
  }
  const auto& normalise = std::get<Normalise>(action.step);
  std::string changed(normalise.trim ? trim(cell.text) : cell.text);
  if (normalise.letter_case == LetterCase::Upper) changed = upper_unicode(changed);
  if (normalise.letter_case == LetterCase::Lower) changed = lower_unicode(changed);
  for (const auto& [from, to] : normalise.map) {
    if (changed == from) {
      changed = to;
      break;
    }
  }
  if (changed.empty()) return Cell::none(Type::Text);
  text = std::move(changed);
  return Cell::of_text(text);
}

void RowCleaner::apply(Row& row) const {
  std::string text;
  for (const Action& action : actions_) {
    const Cell changed = change(action, row[action.column], text);
    if (!changed.same_as(row[action.column])) row.set(action.column, changed);
  }
}

Result<Cleaned> clean(const Batch& batch, std::span<const CleaningStep> steps, const Zone& zone) {
  std::vector<Finding> findings;
  check_steps(steps, batch.schema(), zone, findings);
  if (!findings.empty())
    return invalid("the cleaning steps do not fit the columns", std::move(findings));
  Cleaned out{.rows = batch, .ledger = {}};
  for (const CleaningStep& step : steps) {
    LedgerEntry entry{.step = step};
    entry.learnt = is_learnt(step);
    if (const auto* duplicates = std::get_if<DropDuplicates>(&step)) {
      out.rows = drop(out.rows, *duplicates, entry);
    } else if (!entry.learnt) {
      MARTLET_TRY_SET(const RowCleaner cleaner,
                      RowCleaner::create(std::span(&step, 1), out.rows.schema(), zone));
      const RowCleaner::Action& action = cleaner.actions_.front();
      const Column& column = out.rows.column(action.column);
      columns::ColumnBuilder builder(column.type());
      builder.reserve(column.size());
      std::string text;
      for (std::size_t i = 0; i < column.size(); ++i) {
        const Cell before = column.cell(i);
        const Cell after = RowCleaner::change(action, before, text);
        builder.push(after);
        if (after.same_as(before)) continue;
        ++entry.cells_changed;
        if (entry.examples.size() < kExamples) {
          entry.examples.push_back(
              {{"row", i}, {"from", columns::to_json(before)}, {"to", columns::to_json(after)}});
        }
      }
      if (entry.cells_changed > 0)
        out.rows = out.rows.with(out.rows.schema()[action.column].name, builder.finish());
    }
    out.ledger.push_back(std::move(entry));
  }
  return out;
}

}  // namespace martlet::data
