// deployment/tiny_models_testing.h: small models, trained in a moment, for the tests of deployment
// and server.
#pragma once
#include "base/random.h"
#include "deployment/served_model.h"
#include "models/linear_training.h"
#include "models/package.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace martlet::deployment::testing {

// "distance" (number, may be missing), "carrier" (text), "seats" (integer), "departs" (timestamp).
inline columns::Batch flights(std::size_t count, std::uint64_t seed = 3) {
  SeededRandom random(seed);
  std::vector<double> distance;
  std::vector<std::uint8_t> known;
  std::vector<std::string> carrier;
  std::vector<std::int64_t> seats, departs;
  for (std::size_t i = 0; i < count; ++i) {
    distance.push_back(random.normal() * 500);
    known.push_back(i % 7 == 0 ? 0 : 1);
    carrier.push_back("c" + std::to_string(random.below(4)));
    seats.push_back(static_cast<std::int64_t>(random.below(300)));
    departs.push_back(1'356'998'400'000'000 +
                      static_cast<std::int64_t>(random.below(2000)) * 3'600'000'000);
  }
  using columns::Column;
  using columns::Type;
  return {columns::Schema({{"distance", Type::Double},
                           {"carrier", Type::Text},
                           {"seats", Type::Int64},
                           {"departs", Type::Timestamp}}),
          {Column::of_doubles(distance, known), Column::of_texts(carrier), Column::of_int64s(seats),
           Column::of_timestamps(departs)}};
}

// Packages of another `seed` answer otherwise.
inline std::shared_ptr<const models::Package>
tiny_package(std::uint64_t seed, features::Task task = features::Task::Binary) {
  const bool binary = task == features::Task::Binary;
  const columns::Batch rows = flights(200, seed);
  SeededRandom random(seed + 100);
  features::FitRequest request;
  request.rows = rows;
  request.family = features::Family::Linear;
  request.task = task;
  request.decided_at.time = "departs";
  for (std::uint32_t i = 0; i < 200; ++i) {
    request.training_rows.push_back(i);
    request.target.push_back(binary ? static_cast<double>(random.below(2)) : random.normal() * 10);
  }
  auto fitted = features::FeatureProgram::fit(request);
  EXPECT_TRUE(fitted.has_value()) << (fitted.has_value() ? "" : fitted.error().message());
  models::TrainRequest training;
  training.task = task;
  training.train = {.matrix = &fitted->training, .labels = request.target};
  const auto kind = binary ? models::LinearKind::Logistic : models::LinearKind::Ridge;
  auto trained = models::LinearTrainer(kind).train(training);
  EXPECT_TRUE(trained.has_value()) << (trained.has_value() ? "" : trained.error().message());
  models::PackageContents contents;
  contents.name = "flight-delay";
  contents.target = "late";
  contents.program = &fitted->program;
  contents.model = &*trained;
  if (binary) contents.threshold = 0.4;
  contents.golden_rows = rows.slice(0, 50);
  auto files = models::build_package(contents);
  EXPECT_TRUE(files.has_value()) << (files.has_value() ? "" : files.error().message());
  auto package = models::Package::open([&](const std::string& path) -> Result<std::string> {
    const auto found = files->find(path);
    if (found == files->end()) return not_found(path);
    return found->second;
  });
  EXPECT_TRUE(package.has_value()) << (package.has_value() ? "" : package.error().message());
  return *package;
}

inline std::shared_ptr<const ServedModel> tiny_model(std::int64_t version, std::uint64_t seed,
                                                     features::Task task = features::Task::Binary) {
  auto served = ServedModel::create(
      {.package = tiny_package(seed, task),
       .lookups = {},
       .name = *registry::ModelName::parse("flight-delay"),
       .version = {version},
       .key = columns::Schema({{"flight", columns::Type::Text}, {"day", columns::Type::Date}}),
       .zone = Zone::utc()});
  EXPECT_TRUE(served.has_value()) << (served.has_value() ? "" : served.error().message());
  return *served;
}

}  // namespace martlet::deployment::testing
