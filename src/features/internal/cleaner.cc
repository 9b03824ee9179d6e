#include "features/internal/cleaner.h"

#include "base/quantity.h"
#include "base/text.h"
#include "features/internal/json_reader.h"
#include "features/internal/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace martlet::features {
namespace {

using columns::Cell;
using columns::Column;
using columns::Type;

constexpr std::array<std::string_view, 3> kKinds = {"normalise", "fill", "clip"};
constexpr std::array<std::string_view, 3> kCases = {"keep", "lower", "upper"};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

void change_case(std::string_view text, LetterCase letter_case, std::string& out) {
  const bool upper = letter_case == LetterCase::Upper;
  if (!is_ascii(text)) {
    out = upper ? upper_unicode(text) : lower_unicode(text);
    return;
  }
  const char first = upper ? 'a' : 'A';
  const char last = upper ? 'z' : 'Z';
  out.assign(text);
  for (char& letter : out) {
    if (letter >= first && letter <= last) letter = static_cast<char>(letter ^ 0x20);
  }
}

Cell normalised(const Cleaner& step, const Cell& cell, std::string& scratch) {
  if (cell.missing) return cell;
  std::string_view text = step.trim ? martlet::trim(cell.text) : cell.text;
  if (step.letter_case != LetterCase::Keep) {
    change_case(text, step.letter_case, scratch);
    text = scratch;
  }
  if (const auto found = step.map.find(text); found != step.map.end()) text = found->second;
  return Cell::of_text(text);
}

Json value_to_json(const Cell& cell) {
  if (cell.type == Type::Bool) return cell.boolean;
  if (cell.type == Type::Double) return number_or_null(cell.number);
  if (cell.type == Type::Text) return std::string(cell.text);
  return std::to_string(cell.integer);
}

Result<Cell> value_from_json(const Json& json, Type type) {
  if (type == Type::Bool && json.is_boolean()) return Cell::of_bool(json.get<bool>());
  if (type == Type::Double && json.is_number()) return Cell::of_double(json.get<double>());
  if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    if (type == Type::Text) return Cell::of_text(text);
    if (type != Type::Bool && type != Type::Double) {
      MARTLET_TRY_SET(const std::int64_t number, parse_integer(text));
      Cell cell = Cell::of_int64(number);
      cell.type = type;
      return cell;
    }
  }
  return corrupt("a fill's value doesn't fit its column's type");
}

bool is_amount(Type type) { return columns::is_numeric(type); }

Result<Cell> learn_fill(const CleaningStep& step, const Column& training, const Zone& zone) {
  const bool statistic =
      step.fill.method == FillMethod::Median || step.fill.method == FillMethod::Mean;
  if (statistic && !is_amount(training.type())) {
    return invalid_argument("column " + step.column + " is " +
                            std::string(columns::name_of(training.type())) +
                            "; a median or a mean needs numbers: fill with mode or a value");
  }
  switch (step.fill.method) {
    case FillMethod::Median: return Cell::of_double(median_of(finite_of(training.as_doubles())));
    case FillMethod::Mean: return Cell::of_double(mean_of(finite_of(training.as_doubles())));
    case FillMethod::Mode: return mode_of(training);
    case FillMethod::Value: {
      auto cell = columns::cell_from_text(step.fill.value, training.type(), zone);
      if (!cell.has_value())
        return fail(std::move(cell).error().with_context("filling column " + step.column));
      return cell;
    }
    case FillMethod::None: break;
  }
  return Cell::none(training.type());
}

}  // namespace

Cell mode_of(const Column& column) {
  std::vector<Cell> cells;
  cells.reserve(column.size());
  for (std::size_t i = 0; i < column.size(); ++i) {
    const Cell cell = column.cell(i);
    if (!cell.missing && !(cell.type == Type::Double && std::isnan(cell.number)))
      cells.push_back(cell);
  }
  const Type type = column.type();
  const auto before = [type](const Cell& a, const Cell& b) {
    if (type == Type::Text) return a.text < b.text;
    if (type == Type::Double) return a.number < b.number;
    if (type == Type::Bool) return !a.boolean && b.boolean;
    return a.integer < b.integer;
  };
  std::sort(cells.begin(), cells.end(), before);
  Cell mode = Cell::none(type);
  std::size_t most = 0;
  for (std::size_t begin = 0; begin < cells.size();) {
    std::size_t end = begin + 1;
    while (end < cells.size() && !before(cells[begin], cells[end])) ++end;
    if (end - begin > most) {
      most = end - begin;
      mode = cells[begin];
    }
    begin = end;
  }
  return mode;
}

Cell Cleaner::apply(const Cell& cell, std::string& scratch) const {
  switch (kind) {
    case Kind::Normalise: return normalised(*this, cell, scratch);
    case Kind::Fill:
      return cell.missing || (cell.type == Type::Double && std::isnan(cell.number)) ? fill[0]
                                                                                    : cell;
    case Kind::Clip:
      if (cell.missing || std::isnan(cell.number)) return cell;
      return Cell::of_double(std::clamp(cell.number, low, high));
  }
  return cell;
}

Column Cleaner::apply(const Column& values) const {
  columns::ColumnBuilder builder(type);
  builder.reserve(values.size());
  std::string scratch;
  for (std::size_t i = 0; i < values.size(); ++i) builder.push(apply(values.cell(i), scratch));
  return builder.finish();
}

Type type_after(const CleaningStep& step, Type type) {
  if (type != Type::Int64) return type;
  if (step.kind == CleaningStep::Kind::Clip) return Type::Double;
  if (step.kind != CleaningStep::Kind::Fill) return type;
  if (step.fill.method == FillMethod::Median || step.fill.method == FillMethod::Mean)
    return Type::Double;
  const bool fraction =
      step.fill.method == FillMethod::Value && !parse_integer(step.fill.value).has_value();
  return fraction ? Type::Double : type;
}

Result<Cleaner> fit_cleaner(const CleaningStep& step, const Column& training, const Zone& zone) {
  Cleaner cleaner;
  cleaner.kind = step.kind;
  cleaner.column = step.column;
  cleaner.type = training.type();
  const std::string type_name(columns::name_of(training.type()));
  if (step.kind == CleaningStep::Kind::Normalise) {
    if (training.type() != Type::Text)
      return invalid_argument("column " + step.column + " is " + type_name +
                              "; only text can be normalised");
    cleaner.trim = step.trim;
    cleaner.letter_case = step.letter_case;
    cleaner.map.insert(step.map.begin(), step.map.end());
    return cleaner;
  }
  if (step.kind == CleaningStep::Kind::Fill) {
    MARTLET_TRY_SET(const Cell value, learn_fill(step, training, zone));
    cleaner.fill.push_back(value);
    return cleaner;
  }
  if (training.type() != Type::Double)
    return invalid_argument("column " + step.column + " is " + type_name +
                            "; only numbers can be clipped");
  cleaner.low = step.clip.low;
  cleaner.high = step.clip.high;
  if (step.clip.method == ClipMethod::Quantiles) {
    auto sorted = finite_of(training.as_doubles());
    std::sort(sorted.begin(), sorted.end());
    constexpr double kNoLimit = std::numeric_limits<double>::max();
    cleaner.low = sorted.empty() ? -kNoLimit : quantile_of_sorted(sorted, step.clip.low);
    cleaner.high = sorted.empty() ? kNoLimit : quantile_of_sorted(sorted, step.clip.high);
  }
  return cleaner;
}

std::string unstable_value(const std::vector<const Cleaner*>& steps_of_one_column) {
  const auto all = [&](const std::string& value) {
    std::string text = value;
    std::string scratch;
    for (const Cleaner* step : steps_of_one_column) {
      if (step->kind == Cleaner::Kind::Normalise)
        text = std::string(step->apply(Cell::of_text(text), scratch).text);
    }
    return text;
  };
  std::vector<std::string> values;
  for (const Cleaner* step : steps_of_one_column) {
    for (const auto& [from, to] : step->map) {
      values.push_back(from);
      values.push_back(to);
    }
  }
  std::sort(values.begin(), values.end());
  for (const std::string& value : values) {
    if (all(all(value)) != all(value)) return value;
  }
  return "";
}

Json Cleaner::to_json() const {
  Json json{{"kind", kKinds[static_cast<std::size_t>(kind)]},
            {"column", column},
            {"type", columns::name_of(type)}};
  if (kind == Kind::Normalise) {
    json["trim"] = trim;
    json["case"] = kCases[static_cast<std::size_t>(letter_case)];
    std::vector<std::pair<std::string, std::string>> sorted(map.begin(), map.end());
    std::sort(sorted.begin(), sorted.end());
    Json pairs = Json::array();
    for (const auto& [from, to] : sorted) pairs.push_back(Json::array({from, to}));
    json["map"] = std::move(pairs);
  } else if (kind == Kind::Fill) {
    json["value"] = fill[0].missing ? Json() : value_to_json(fill[0]);
  } else {
    json["low"] = low;
    json["high"] = high;
  }
  return json;
}

Result<Cleaner> Cleaner::from_json(const Json& json) {
  Cleaner cleaner;
  JsonReader read(json, "a cleaning step");
  const std::string kind = read.text("kind");
  cleaner.column = read.text("column");
  const std::string type_name = read.text("type");
  MARTLET_TRY(read.finish());
  MARTLET_TRY_SET(cleaner.type, columns::parse_type(type_name));
  if (kind == kKinds[0]) {
    cleaner.trim = read.boolean("trim");
    const std::string word = read.text("case");
    const auto found = std::find(kCases.begin(), kCases.end(), word);
    if (found == kCases.end() || cleaner.type != Type::Text)
      return corrupt("a normalising step is malformed");
    cleaner.letter_case = static_cast<LetterCase>(found - kCases.begin());
    for (const Json& pair : read.list("map")) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
        return corrupt("a normalising step's map must be pairs of texts");
      cleaner.map.emplace(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
  } else if (kind == kKinds[1]) {
    cleaner.kind = Kind::Fill;
    const Json* value = read.raw("value");
    MARTLET_TRY(read.finish());
    Cell cell = Cell::none(cleaner.type);
    if (!value->is_null()) {
      MARTLET_TRY_SET(cell, value_from_json(*value, cleaner.type));
    }
    cleaner.fill.push_back(cell);
  } else if (kind == kKinds[2]) {
    cleaner.kind = Kind::Clip;
    cleaner.low = read.number("low");
    cleaner.high = read.number("high");
    if (cleaner.type != Type::Double || !(cleaner.low <= cleaner.high))
      return corrupt("a clipping step is malformed");
  } else {
    return corrupt("unknown kind of cleaning step: " + kind);
  }
  MARTLET_TRY(read.finish());
  return cleaner;
}

}  // namespace martlet::features
