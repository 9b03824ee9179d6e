#include "metadata/internal/row_stream.h"

#include "metadata/internal/dialect.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace martlet::metadata::internal {

namespace {

// Rows are fetched by the thousand while they are small: what is in memory stays bounded.
constexpr std::int64_t kFirstPage = 500;
constexpr std::int64_t kMaxPage = 4000;
constexpr std::size_t kLargePage = 8u << 20;  // bytes; the next one has fewer rows
constexpr std::size_t kSmallPage = 1u << 20;

std::size_t bytes_of(const Row& row) {
  std::size_t bytes = 0;
  for (const Value& value : row) {
    bytes += sizeof(Value);
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* blob = std::get_if<Blob>(&value)) bytes += blob->bytes.size();
  }
  return bytes;
}

std::string names(const StoredTable& table, const std::vector<std::size_t>& columns) {
  std::string list;
  for (const std::size_t index : columns)
    list += (list.empty() ? "" : ", ") + identifier(table.columns[index]);
  return list;
}

// Null for what the store means by it.
const double* real_of(const Value& value) {
  const auto* real = std::get_if<double>(&value);
  return real == nullptr || std::isnan(*real) ? nullptr : real;
}
bool is_null(const Value& value) {
  const auto* real = std::get_if<double>(&value);
  return std::holds_alternative<std::monostate>(value) || (real != nullptr && std::isnan(*real));
}

bool same_value(const Value& left, const Value& right) {
  if (is_null(left) || is_null(right)) return is_null(left) && is_null(right);
  return left == right;  // 0.0 == -0.0
}

void append_number(std::string& bytes, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
}

// Without ambiguity: a letter for the type, numbers with the highest byte first, lengths before
// texts.
void append_value(std::string& bytes, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    bytes += 'i';
    append_number(bytes, static_cast<std::uint64_t>(*integer));
  } else if (const double* real = real_of(value)) {
    bytes += 'r';
    append_number(bytes, std::bit_cast<std::uint64_t>(*real == 0 ? 0.0 : *real));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    bytes += 't';
    append_number(bytes, text->size());
    bytes += *text;
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    bytes += 'b';
    append_number(bytes, blob->bytes.size());
    bytes += blob->bytes;
  } else {
    bytes += 'n';
  }
}

std::strong_ordering compare_values(const Value& left, const Value& right) {
  if (left.index() != right.index()) return left.index() <=> right.index();
  if (const auto* integer = std::get_if<std::int64_t>(&left))
    return *integer <=> std::get<std::int64_t>(right);
  if (const auto* text = std::get_if<std::string>(&left))
    return text->compare(std::get<std::string>(right)) <=> 0;
  if (const auto* blob = std::get_if<Blob>(&left))
    return blob->bytes.compare(std::get<Blob>(right).bytes) <=> 0;
  if (const auto* real = std::get_if<double>(&left)) {
    const double other = std::get<double>(right);
    return *real < other   ? std::strong_ordering::less
           : *real > other ? std::strong_ordering::greater
                           : std::strong_ordering::equal;
  }
  return std::strong_ordering::equal;
}

}  // namespace

RowStream::RowStream(Connection& connection, const StoredTable& table)
    : connection_(connection), table_(table), page_rows_(kFirstPage) {
  const Dialect& dialect = connection.dialect();
  const std::string key = names(table, table.key);
  std::string list;
  for (const std::string& column : table.columns)
    list += (list.empty() ? "" : ", ") + identifier(column);
  const std::string select = fmt::format("SELECT {} FROM {}", list, identifier(table.name));
  const std::string order = fmt::format(" ORDER BY {} LIMIT ", key);
  std::string after;
  for (std::size_t i = 0; i < table.key.size(); ++i)
    after += (after.empty() ? "" : ", ") + dialect.placeholder(i + 1);
  first_page_ = select + order + dialect.placeholder(1);
  next_page_ = fmt::format("{} WHERE ({}) > ({}){}{}", select, key, after, order,
                           dialect.placeholder(table.key.size() + 1));
}

Result<void> RowStream::fetch() {
  std::vector<Value> bound = last_key_;
  bound.emplace_back(page_rows_);
  MARTLET_TRY_SET(Outcome outcome,
                  connection_.read(last_key_.empty() ? first_page_ : next_page_, bound));
  page_ = std::move(outcome.rows);
  at_ = 0;
  over_ = static_cast<std::int64_t>(page_.size()) < page_rows_;
  if (page_.empty()) return {};
  last_key_ = key_of(table_, page_.back());
  std::size_t bytes = 0;
  for (const Row& row : page_) bytes += bytes_of(row);
  if (bytes > kLargePage && page_rows_ > 1) page_rows_ /= 2;
  if (bytes < kSmallPage && page_rows_ < kMaxPage) page_rows_ *= 2;
  return {};
}

Result<const Row*> RowStream::peek() {
  if (at_page_end()) MARTLET_TRY(fetch());
  return at_ < page_.size() ? &page_[at_] : nullptr;
}

void RowStream::pop() {
  std::string bytes;
  for (const Value& value : page_[at_]) append_value(bytes, value);
  hasher_.update(std::string_view(bytes));
  ++rows_;
  ++at_;
}

TableSum RowStream::sum() { return {rows_, hasher_.finish()}; }

Row key_of(const StoredTable& table, const Row& row) {
  Row key;
  for (const std::size_t index : table.key) key.push_back(row[index]);
  return key;
}

std::string key_text(const StoredTable& table, const Row& row) {
  std::string text;
  for (const std::size_t index : table.key)
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", table.columns[index], to_text(row[index]));
  return text;
}

std::strong_ordering compare_keys(const StoredTable& table, const Row& left, const Row& right) {
  for (const std::size_t index : table.key) {
    const auto order = compare_values(left[index], right[index]);
    if (order != std::strong_ordering::equal) return order;
  }
  return std::strong_ordering::equal;
}

bool same_rows(const Row& left, const Row& right) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same_value(left[i], right[i])) return false;
  }
  return left.size() == right.size();
}

}  // namespace martlet::metadata::internal
