#include "storage/content.h"

#include "base/random.h"

#include <fmt/format.h>

#include <charconv>

namespace martlet::storage {

std::string bytes_of(std::int64_t operation, int part) {
  SeededRandom random(static_cast<std::uint64_t>(operation) * 64 + static_cast<std::uint64_t>(part));
  static constexpr std::uint64_t kSizes[] = {1, 200, 600, 4096, 4097, 12'000, 40'000};
  std::string bytes(random.below(kSizes[random.below(std::size(kSizes))]), '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  return bytes;
}

tracking::RunBatch batch_of(std::int64_t operation) {
  tracking::RunBatch batch;
  for (std::int64_t i = 0; i <= operation % 4; ++i) {
    batch.metrics.push_back({fmt::format("m{}.{}", operation, i), static_cast<double>(operation) + 0.125 * static_cast<double>(i),
                             operation, Timestamp{operation * 1000}});
  }
  batch.metrics.push_back({"loss", 1.0 / static_cast<double>(operation), operation, Timestamp{operation * 1000}});
  batch.params[fmt::format("p{}", operation)] = std::string(static_cast<std::size_t>(operation % 700), 'v');
  batch.tags[fmt::format("t{}", operation)] = mark_of(operation);
  batch.tags["last"] = mark_of(operation);
  batch.inputs.push_back({fmt::format("i{}", operation), digest_of(mark_of(operation)).text(), "training", Json::object()});
  return batch;
}

std::map<std::string, std::string> package_of(std::int64_t operation) {
  return {{"manifest.json", mark_of(operation)},
          {"model/model.txt", bytes_of(operation, 1)},
          {"model/reference.json", bytes_of(operation, 2)}};
}

std::vector<monitoring::Truth> truths_of(std::int64_t operation) {
  std::vector<monitoring::Truth> truths;
  for (std::int64_t i = 0; i <= operation % 3; ++i)
    truths.push_back({fmt::format("k{}.{}", operation, i), static_cast<double>(operation + i), Timestamp{operation}});
  return truths;
}

columns::Batch rows_of(std::int64_t operation) {
  const auto count = static_cast<std::size_t>(3 + operation % 40);
  std::vector<std::int64_t> numbers;
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    numbers.push_back(operation * 100 + static_cast<std::int64_t>(i));
    values.push_back(static_cast<double>(numbers.back()) / 7);
  }
  return {columns::Schema({{"id", columns::Type::Int64}, {"x", columns::Type::Double}}),
          {columns::Column::of_int64s(std::move(numbers)), columns::Column::of_doubles(std::move(values))}};
}

int predictions_of(std::int64_t operation) { return 1 + static_cast<int>(operation % 5); }

std::string prediction_id(std::int64_t operation, int part) { return fmt::format("{}.{}", mark_of(operation), part); }

std::string mark_of(std::int64_t operation) { return fmt::format("op {}", operation); }

std::int64_t operation_of(std::string_view mark) {
  if (!mark.starts_with("op ")) return 0;
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(mark.data() + 3, mark.data() + mark.size(), number);
  return code == std::errc() ? number : 0;
}

}  // namespace martlet::storage
