// metadata/record.h: records, their one field list, and the rows that they become.
//
// A record is a struct with default values that names its table, its key and, once, its fields:
//
//   struct StepRecord {
//     RunId run;
//     std::string name;
//     StepStatus status = StepStatus::Waiting;
//     std::optional<Timestamp> started;
//     static constexpr metadata::RecordInfo kRecord{"steps", "run, name"};
//     template <class Self, class Field>
//     static void describe(Self& self, Field&& field) {
//       field("run", self.run);
//       field("name", self.name);
//       field("status", self.status);
//       field("started", self.started);
//     }
//   };
//
// Table, columns, JSON and comparison derive from describe(). Values; thread-safe as any value is.
#pragma once
#include "base/result.h"
#include "metadata/query.h"
#include "metadata/value.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {

struct RecordInfo {
  std::string_view table;
  std::string_view key;  // one or more fields, separated by commas; together they are unique
};

struct Column {
  std::string name;
  ColumnType type = ColumnType::Text;
  bool nullable = false;
};

// What the drivers know of a record's type.
struct TableShape {
  std::string table;
  std::vector<Column> columns;   // in describe()'s order
  std::vector<std::size_t> key;  // indices into `columns`, in the key's order

  const Column* find(std::string_view name) const;
  bool is_key(std::size_t column) const;
};

using Row = std::vector<Value>;  // one value per column of the shape, in its order

namespace internal {
// Fills `key` from RecordInfo::key; a key that names no field is a broken invariant.
TableShape finish_shape(TableShape shape, std::string_view key);
Error bad_field(std::string_view table, std::string_view field, const Value& value);
}  // namespace internal

template <class R>
concept Record = std::default_initializable<R> && requires {
  { R::kRecord } -> std::convertible_to<RecordInfo>;
};

template <Record R>
const TableShape& shape_of() {
  static const TableShape shape = [] {
    TableShape made{std::string(R::kRecord.table), {}, {}};
    R record{};
    R::describe(record, [&made](std::string_view name, auto& member) {
      using Codec = FieldCodec<std::remove_cvref_t<decltype(member)>>;
      made.columns.push_back({std::string(name), Codec::kType, Codec::kNullable});
    });
    return internal::finish_shape(std::move(made), R::kRecord.key);
  }();
  return shape;
}

// The records of R that belong to a record: `on` names pairs of {a column of R, a column of ours}.
template <Record R>
Relation related(std::vector<std::pair<std::string, std::string>> on) {
  return {&shape_of<R>(), std::move(on)};
}

template <Record R>
Row to_row(const R& record) {
  Row row;
  row.reserve(shape_of<R>().columns.size());
  R::describe(record, [&row](std::string_view, const auto& member) {
    row.push_back(FieldCodec<std::remove_cvref_t<decltype(member)>>::to(member));
  });
  return row;
}

// Corrupt when a stored value can't be the field's type.
template <Record R>
Result<R> from_row(Row&& row) {
  R record{};
  std::size_t index = 0;
  std::string_view bad_field;
  std::size_t bad_index = 0;
  R::describe(record, [&](std::string_view name, auto& member) {
    using Codec = FieldCodec<std::remove_cvref_t<decltype(member)>>;
    const std::size_t at = index++;
    if (!bad_field.empty()) return;
    if (at >= row.size() || !Codec::from(std::move(row[at]), member)) {
      bad_field = name;
      bad_index = at;
    }
  });
  if (!bad_field.empty()) {
    return tl::unexpected<Error>(internal::bad_field(
        R::kRecord.table, bad_field, bad_index < row.size() ? row[bad_index] : Value()));
  }
  return record;
}

// The record as a JSON object: instants as ISO 8601 texts, digests and ids as texts, absent fields
// as null, blobs as null.
template <Record R>
Json to_json(const R& record);

namespace internal {
Json json_of(Timestamp at);
Json json_of(const Value& value);
template <class T>
Json field_json(const T& member) {
  if constexpr (std::same_as<T, Json>) {
    return member;
  } else if constexpr (std::same_as<T, bool>) {
    return Json(member);
  } else if constexpr (std::same_as<T, Timestamp>) {
    return json_of(member);
  } else if constexpr (requires { member.has_value(); }) {
    return member.has_value() ? field_json(*member) : Json(nullptr);
  } else {
    return json_of(FieldCodec<T>::to(member));
  }
}
}  // namespace internal

template <Record R>
Json to_json(const R& record) {
  Json object = Json::object();
  R::describe(record, [&object](std::string_view name, const auto& member) {
    object[std::string(name)] = internal::field_json(member);
  });
  return object;
}

}  // namespace martlet::metadata
