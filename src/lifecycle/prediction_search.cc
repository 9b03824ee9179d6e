#include "lifecycle/prediction_search.h"

#include <algorithm>
#include <charconv>

namespace martlet::lifecycle {

namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kTimeDigits = 12;  // milliseconds, see new_id()

std::optional<Timestamp> moment_of(const std::string& id) {
  if (id.size() != kIdDigits) return std::nullopt;
  const bool is_hex = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!is_hex) return std::nullopt;
  std::int64_t milliseconds = 0;
  std::from_chars(id.data(), id.data() + kTimeDigits, milliseconds, 16);
  return Timestamp{milliseconds * 1000};
}

Result<std::vector<std::string>> folders_in(FileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  if (names.has_value()) return names;
  if (names.error().code() == ErrorCode::NotFound) return std::vector<std::string>();
  return fail(std::move(names).error());
}

}  // namespace

Result<std::optional<FoundPrediction>> find_prediction(const Store& store, const std::string& id) {
  const std::optional<Timestamp> moment = moment_of(id);
  if (!moment.has_value()) return std::optional<FoundPrediction>();
  const Duration around(kMicrosPerDay);
  FileSystem& files = store.host().files;
  const std::string root = store.predictions_directory("");
  std::optional<FoundPrediction> found;
  MARTLET_TRY_SET(const auto environments, folders_in(files, root));
  for (const std::string& environment : environments) {
    MARTLET_TRY_SET(const auto models, folders_in(files, join_path(root, environment)));
    for (const std::string& model : models) {
      const std::string deployment = environment + "/" + model;
      const auto look = [&](const columns::Schema& schema,
                            monitoring::Prediction entry) -> Result<void> {
        if (entry.id != id) return {};
        found = FoundPrediction{deployment, schema, std::move(entry)};
        return fail(ErrorCode::Cancelled, "found");
      };
      const auto read = monitoring::read_predictions(files, store.predictions_directory(deployment),
                                                     *moment - around, *moment + around, look);
      if (found.has_value()) return found;
      if (!read.has_value() && read.error().code() != ErrorCode::NotFound)
        return fail(read.error());
    }
  }
  return found;
}

}  // namespace martlet::lifecycle
