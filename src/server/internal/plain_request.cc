#include "server/internal/plain_request.h"

#include "base/text.h"
#include "server/internal/json_scanner.h"

#include <algorithm>

namespace martlet::server {

using columns::Cell;
using columns::Type;

PlainRequestReader::PlainRequestReader(const RequestShape& shape) : shape_(shape) {
  const auto add = [&](std::string_view name, Type type, bool required) {
    const auto known = std::ranges::find(places_, name, &Place::name);
    if (known != places_.end()) return static_cast<std::size_t>(known - places_.begin());
    places_.push_back({name, type, required});
    return places_.size() - 1;
  };
  for (const features::InputField& field : shape.inputs)
    add(field.name, field.type, field.required);
  for (const columns::Field& field : shape.key.fields())
    keys_.push_back(add(field.name, field.type, false));
  for (std::size_t i = 0; i < places_.size(); ++i) by_name_.push_back(i);
  std::ranges::sort(by_name_, {}, [this](std::size_t place) { return places_[place].name; });
}

// Clients mostly name columns in the order in which the model's description does.
std::optional<std::size_t> PlainRequestReader::find(std::string_view name,
                                                    std::size_t expected_at) const {
  if (expected_at < places_.size() && places_[expected_at].name == name) return expected_at;
  const auto at = std::ranges::lower_bound(
      by_name_, name, {}, [this](std::size_t place) { return places_[place].name; });
  return at != by_name_.end() && places_[*at].name == name ? std::optional(*at) : std::nullopt;
}

// One body on its way. Every member function is false when the body isn't plain.
class PlainRequestReader::Reading {
 public:
  Reading(const PlainRequestReader& reader, std::string_view body)
      : reader_(reader), scan_(body), cells_(reader.places_.size()), given_(reader.places_.size()) {
  }

  bool v2() {
    bool inputs = false;
    const bool read = scan_.object([&](std::string_view member) {
      if (member == "inputs" && !inputs)
        return inputs = scan_.list([&](std::size_t) { return tensor(); });
      if (member == "id" && row_.id.empty()) return scan_.text(row_.id) && !row_.id.empty();
      return false;
    });
    return read && inputs && any_ && scan_.finished() && complete();
  }

  bool mlflow() {
    bool rows = false;
    const bool read = scan_.object([&](std::string_view member) {
      if (rows) return false;
      if (member == "dataframe_split") return rows = split();
      if (member == "dataframe_records" || member == "instances" || member == "inputs")
        return rows = scan_.list([&](std::size_t at) { return at == 0 && record(); });
      return false;
    });
    return read && rows && any_ && scan_.finished() && complete();
  }

  PlainRow take() { return std::move(row_); }

 private:
  bool begin(std::string_view name) {
    const auto found = reader_.find(name, next_);
    if (!found.has_value() || given_[*found] != 0) return false;
    place_ = *found;
    next_ = place_ + 1;
    given_[place_] = 1;
    return true;
  }

  bool value(std::size_t place) {
    any_ = true;
    return cell(reader_.places_[place].type, cells_[place]);
  }

  bool cell(Type type, Cell& out) {
    if (scan_.null()) {
      out = Cell::none(type);
      return true;
    }
    switch (type) {
      case Type::Bool: {
        bool is = false;
        if (!scan_.boolean(is)) return false;
        out = Cell::of_bool(is);
        return true;
      }
      case Type::Int64: {
        std::int64_t whole = 0;
        if (!scan_.integer(whole)) return false;
        out = Cell::of_int64(whole);
        return true;
      }
      case Type::Double: {
        double number = 0;
        if (!scan_.number(number)) return false;
        out = Cell::of_double(number);
        return true;
      }
      case Type::Text: {
        std::string_view text;
        if (!scan_.text(text)) return false;
        out = Cell::of_text(text);
        return true;
      }
      case Type::Timestamp:
      case Type::Date: {
        std::string_view text;
        if (!scan_.text(text) || text.empty()) return false;
        const auto read = columns::cell_from_text(text, type, reader_.shape_.zone);
        if (!read.has_value()) return false;
        out = *read;
        return true;
      }
    }
    return false;
  }

  // {"name", "datatype", "shape": [1] or [1, 1], "data": [value] or [[value]]}, the name before the
  // data.
  bool tensor() {
    enum : std::uint8_t { Name = 1, Datatype = 2, Shape = 4, Data = 8 };
    unsigned seen = 0;
    const auto once = [&](unsigned what) {
      const bool fresh = (seen & what) == 0;
      seen |= what;
      return fresh;
    };
    const bool read = scan_.object([&](std::string_view member) {
      std::string_view text;
      if (member == "name") return once(Name) && scan_.text(text) && begin(text);
      if (member == "datatype") return once(Datatype) && scan_.text(text) && is_v2_type(text);
      if (member == "shape") {
        shape_size_ = 0;
        return once(Shape) && scan_.list([&](std::size_t at) {
          std::int64_t extent = 0;
          shape_size_ = at + 1;
          return at < 2 && scan_.integer(extent) && extent == 1;
        }) && shape_size_ > 0;
      }
      if (member == "data") return (seen & Name) != 0 && once(Data) && one_value();
      return false;
    });
    return read && seen == (Name | Datatype | Shape | Data);
  }

  bool one_value() {
    bool done = false;
    return scan_.list([&](std::size_t at) {
      if (at != 0) return false;
      if (!scan_.opens_list()) return done = value(place_);
      return scan_.list([&](std::size_t inner) { return inner == 0 && (done = value(place_)); });
    }) && done;
  }

  bool record() {
    return scan_.object([&](std::string_view name) { return begin(name) && value(place_); });
  }

  // {"columns": […], "data": [[…]]}, in this order; an index of numbers, as pandas writes it, says
  // nothing.
  bool split() {
    enum : std::uint8_t { Columns = 1, Data = 2, Index = 4 };
    unsigned seen = 0;
    const bool read = scan_.object([&](std::string_view member) {
      if (member == "columns" && seen % 2 == 0) {
        seen |= Columns;
        return scan_.list([&](std::size_t) {
          std::string_view name;
          if (!scan_.text(name) || !begin(name)) return false;
          order_.push_back(place_);
          return true;
        });
      }
      if (member == "data" && (seen & (Columns | Data)) == Columns) {
        seen |= Data;
        bool whole = false;
        return scan_.list([&](std::size_t row) {
          std::size_t values = 0;
          const bool read_row = row == 0 && scan_.list([&](std::size_t at) {
            values = at + 1;
            return at < order_.size() && value(order_[at]);
          });
          return whole = read_row && values == order_.size();
        }) && whole;
      }
      if (member == "index" && (seen & Index) == 0) {
        seen |= Index;
        std::int64_t number = 0;
        return scan_.list([&](std::size_t) { return scan_.integer(number); });
      }
      return false;
    });
    return read && (seen & (Columns | Data)) == (Columns | Data);
  }

  bool complete() {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (given_[i] != 0) continue;
      if (reader_.places_[i].required) return false;
      cells_[i] = Cell::none(reader_.places_[i].type);
    }
    if (cells_.empty()) return false;
    row_.keys.reserve(reader_.keys_.size());
    for (const std::size_t place : reader_.keys_) row_.keys.push_back(cells_[place]);
    cells_.resize(reader_.shape_.inputs.size());
    row_.inputs = std::move(cells_);
    return true;
  }

  const PlainRequestReader& reader_;
  JsonScanner scan_;
  std::vector<Cell> cells_;          // one per place
  std::vector<std::uint8_t> given_;  // whether it came
  std::vector<std::size_t> order_;   // of the columns of dataframe_split
  PlainRow row_;
  std::size_t place_ = 0;       // of the column that was named last
  std::size_t next_ = 0;        // where the next one is expected
  std::size_t shape_size_ = 0;  // of the last tensor
  bool any_ = false;            // a value was read
};

std::optional<PlainRow> PlainRequestReader::read_v2(std::string_view body) const {
  Reading reading(*this, body);
  return reading.v2() ? std::optional(reading.take()) : std::nullopt;
}

std::optional<PlainRow> PlainRequestReader::read_mlflow(std::string_view body) const {
  Reading reading(*this, body);
  return reading.mlflow() ? std::optional(reading.take()) : std::nullopt;
}

}  // namespace martlet::server
