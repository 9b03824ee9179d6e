// The flagship example's rows through its own feature configuration: columns and single rows agree
// bit for bit, on every row.
#include "data/dataset_builder.h"
#include "features/program.h"
#include "features/row_transform.h"
#include "lifecycle/frame.h"
#include "lifecycle/project.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <bit>

namespace martlet::lifecycle {
namespace {

TEST(FlightDelay, columns_and_single_rows_agree_bit_for_bit_on_every_row) {
  platform::RealFileSystem files;
  const std::string directory = std::string(MARTLET_SOURCE_DIR) + "/examples/flight-delay";
  const Project project = load_project(files, directory).value();
  data::BuildOptions options;
  options.directory = directory;
  options.zone = project.problem.zone;
  data::DatasetBuilder builder(project.data, files, options);
  const data::BuiltDataset built = builder.build(project.main_dataset().name).value();
  EXPECT_TRUE(built.passed());
  EXPECT_EQ(built.rows.rows(), 336'776u);
  features::Lookups lookups;
  for (const features::LookupConfig& config : project.features.lookups) {
    const data::BuiltDataset table = builder.build(config.dataset).value();
    lookups[config.name] =
        features::LookupTable::build(config, table.rows, "test", project.problem.zone).value();
  }
  const problem::Problem problem =
      problem::Problem::bind(project.problem, problem::Task::Binary, built.rows.schema()).value();
  const Frame frame = frame_of(problem, built.rows).value();
  EXPECT_EQ(frame.without_target(), 8'255u);

  for (const features::Family family : {features::Family::Tree, features::Family::Linear}) {
    features::FitRequest request;
    request.config = project.features;
    request.rows = frame.rows;
    request.training_rows.assign(frame.known.begin(), frame.known.begin() + 50'000);
    request.target = frame.actual;
    request.family = family;
    request.decided_at = {project.problem.decided_at, project.problem.time, project.problem.zone};
    request.hidden = {project.problem.target};
    request.not_features = project.problem.key;
    request.cleaning = travelling_steps(project.main_dataset());
    request.lookups = lookups;
    const features::FeatureProgram program = features::FeatureProgram::fit(request).value().program;
    const features::Matrix matrix = program.apply(frame.rows, lookups).value();
    features::RowTransform transform = features::RowTransform::create(program, lookups).value();
    std::vector<std::size_t> places;
    for (const features::InputField& input : program.inputs())
      places.push_back(frame.rows.schema().find(input.name).value());
    std::vector<columns::Cell> cells(places.size());
    std::vector<double> out(matrix.width());
    std::size_t differing = 0;
    for (std::size_t row = 0; row < frame.rows.rows(); ++row) {
      for (std::size_t i = 0; i < places.size(); ++i)
        cells[i] = frame.rows.column(places[i]).cell(row);
      ASSERT_TRUE(transform.apply(cells, out).has_value()) << row;
      for (std::size_t i = 0; i < out.size(); ++i) {
        if (std::bit_cast<std::uint64_t>(out[i]) !=
            std::bit_cast<std::uint64_t>(matrix.row(row)[i])) {
          ++differing;
          break;
        }
      }
    }
    EXPECT_EQ(differing, 0u);
  }
}

}  // namespace
}  // namespace martlet::lifecycle
