#include "features/internal/node_fit.h"

#include "base/text.h"
#include "features/internal/calendar.h"
#include "features/internal/cleaner.h"
#include "features/internal/statistics.h"
#include "features/internal/target_encoding.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace martlet::features {
namespace {

using columns::Cell;
using columns::Column;
using columns::Type;

bool is_time_type(Type type) { return type == Type::Timestamp || type == Type::Date; }

class NodeFitter {
 public:
  NodeFitter(const std::string& column, const Column& training, const ColumnConfig* config,
             const NodeFitContext& context, std::vector<Finding>& findings)
      : column_(column), training_(training), mentioned_(config != nullptr),
        config_(config != nullptr ? *config : ColumnConfig{}), context_(context),
        findings_(findings) {
    node_.column = column;
    node_.type = training.type();
  }

  FittedNode fit() {
    if (config_.encode == Encoding::None) return {};
    if (config_.parts) return fit_parts(*config_.parts);
    const bool category =
        config_.categorical || config_.encode != Encoding::Auto || node_.type == Type::Text;
    if (category) return fit_category();
    if (is_time_type(node_.type)) return fit_time();
    return fit_number();
  }

 private:
  bool linear() const { return context_.family == Family::Linear; }

  FittedNode done() { return {std::move(node_), std::move(encoded_), ""}; }
  static FittedNode left_out(std::string why) { return {std::nullopt, {}, std::move(why)}; }

  FittedNode refuse(std::string_view setting, std::string rule, std::string message) {
    std::string path = "features.columns." + column_;
    if (!setting.empty()) path += "." + std::string(setting);
    findings_.push_back({std::move(path), std::move(rule), std::move(message), config_.where.file(),
                         config_.where.line(), config_.where.column()});
    return {};
  }

  // The tail's statistics come from what reaches each of its steps, in the order in which it
  // applies them.
  Tail learn_tail(std::span<const double> values) {
    Tail tail;
    tail.finite_only = linear();
    std::vector<double> finite = finite_of(values);
    if (config_.clip.method != ClipMethod::None && !finite.empty()) {
      std::sort(finite.begin(), finite.end());
      const bool quantiles = config_.clip.method == ClipMethod::Quantiles;
      tail.clipped = true;
      tail.low = quantiles ? quantile_of_sorted(finite, config_.clip.low) : config_.clip.low;
      tail.high = quantiles ? quantile_of_sorted(finite, config_.clip.high) : config_.clip.high;
      finite = finite_of(values);
      for (double& value : finite) value = std::clamp(value, tail.low, tail.high);
    }
    tail.fill = learn_fill(finite);
    tail.indicator = linear() && std::any_of(values.begin(), values.end(),
                                             [](double value) { return !std::isfinite(value); });
    if (config_.scale == Scaling::Standard || (config_.scale == Scaling::Auto && linear())) {
      std::vector<double> prepared;
      for (const double value : values) {
        const double ready = tail.prepared(value);
        if (std::isfinite(ready)) prepared.push_back(ready);
      }
      const Spread spread = spread_of(prepared);
      tail.scaled = true;
      tail.centre = spread.mean;
      tail.scale = spread.deviation > 0 ? spread.deviation : 1;
    }
    return tail;
  }

  double learn_fill(std::span<const double> finite) {
    switch (config_.fill.method) {
      case FillMethod::Mean: return mean_of(finite);
      case FillMethod::Mode: return mode_of(finite);
      case FillMethod::Value: return fill_value_;
      case FillMethod::Median: return median_of(finite);
      case FillMethod::None: break;
    }
    return linear() ? median_of(finite) : kNotANumber;
  }

  bool read_fill_value() {
    if (config_.fill.method != FillMethod::Value) return true;
    const Type type = node_.type == Type::Bool ? Type::Bool : Type::Double;
    const auto cell = columns::cell_from_text(config_.fill.value, type, context_.zone);
    if (!cell.has_value() || !std::isfinite(cell->as_double())) {
      refuse("fill", "wrong_type",
             "\"" + config_.fill.value + "\" isn't median, mean, mode, nor a value of this column");
      return false;
    }
    fill_value_ = cell->as_double();
    return true;
  }

  FittedNode fit_number() {
    if (!read_fill_value()) return {};
    const std::vector<double> values = training_.as_doubles();
    if (!mentioned_) {
      const auto first = std::find_if(values.begin(), values.end(),
                                      [](double value) { return !std::isnan(value); });
      if (first == values.end()) return left_out("no training row has a value");
      const bool constant =
          std::all_of(values.begin(), values.end(), [&](double value) { return value == *first; });
      if (constant) return left_out("all training rows have the same value");
    }
    node_.kind = NodeKind::Number;
    node_.tails.push_back(learn_tail(values));
    return done();
  }

  FittedNode fit_time() {
    if (column_ != context_.time) {
      if (mentioned_)
        return refuse("", "missing",
                      "a time becomes a feature through parts: [hour, weekday, …] or encode; say "
                      "which");
      return left_out("a time is used only when parts of it are named");
    }
    if (node_.type == Type::Date) return fit_parts({Part::Weekday, Part::Month});
    return fit_parts({Part::Hour, Part::Weekday, Part::Month});
  }

  FittedNode fit_parts(const std::vector<Part>& parts) {
    if (!is_time_type(node_.type))
      return refuse("parts", "wrong_type",
                    "the column is " + std::string(columns::name_of(node_.type)) +
                        "; only a timestamp or a date has parts");
    if (parts.empty()) return refuse("parts", "missing", "name at least one part");
    if (config_.fill.method != FillMethod::None || config_.clip.method != ClipMethod::None)
      return refuse("", "contradiction", "fill and clip don't go with parts of a time");
    if (config_.categorical)
      return refuse("categorical", "contradiction", "parts of a time are numbers");
    node_.kind = NodeKind::Parts;
    node_.cyclic = linear() && config_.cyclic.value_or(true);
    for (const Part part : parts) {
      if (node_.type == Type::Date && needs_time_of_day(part))
        return refuse("parts", "wrong_type",
                      "the column is a date; it has no " + std::string(name_of(part)));
      node_.parts = {part};
      const bool circle = node_.cyclic && period_of(part) > 0;
      node_.tails.assign(circle ? 0 : 1, Tail{});
      if (circle) continue;
      std::vector<double> values(training_.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        node_.write(training_.cell(i), context_.zone, &values[i]);
      part_tails_.push_back(learn_tail(values));
    }
    node_.parts = parts;
    node_.tails = std::move(part_tails_);
    return done();
  }

  struct Counted {
    Cell cell;
    std::size_t count = 0;
  };

  static bool before(const Cell& a, const Cell& b) {
    if (a.type == Type::Text) return a.text < b.text;
    if (a.type == Type::Double) return a.number < b.number;
    return category_key(a) < category_key(b);
  }

  // Most frequent first, then by name.
  std::vector<Counted> count_categories(const Cell& fill) const {
    std::unordered_map<std::string_view, Counted> texts;
    std::unordered_map<std::int64_t, Counted> keys;
    for (std::size_t i = 0; i < training_.size(); ++i) {
      Cell cell = training_.cell(i);
      if (is_missing_category(cell)) cell = fill;
      if (cell.missing || (cell.type == Type::Text && !is_valid_utf8(cell.text))) continue;
      Counted& counted = cell.type == Type::Text ? texts[cell.text] : keys[category_key(cell)];
      counted.cell = cell;
      ++counted.count;
    }
    std::vector<Counted> list;
    for (const auto& item : texts) list.push_back(item.second);
    for (const auto& item : keys) list.push_back(item.second);
    std::sort(list.begin(), list.end(), [](const Counted& a, const Counted& b) {
      return a.count != b.count ? a.count > b.count : before(a.cell, b.cell);
    });
    return list;
  }

  std::optional<Cell> category_fill() {
    if (config_.fill.method == FillMethod::None) return Cell::none(node_.type);
    if (config_.fill.method == FillMethod::Mode) return columns_mode();
    if (config_.fill.method == FillMethod::Value) {
      auto read = columns::cell_from_text(config_.fill.value, node_.type, context_.zone);
      if (read.has_value() && !read->missing) return *read;
    }
    refuse("fill", "wrong_type", "a category is filled with mode or with one of its values");
    return std::nullopt;
  }
  Cell columns_mode() const { return martlet::features::mode_of(training_); }

  Encoding choose(std::size_t distinct) const {
    if (config_.encode != Encoding::Auto) return config_.encode;
    if (linear()) return distinct <= kMaxOneHot ? Encoding::OneHot : Encoding::Target;
    return distinct <= kMaxCodes ? Encoding::Ordinal : Encoding::Target;
  }

  FittedNode fit_category() {
    if (config_.clip.method != ClipMethod::None)
      return refuse("clip", "contradiction", "a category can't be clipped");
    if (config_.cyclic)
      return refuse("cyclic", "contradiction", "cyclic goes with parts of a time");
    const auto fill = category_fill();
    if (!fill) return {};
    const std::vector<Counted> counted = count_categories(*fill);
    std::size_t present = 0;
    for (const Counted& item : counted) present += item.count;
    const bool some_missing = present < training_.size();
    const Encoding encoding = choose(counted.size());
    if (!mentioned_) {
      if (counted.empty()) return left_out("no training row has a value");
      if (counted.size() == 1 && !some_missing)
        return left_out("all training rows have the same value");
      if (encoding == Encoding::Target && counted.size() * 2 > present)
        return left_out("nearly every training row has a value of its own (" +
                        std::to_string(counted.size()) + " of " + std::to_string(present) +
                        "); name an encoding to use it");
    }
    if (encoding == Encoding::Hash) {
      node_.kind = NodeKind::Hash;
      node_.as_codes = !linear();
      node_.buckets = config_.buckets;
      return done();
    }
    const std::size_t kept =
        encoding == Encoding::OneHot ? std::min(counted.size(), kMaxOneHot) : counted.size();
    node_.categories = Categories(node_.type);
    for (std::size_t i = 0; i < kept; ++i) node_.categories.add(counted[i].cell);
    if (!fill->missing) node_.fill_code = node_.categories.find(*fill);
    if (encoding == Encoding::OneHot) {
      node_.kind = NodeKind::OneHot;
      node_.has_other = kept < counted.size();
      node_.has_missing = some_missing;
      if (node_.width() == 0) return refuse("", "missing", "no training row has a value");
      return done();
    }
    return encoding == Encoding::Target ? fit_target() : fit_ordinal();
  }

  FittedNode fit_ordinal() {
    node_.kind = NodeKind::Ordinal;
    node_.as_codes = !linear();
    Tail tail;
    if (linear()) {
      std::vector<double> values;
      for (std::size_t i = 0; i < training_.size(); ++i) {
        const int code = node_.code_of(training_.cell(i));
        values.push_back(code >= 0 ? code : kNotANumber);
      }
      config_.fill = {};  // the category's fill is done by its code
      tail = learn_tail(values);
    }
    node_.tails.push_back(tail);
    return done();
  }

  FittedNode fit_target() {
    node_.kind = NodeKind::Target;
    double most = 1;
    if (context_.task == Task::Multiclass) {
      for (const double y : context_.target) most = std::isnan(y) ? most : std::max(most, y);
      node_.outputs = static_cast<int>(most) + 1;
    }
    std::vector<int> codes(training_.size());
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = node_.code_of(training_.cell(i));
    TargetEncoding encoding = encode_target(codes, node_.categories.size(), context_.target,
                                            context_.folds, node_.outputs);
    node_.encoded = std::move(encoding.encoded);
    node_.encoded_missing = std::move(encoding.encoded_missing);
    node_.prior = std::move(encoding.prior);
    encoded_ = std::move(encoding.out_of_fold);
    config_.fill = {};
    const auto width = static_cast<std::size_t>(node_.outputs);
    for (std::size_t output = 0; output < width; ++output) {
      std::vector<double> values(codes.size());
      for (std::size_t row = 0; row < codes.size(); ++row)
        values[row] = encoded_[row * width + output];
      node_.tails.push_back(learn_tail(values));
    }
    return done();
  }

  std::string column_;
  const Column& training_;
  bool mentioned_;
  ColumnConfig config_;
  const NodeFitContext& context_;
  std::vector<Finding>& findings_;
  Node node_;
  std::vector<double> encoded_;
  std::vector<Tail> part_tails_;
  double fill_value_ = 0;
};

}  // namespace

FittedNode fit_node(const std::string& column, const Column& training, const ColumnConfig* config,
                    const NodeFitContext& context, std::vector<Finding>& findings) {
  return NodeFitter(column, training, config, context, findings).fit();
}

}  // namespace martlet::features
