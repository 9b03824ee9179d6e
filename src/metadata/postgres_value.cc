#include "metadata/internal/postgres_value.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <bit>
#include <charconv>
#include <cstring>

namespace martlet::metadata::internal {

namespace {

// Of PostgreSQL's catalogue (pg_type.dat); libpq has no header for them.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kFloat8 = 701;

// The wire has the highest byte first.
std::uint64_t big_endian(const char* bytes, int count) {
  std::uint64_t number = 0;
  for (int i = 0; i < count; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

Value value_of(const PGresult& result, int row, int column) {
  if (PQgetisnull(&result, row, column) == 1) return Value();
  const char* bytes = PQgetvalue(&result, row, column);
  const int length = PQgetlength(&result, row, column);
  switch (PQftype(&result, column)) {
    case kInt8: return static_cast<std::int64_t>(big_endian(bytes, length));
    case kInt4: return std::int64_t{static_cast<std::int32_t>(big_endian(bytes, length))};
    case kInt2: return std::int64_t{static_cast<std::int16_t>(big_endian(bytes, length))};
    case kBool: return static_cast<std::int64_t>(big_endian(bytes, length));
    case kFloat8: return std::bit_cast<double>(big_endian(bytes, length));
    case kBytea: return Blob{std::string(bytes, static_cast<std::size_t>(length))};
    default: return std::string(bytes, static_cast<std::size_t>(length));
  }
}

}  // namespace

PostgresParameters::PostgresParameters(std::span<const Value> bound) {
  numbers_.reserve(bound.size());  // so that none moves
  for (const Value& value : bound) {
    int format = 0;
    int length = 0;
    const char* bytes = nullptr;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      bytes = numbers_.emplace_back(std::to_string(*integer)).c_str();
    } else if (const auto* real = std::get_if<double>(&value)) {
      bytes = numbers_.emplace_back(fmt::format("{}", *real)).c_str();
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      bytes = text->c_str();
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      bytes = blob->bytes.c_str();
      length = static_cast<int>(blob->bytes.size());
      format = 1;
    }
    values_.push_back(bytes);
    lengths_.push_back(length);
    formats_.push_back(format);
  }
}

Outcome outcome_of(const PGresult& result) {
  Outcome outcome;
  const int rows = PQntuples(&result);
  const int columns = PQnfields(&result);
  outcome.rows.reserve(static_cast<std::size_t>(rows));
  for (int r = 0; r < rows; ++r) {
    Row row;
    row.reserve(static_cast<std::size_t>(columns));
    for (int c = 0; c < columns; ++c) row.push_back(value_of(result, r, c));
    outcome.rows.push_back(std::move(row));
  }
  // libpq doesn't change the result here, whatever its declaration says.
  const std::string_view changes = PQcmdTuples(const_cast<PGresult*>(&result));
  std::from_chars(changes.data(), changes.data() + changes.size(), outcome.changes);
  return outcome;
}

Error postgres_error(const std::string& state, const std::string& words, const std::string& place,
                     std::chrono::milliseconds busy_timeout) {
  const std::string where = "metadata store " + place;
  if (state == "23505")
    return Error(ErrorCode::AlreadyExists, "a record with this key exists already (" + words + ")");
  if (state == "23503")
    return Error(ErrorCode::Conflict,
                 "a record refers to another one that would not be there (" + words + ")");
  if (state.starts_with("22") || state.starts_with("23"))
    return Error(ErrorCode::InvalidArgument, "the record can't be stored: " + words);
  if (state == "40001" || state == "40P01")
    return Error(ErrorCode::Unavailable,
                 fmt::format("{}: other writes were in the way ({}); try again", where, words));
  if (state == "55P03")
    return Error(
        ErrorCode::Unavailable,
        fmt::format("{} is locked by another process (waited {} ms); end that process or try again",
                    where, busy_timeout.count()));
  if (state == "57014")
    return Error(ErrorCode::Unavailable,
                 fmt::format("{} took too long for a statement ({}); try again", where, words));
  if (state == "25006")
    return Error(ErrorCode::Unavailable,
                 fmt::format("{} takes no writes ({}); name the primary server", where, words));
  if (state == "53100")
    return Error(ErrorCode::ResourceExhausted,
                 fmt::format("writing {}: its disk is full; free some space and try again", where));
  if (state.starts_with("53") || state.starts_with("54"))
    return Error(ErrorCode::ResourceExhausted, fmt::format("{}: {}", where, words));
  if (state == "42501" || state.starts_with("28"))
    return Error(
        ErrorCode::PermissionDenied,
        fmt::format("{}: {}; grant this user the right, or name another in the URL", where, words));
  if (state == "42P01" || state == "3F000")
    return Error(ErrorCode::Corrupt,
                 fmt::format("{}: {}; somebody removed it: restore a backup", where, words));
  if (state == "XX001" || state == "XX002")
    return Error(ErrorCode::Corrupt,
                 fmt::format("{} is damaged ({}); restore it from a backup", where, words));
  return Error(ErrorCode::Internal, fmt::format("{}: unexpected answer {} from PostgreSQL: {}; "
                                                "please report it",
                                                where, state, words));
}

}  // namespace martlet::metadata::internal
