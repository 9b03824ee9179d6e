#include "table/internal/vectors.h"

#include "base/text.h"
#include "table/internal/duckdb_library.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace martlet::table {

using columns::Column;
using columns::Type;

std::string sql_type(Type type) {
  switch (type) {
    case Type::Bool: return "BOOLEAN";
    case Type::Int64: return "BIGINT";
    case Type::Double: return "DOUBLE";
    case Type::Text: return "VARCHAR";
    case Type::Timestamp: return "TIMESTAMP WITH TIME ZONE";
    case Type::Date: return "DATE";
  }
  return "VARCHAR";
}

Result<Type> column_type(const std::string& column, duckdb_logical_type type) {
  switch (duck().duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: return Type::Bool;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT: return Type::Int64;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL: return Type::Double;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_UUID:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_SQLNULL: return Type::Text;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ: return Type::Timestamp;
    case DUCKDB_TYPE_DATE: return Type::Date;
    default: break;
  }
  return invalid_argument(fmt::format("column \"{}\" has a type that a table of martlet cannot "
                                      "hold (a list, structure, blob, interval or the like); take "
                                      "its parts, or cast it: cast(\"{}\" as varchar)",
                                      column, column));
}

struct ColumnCollector::State {
  std::string name;
  duckdb_logical_type logical = nullptr;
  duckdb_type id = DUCKDB_TYPE_INVALID;
  duckdb_type internal = DUCKDB_TYPE_INVALID;  // storage of a decimal or enum
  double scale = 1;                            // of a decimal
  std::vector<std::string> words;              // of an enum
  Type type = Type::Text;
  Zone zone = Zone::utc();
  bool bare_time = false;

  std::vector<std::uint8_t> bools;
  std::vector<std::int64_t> integers;
  std::vector<double> doubles;
  columns::Texts texts;
  std::vector<std::uint8_t> valid;  // empty while nothing is missing
  std::size_t size = 0;

  ~State() { duck().duckdb_destroy_logical_type(&logical); }

  bool present(std::size_t i) const { return valid.empty() || valid[size + i] != 0; }
  void note_missing(const std::uint64_t* mask, std::size_t rows);
  Result<void> take(duckdb_vector vector, std::size_t rows);
  template <class From>
  void take_integers(const void* from, std::size_t rows, std::int64_t multiply = 1);
  template <class From>
  void take_doubles(const void* from, std::size_t rows, double divide);
  Result<void> take_wide(duckdb_vector vector, std::size_t rows);
  Result<void> take_timestamps(duckdb_vector vector, std::size_t rows);
  void take_strings(duckdb_vector vector, std::size_t rows);
  void take_enums(duckdb_vector vector, std::size_t rows);
  void take_uuids(duckdb_vector vector, std::size_t rows);
  void take_times(duckdb_vector vector, std::size_t rows);
  void take_decimals(duckdb_vector vector, std::size_t rows);
};

void ColumnCollector::State::note_missing(const std::uint64_t* mask, std::size_t rows) {
  const bool any = mask != nullptr && [&] {
    for (std::size_t i = 0; i < rows; ++i) {
      if (((mask[i / 64] >> (i % 64)) & 1) == 0) return true;
    }
    return false;
  }();
  if (!any) {
    if (!valid.empty()) valid.resize(size + rows, 1);
    return;
  }
  if (valid.empty()) valid.assign(size, 1);
  valid.reserve(size + rows);
  for (std::size_t i = 0; i < rows; ++i) {
    valid.push_back(static_cast<std::uint8_t>((mask[i / 64] >> (i % 64)) & 1));
  }
}

template <class From>
void ColumnCollector::State::take_integers(const void* from, std::size_t rows,
                                           std::int64_t multiply) {
  const auto* values = static_cast<const From*>(from);
  for (std::size_t i = 0; i < rows; ++i) {
    integers.push_back(present(i) ? static_cast<std::int64_t>(values[i]) * multiply : 0);
  }
}

template <class From>
void ColumnCollector::State::take_doubles(const void* from, std::size_t rows, double divide) {
  const auto* values = static_cast<const From*>(from);
  for (std::size_t i = 0; i < rows; ++i) {
    doubles.push_back(present(i) ? static_cast<double>(values[i]) / divide
                                 : std::numeric_limits<double>::quiet_NaN());
  }
}

// Integers of more than 63 bits, such as every sum() of integers.
Result<void> ColumnCollector::State::take_wide(duckdb_vector vector, std::size_t rows) {
  const void* from = duck().duckdb_vector_get_data(vector);
  for (std::size_t i = 0; i < rows; ++i) {
    if (!present(i)) {
      integers.push_back(0);
      continue;
    }
    std::int64_t value = 0;
    bool fits = true;
    if (id == DUCKDB_TYPE_UBIGINT) {
      const std::uint64_t wide = static_cast<const std::uint64_t*>(from)[i];
      fits = wide <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      value = static_cast<std::int64_t>(wide);
    } else if (id == DUCKDB_TYPE_HUGEINT) {
      const auto wide = static_cast<const duckdb_hugeint*>(from)[i];
      value = static_cast<std::int64_t>(wide.lower);
      fits = wide.upper == (value < 0 ? -1 : 0);
    } else {
      const auto wide = static_cast<const duckdb_uhugeint*>(from)[i];
      value = static_cast<std::int64_t>(wide.lower);
      fits = wide.upper == 0 && value >= 0;
    }
    if (!fits) {
      return invalid_argument(
          fmt::format("column \"{}\" holds an integer that does not fit 64 bits with a sign; cast "
                      "it: cast(\"{}\" as double) or as varchar",
                      name, name));
    }
    integers.push_back(value);
  }
  return {};
}

Result<void> ColumnCollector::State::take_timestamps(duckdb_vector vector, std::size_t rows) {
  const auto* values = static_cast<const std::int64_t*>(duck().duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < rows; ++i) {
    std::int64_t micros = 0;
    if (present(i)) {
      micros = values[i];
      const bool endless = micros == std::numeric_limits<std::int64_t>::max() ||
                           micros == -std::numeric_limits<std::int64_t>::max();
      bool overflow = false;
      if (id == DUCKDB_TYPE_TIMESTAMP_S)
        overflow = __builtin_mul_overflow(micros, 1'000'000, &micros);
      if (id == DUCKDB_TYPE_TIMESTAMP_MS) overflow = __builtin_mul_overflow(micros, 1'000, &micros);
      if (id == DUCKDB_TYPE_TIMESTAMP_NS) {  // towards the past, as DuckDB's cast does
        micros = micros / 1'000 - (micros % 1'000 < 0 ? 1 : 0);
      }
      if (endless || overflow) {
        return invalid_argument(fmt::format(
            "column \"{}\" holds a time beyond every calendar (infinity); replace it by NULL",
            name));
      }
      if (bare_time) micros = zone.instant_of_local_micros(micros).micros;
    }
    integers.push_back(micros);
  }
  return {};
}

void ColumnCollector::State::take_strings(duckdb_vector vector, std::size_t rows) {
  auto* values = static_cast<duckdb_string_t*>(duck().duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < rows; ++i) {
    if (present(i)) {
      texts.push_back(
          {duck().duckdb_string_t_data(&values[i]), duck().duckdb_string_t_length(values[i])});
    } else {
      texts.push_back({});
    }
  }
}

void ColumnCollector::State::take_enums(duckdb_vector vector, std::size_t rows) {
  const void* from = duck().duckdb_vector_get_data(vector);
  for (std::size_t i = 0; i < rows; ++i) {
    std::size_t word = 0;
    if (internal == DUCKDB_TYPE_UTINYINT) word = static_cast<const std::uint8_t*>(from)[i];
    if (internal == DUCKDB_TYPE_USMALLINT) word = static_cast<const std::uint16_t*>(from)[i];
    if (internal == DUCKDB_TYPE_UINTEGER) word = static_cast<const std::uint32_t*>(from)[i];
    texts.push_back(present(i) && word < words.size() ? std::string_view(words[word])
                                                      : std::string_view());
  }
}

void ColumnCollector::State::take_uuids(duckdb_vector vector, std::size_t rows) {
  const auto* values = static_cast<const duckdb_hugeint*>(duck().duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < rows; ++i) {
    if (!present(i)) {
      texts.push_back({});
      continue;
    }
    // DuckDB flips the first bit so that signed order is the order of the text.
    const std::uint64_t high =
        static_cast<std::uint64_t>(values[i].upper) ^ (std::uint64_t{1} << 63);
    const std::uint64_t low = values[i].lower;
    texts.push_back(fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32,
                                (high >> 16) & 0xffff, high & 0xffff, low >> 48,
                                low & 0xffffffffffff));
  }
}

void ColumnCollector::State::take_times(duckdb_vector vector, std::size_t rows) {
  const auto* values = static_cast<const std::int64_t*>(duck().duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < rows; ++i) {
    if (!present(i)) {
      texts.push_back({});
      continue;
    }
    const std::int64_t seconds = values[i] / 1'000'000;
    const std::int64_t micros = values[i] % 1'000'000;
    std::string text =
        fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (micros != 0) text += fmt::format(".{:06}", micros);
    texts.push_back(text);
  }
}

void ColumnCollector::State::take_decimals(duckdb_vector vector, std::size_t rows) {
  const void* from = duck().duckdb_vector_get_data(vector);
  if (internal == DUCKDB_TYPE_SMALLINT) return take_doubles<std::int16_t>(from, rows, scale);
  if (internal == DUCKDB_TYPE_INTEGER) return take_doubles<std::int32_t>(from, rows, scale);
  if (internal == DUCKDB_TYPE_BIGINT) return take_doubles<std::int64_t>(from, rows, scale);
  const auto* values = static_cast<const duckdb_hugeint*>(from);
  for (std::size_t i = 0; i < rows; ++i) {
    doubles.push_back(present(i) ? duck().duckdb_hugeint_to_double(values[i]) / scale
                                 : std::numeric_limits<double>::quiet_NaN());
  }
}

Result<void> ColumnCollector::State::take(duckdb_vector vector, std::size_t rows) {
  note_missing(duck().duckdb_vector_get_validity(vector), rows);
  const void* from = duck().duckdb_vector_get_data(vector);
  switch (id) {
    case DUCKDB_TYPE_BOOLEAN:
      for (std::size_t i = 0; i < rows; ++i) {
        bools.push_back(present(i) && static_cast<const bool*>(from)[i] ? 1 : 0);
      }
      break;
    case DUCKDB_TYPE_TINYINT: take_integers<std::int8_t>(from, rows); break;
    case DUCKDB_TYPE_SMALLINT: take_integers<std::int16_t>(from, rows); break;
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_INTEGER: take_integers<std::int32_t>(from, rows); break;
    case DUCKDB_TYPE_BIGINT: take_integers<std::int64_t>(from, rows); break;
    case DUCKDB_TYPE_UTINYINT: take_integers<std::uint8_t>(from, rows); break;
    case DUCKDB_TYPE_USMALLINT: take_integers<std::uint16_t>(from, rows); break;
    case DUCKDB_TYPE_UINTEGER: take_integers<std::uint32_t>(from, rows); break;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT: return take_wide(vector, rows);
    case DUCKDB_TYPE_FLOAT: take_doubles<float>(from, rows, 1); break;
    case DUCKDB_TYPE_DOUBLE: take_doubles<double>(from, rows, 1); break;
    case DUCKDB_TYPE_DECIMAL: take_decimals(vector, rows); break;
    case DUCKDB_TYPE_ENUM: take_enums(vector, rows); break;
    case DUCKDB_TYPE_UUID: take_uuids(vector, rows); break;
    case DUCKDB_TYPE_TIME: take_times(vector, rows); break;
    case DUCKDB_TYPE_VARCHAR: take_strings(vector, rows); break;
    case DUCKDB_TYPE_SQLNULL:
      for (std::size_t i = 0; i < rows; ++i) texts.push_back({});
      break;
    default: return take_timestamps(vector, rows);
  }
  return {};
}

ColumnCollector::ColumnCollector(std::unique_ptr<State> state) : state_(std::move(state)) {}
ColumnCollector::ColumnCollector(ColumnCollector&&) noexcept = default;
ColumnCollector& ColumnCollector::operator=(ColumnCollector&&) noexcept = default;
ColumnCollector::~ColumnCollector() = default;

Result<ColumnCollector> ColumnCollector::create(std::string column, duckdb_logical_type type,
                                                const Zone& zone) {
  auto state = std::make_unique<State>();
  state->logical = type;
  state->id = duck().duckdb_get_type_id(type);
  MARTLET_TRY_SET(state->type, column_type(column, type));
  state->name = std::move(column);
  state->zone = zone;
  state->bare_time = state->type == Type::Timestamp && state->id != DUCKDB_TYPE_TIMESTAMP_TZ;
  if (state->id == DUCKDB_TYPE_DECIMAL) {
    state->internal = duck().duckdb_decimal_internal_type(type);
    state->scale = std::pow(10.0, duck().duckdb_decimal_scale(type));
  }
  if (state->id == DUCKDB_TYPE_ENUM) {
    state->internal = duck().duckdb_enum_internal_type(type);
    const std::uint32_t words = duck().duckdb_enum_dictionary_size(type);
    for (std::uint32_t i = 0; i < words; ++i) {
      char* word = duck().duckdb_enum_dictionary_value(type, i);
      state->words.emplace_back(word);
      duck().duckdb_free(word);
    }
  }
  return ColumnCollector(std::move(state));
}

Result<void> ColumnCollector::append(duckdb_vector vector, std::size_t rows) {
  MARTLET_TRY(state_->take(vector, rows));
  state_->size += rows;
  return {};
}

Type ColumnCollector::type() const { return state_->type; }

Column ColumnCollector::finish() {
  State& state = *state_;
  state.size = 0;
  std::vector<std::uint8_t> valid = std::exchange(state.valid, {});
  switch (state.type) {
    case Type::Bool: return Column::of_bools(std::exchange(state.bools, {}), std::move(valid));
    case Type::Int64: return Column::of_int64s(std::exchange(state.integers, {}), std::move(valid));
    case Type::Double:
      return Column::of_doubles(std::exchange(state.doubles, {}), std::move(valid));
    case Type::Text: return Column::of_texts(std::exchange(state.texts, {}), std::move(valid));
    case Type::Timestamp:
      return Column::of_timestamps(std::exchange(state.integers, {}), std::move(valid));
    case Type::Date: return Column::of_dates(std::exchange(state.integers, {}), std::move(valid));
  }
  return {};
}

namespace {

Result<void> fill_texts(duckdb_vector vector, const Column& column, const std::string& name,
                        std::size_t begin, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (column.is_missing(begin + i)) continue;
    const std::string_view text = column.text(begin + i);
    if (!is_valid_utf8(text)) {
      return invalid_argument(
          fmt::format("column \"{}\", row {}: the text is not UTF-8; convert the source to UTF-8",
                      name, begin + i + 1));
    }
    duck().duckdb_unsafe_vector_assign_string_element_len(vector, i, text.data(), text.size());
  }
  return {};
}

void fill_dates(duckdb_vector vector, const Column& column, std::size_t begin, std::size_t count) {
  auto* to = static_cast<std::int32_t*>(duck().duckdb_vector_get_data(vector));
  constexpr std::int64_t kFirst = std::numeric_limits<std::int32_t>::min() + 2;
  constexpr std::int64_t kLast = std::numeric_limits<std::int32_t>::max() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = static_cast<std::int32_t>(std::clamp(column.int64s()[begin + i], kFirst, kLast));
  }
}

}  // namespace

Result<void> fill_chunk(duckdb_data_chunk chunk, const columns::Batch& batch, std::size_t begin,
                        std::size_t count) {
  for (std::size_t c = 0; c < batch.width(); ++c) {
    const Column& column = batch.column(c);
    duckdb_vector vector = duck().duckdb_data_chunk_get_vector(chunk, c);
    if (column.missing_count() > 0) {
      duck().duckdb_vector_ensure_validity_writable(vector);
      std::uint64_t* mask = duck().duckdb_vector_get_validity(vector);
      for (std::size_t i = 0; i < count; ++i) {
        duck().duckdb_validity_set_row_validity(mask, i, !column.is_missing(begin + i));
      }
    }
    void* to = duck().duckdb_vector_get_data(vector);
    switch (column.type()) {
      case Type::Bool: {
        const auto from = column.bools().subspan(begin, count);
        std::transform(from.begin(), from.end(), static_cast<bool*>(to),
                       [](std::uint8_t v) { return v != 0; });
        break;
      }
      case Type::Int64:
      case Type::Timestamp:
        std::memcpy(to, column.int64s().data() + begin, count * sizeof(std::int64_t));
        break;
      case Type::Double:
        std::memcpy(to, column.doubles().data() + begin, count * sizeof(double));
        break;
      case Type::Date: fill_dates(vector, column, begin, count); break;
      case Type::Text:
        MARTLET_TRY(fill_texts(vector, column, batch.schema()[c].name, begin, count));
        break;
    }
  }
  duck().duckdb_data_chunk_set_size(chunk, count);
  return {};
}

}  // namespace martlet::table
