// models/internal/training_spec.h: the file by which a parent tells a training child what to do,
// and what it gets back.
//
// Both ends are the same binary, but the file lies on a disk in between: it carries a version and a
// digest, and a child that reads something else says so instead of training on it. Layout: kMagic,
// version (u32), size of the JSON (u32), SHA-256 of all that follows the header, the JSON, then the
// arrays in the order of `sections`, as they lie in memory (both ends run on one machine).
#pragma once
#include "base/file_system.h"
#include "base/json.h"
#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

inline constexpr std::string_view kSpecFile = "spec.bin";
inline constexpr std::string_view kModelFile = "model.txt";
inline constexpr std::string_view kResultFile = "result.json";

// Lines on the child's stdout that begin with this hold a JSON object with round, rounds, metric
// and value.
inline constexpr std::string_view kProgressPrefix = "progress ";

struct SpecRows {
  std::uint64_t rows = 0;
  std::string values;   // doubles, row-major
  std::string labels;   // floats: LightGBM keeps labels as such
  std::string weights;  // floats, or empty
};

struct TrainingSpec {
  std::vector<std::string> features;     // names that LightGBM accepts
  std::vector<std::size_t> categorical;  // indices
  std::vector<std::string> settings;     // "key=value" for LightGBM
  int rounds = 0;
  int early_stopping = 0;  // 0: never
  std::string metric;      // of metric in parameters.h
  double alpha = 0;        // for pinball
  SpecRows train;
  SpecRows validation;  // rows = 0: none
};

// What goes into the file without being copied first.
struct SpecView {
  const TrainingSpec* settings = nullptr;  // its rows are ignored
  std::span<const double> train_values, train_labels, train_weights;
  std::span<const double> validation_values, validation_labels, validation_weights;
};

Result<void> write_spec(FileSystem& files, const std::string& path, const SpecView& view);
// Corrupt when it is no such file, was cut off or changed; every size is checked against the file's
// before it is believed.
Result<TrainingSpec> read_spec(FileSystem& files, const std::string& path);

}  // namespace martlet::models
