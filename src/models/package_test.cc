#include "base/file_system.h"
#include "base/random.h"
#include "models/linear_training.h"
#include "models/package.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace martlet::models {
namespace {

using columns::Batch;
using columns::Column;
using columns::Field;
using columns::Schema;
using columns::Type;

constexpr std::int64_t kHour = 3'600'000'000;
constexpr std::int64_t kStart = 1'356'998'400'000'000;  // 2013-01-01

Batch flights(std::size_t count) {
  SeededRandom random(3);
  std::vector<double> distance;
  std::vector<std::uint8_t> known;
  std::vector<std::string> carrier, origin;
  std::vector<std::int64_t> at;
  for (std::size_t i = 0; i < count; ++i) {
    distance.push_back(i % 50 == 3 ? std::numeric_limits<double>::infinity()
                                   : random.normal() * 500);
    known.push_back(i % 7 == 0 ? 0 : 1);
    carrier.push_back("c" + std::to_string(random.below(5)));
    origin.push_back(random.below(2) == 0 ? "JFK" : "LGA");
    at.push_back(kStart + static_cast<std::int64_t>(random.below(400)) * kHour);
  }
  return Batch(Schema({{"distance", Type::Double},
                       {"carrier", Type::Text},
                       {"origin", Type::Text},
                       {"scheduled_at", Type::Timestamp}}),
               {Column::of_doubles(distance, known), Column::of_texts(carrier),
                Column::of_texts(origin), Column::of_timestamps(at)});
}

Batch weather() {
  std::vector<std::string> origin;
  std::vector<std::int64_t> at;
  std::vector<double> wind;
  for (int hour = -48; hour < 2000; ++hour) {
    for (const char* airport : {"JFK", "LGA"}) {
      if (hour % 9 == 4) continue;
      origin.emplace_back(airport);
      at.push_back(kStart + hour * kHour);
      wind.push_back(hour * 0.37 + (airport[0] == 'J' ? 1 : 0));
    }
  }
  return Batch(
      Schema({{"origin", Type::Text}, {"time_hour", Type::Timestamp}, {"wind", Type::Double}}),
      {Column::of_texts(origin), Column::of_timestamps(at), Column::of_doubles(wind)});
}

// A logistic model of flights with a look-up, and everything that goes into its package.
struct Trained {
  std::optional<features::Fitted> fitted;
  TrainedModel model;
  PackageContents contents;

  Trained() {
    const Batch rows = flights(600);
    features::FitRequest request;
    request.rows = rows;
    for (std::uint32_t i = 0; i < 600; ++i) request.training_rows.push_back(i);
    for (std::size_t i = 0; i < 600; ++i)
      request.target.push_back(static_cast<double>(i * 7 % 3 == 0));
    request.family = features::Family::Linear;
    request.decided_at.time = "scheduled_at";
    features::LookupConfig lookup;
    lookup.name = "weather_then";
    lookup.dataset = "weather";
    lookup.keys = {{"origin", "origin"}};
    lookup.at = "time_hour";
    lookup.features = {"wind"};
    lookup.max_age = std::chrono::hours(3);
    request.config.lookups = {lookup};
    request.config.columns.push_back({});
    request.config.columns.back().name = "distance";
    request.config.columns.back().clip = {};
    auto table = features::LookupTable::build(lookup, weather(), "v1", Zone::utc());
    EXPECT_TRUE(table.has_value());
    request.lookups["weather_then"] = *table;
    // Infinite amounts can be scored, not learnt from.
    request.training_rows.clear();
    for (std::uint32_t i = 0; i < 600; ++i) {
      if (i % 50 != 3) request.training_rows.push_back(i);
    }
    auto fit = features::FeatureProgram::fit(request);
    EXPECT_TRUE(fit.has_value()) << (fit.has_value() ? "" : fit.error().message());
    fitted.emplace(std::move(*fit));
    std::vector<double> labels;
    for (const std::uint32_t i : request.training_rows) labels.push_back(request.target[i]);
    TrainRequest training;
    training.train = {.matrix = &fitted->training, .labels = labels};
    auto trained = LinearTrainer(LinearKind::Logistic).train(training);
    EXPECT_TRUE(trained.has_value()) << (trained.has_value() ? "" : trained.error().message());
    model = std::move(*trained);
    contents.name = "flight-delay";
    contents.target = "late";
    contents.program = &fitted->program;
    contents.model = &model;
    contents.threshold = 0.4;
    contents.units["distance"] = "mi";
    contents.profile = {{"columns", Json::array()}};
    contents.provenance.run_id = "abc";
    contents.provenance.libraries = {{"lightgbm", "4.7.0"}};
    contents.golden_rows = rows;
    contents.lookups = request.lookups;
    contents.lookup_rows["weather_then"] = weather();
  }
};

const Trained& trained() {
  static const Trained kTrained;
  return kTrained;
}

const PackageFiles& files() {
  static const PackageFiles kFiles = *build_package(trained().contents);
  return kFiles;
}

Package::Reader reader_of(const PackageFiles& package) {
  return [&package](const std::string& path) -> Result<std::string> {
    const auto found = package.find(path);
    if (found == package.end()) return not_found("no " + path);
    return found->second;
  };
}

// Replaces a file and mends the manifest, as someone would who knows the format.
PackageFiles with_file(const std::string& path, const std::string& bytes) {
  PackageFiles changed = files();
  changed[path] = bytes;
  auto manifest = *Manifest::parse(changed["martlet.json"]);
  manifest.files[path] = {.digest = digest_of(bytes), .size_bytes = bytes.size()};
  changed["martlet.json"] = manifest.to_bytes();
  return changed;
}

void expect_corrupt(const PackageFiles& package, std::string_view part) {
  const auto opened = Package::open(reader_of(package));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), ErrorCode::Corrupt);
  EXPECT_NE(opened.error().message().find(part), std::string::npos) << opened.error().message();
}

TEST(Package, what_was_built_opens_and_its_golden_predictions_hold) {
  const auto package = Package::open(reader_of(files()));
  ASSERT_TRUE(package.has_value()) << package.error().message();
  const Manifest& manifest = (*package)->manifest();
  EXPECT_EQ(manifest.name, "flight-delay");
  EXPECT_EQ(manifest.task, "binary");
  EXPECT_EQ(manifest.threshold, 0.4);
  EXPECT_EQ(manifest.inputs, trained().fitted->program.inputs());
  EXPECT_EQ(manifest.units.at("distance"), "mi");
  EXPECT_EQ(manifest.provenance.run_id, "abc");
  EXPECT_EQ(manifest.link.kind, LinkKind::Sigmoid);
  EXPECT_EQ((*package)->digest(), package_digest(files()));
  const auto verified = (*package)->verify_golden();
  ASSERT_TRUE(verified.has_value()) << verified.error().message();
  EXPECT_EQ(*verified, 600u);
}

TEST(Package, a_raw_row_scores_the_same_in_a_batch_by_itself_and_before_packing) {
  const auto package = *Package::open(reader_of(files()));
  const auto served = *package->raw_predictor(trained().contents.lookups);
  const auto fresh = *make_raw_predictor(trained().fitted->program, trained().model.predictor,
                                         trained().contents.lookups, 0.4);
  const Batch rows = flights(300);
  const std::vector<double> scores = *served->scores(rows);
  EXPECT_EQ(scores, *fresh->scores(rows));
  const auto scorer = *served->row_scorer();
  const std::vector<features::InputField>& inputs = served->inputs();
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    std::vector<columns::Cell> cells;
    for (const features::InputField& input : inputs)
      cells.push_back(rows.find(input.name)->cell(i));
    const auto score = scorer->score(cells);
    ASSERT_TRUE(score.has_value()) << score.error().message();
    EXPECT_EQ(std::bit_cast<std::uint64_t>(*score), std::bit_cast<std::uint64_t>(scores[i])) << i;
  }
  EXPECT_EQ(scorer->hits().size(), 1u);
  EXPECT_EQ(served->threshold(), 0.4);
  EXPECT_TRUE(decide(0.4, 0.4));
  EXPECT_FALSE(decide(0.39, 0.4));
}

TEST(Package, the_same_contents_give_the_same_bytes) {
  EXPECT_EQ(*build_package(trained().contents), files());
}

TEST(Package, only_those_rows_of_a_look_up_travel_along_that_golden_rows_may_find) {
  EXPECT_LT(files().at("lookups/0.jsonl").size(), 60000u);
  PackageContents without = trained().contents;
  without.lookup_rows.clear();
  EXPECT_EQ(build_package(without).error().code(), ErrorCode::InvalidArgument);
}

TEST(Package, at_most_a_thousand_golden_rows_are_kept) {
  PackageContents many = trained().contents;
  many.golden_rows = flights(2500);
  const PackageFiles built = *build_package(many);
  EXPECT_EQ((*Package::open(reader_of(built)))->golden_rows().rows(), 1000u);
}

TEST(Package, is_an_mlflow_model_without_a_lightgbm_flavour) {
  const std::string& text = files().at("MLmodel");
  EXPECT_NE(text.find("  python_function:\n    loader_module: martlet\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("lightgbm"), std::string::npos);
  const auto sbom = parse_json(files().at("sbom.json"));
  EXPECT_EQ((*sbom)["components"][0]["version"], "4.7.0");
}

TEST(Package, a_changed_byte_in_any_file_is_refused) {
  for (const auto& [path, bytes] : files()) {
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      PackageFiles changed = files();
      changed[path][at] = static_cast<char>(changed[path][at] ^ 1);
      const auto opened = Package::open(reader_of(changed));
      // A changed manifest is another package: it may open when what it says still holds.
      if (path == kManifestFile && opened.has_value()) {
        EXPECT_NE((*opened)->digest(), package_digest(files()));
        continue;
      }
      EXPECT_FALSE(opened.has_value()) << path << " at " << at;
    }
    PackageFiles cut = files();
    cut[path].resize(bytes.size() / 2);
    EXPECT_FALSE(Package::open(reader_of(cut)).has_value()) << path;
    PackageFiles missing = files();
    missing.erase(path);
    EXPECT_FALSE(Package::open(reader_of(missing)).has_value()) << path;
  }
}

TEST(Package, files_that_do_not_fit_together_are_refused_although_their_digests_hold) {
  const LinearModel narrow(LinearKind::Logistic, 0, {{.name = "only"}});
  expect_corrupt(with_file("model/model.json", narrow.to_bytes()), "doesn't take what");
  expect_corrupt(with_file("model/model.json", "{}"), "linear model");
  expect_corrupt(with_file("reference/golden.jsonl", "{\"schema\": []}\n"), "golden rows");
  expect_corrupt(with_file("lookups/0.jsonl", ""), "schema is missing");
  expect_corrupt(with_file("../escape", "x"), "not allowed");
  expect_corrupt(with_file("/etc/passwd", "x"), "not allowed");
  PackageFiles other = files();
  auto manifest = *Manifest::parse(other["martlet.json"]);
  manifest.feature_program = digest_of("something else");
  other["martlet.json"] = manifest.to_bytes();
  expect_corrupt(other, "isn't the one the manifest names");
  manifest = *Manifest::parse(files().at("martlet.json"));
  manifest.flavour = "ridge";
  other["martlet.json"] = manifest.to_bytes();
  expect_corrupt(other, "holds a logistic model");
}

TEST(Package, a_golden_prediction_that_no_longer_holds_is_found) {
  std::string golden = files().at("reference/golden.jsonl");
  const std::size_t digit = golden.rfind("0.") + 4;
  golden[digit] = golden[digit] == '1' ? '2' : '1';
  const PackageFiles changed = with_file("reference/golden.jsonl", golden);
  const auto package = Package::open(reader_of(changed));
  ASSERT_TRUE(package.has_value()) << package.error().message();
  const auto verified = (*package)->verify_golden();
  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().code(), ErrorCode::Corrupt);
  EXPECT_NE(verified.error().message().find("golden row 599"), std::string::npos)
      << verified.error().message();
}

TEST(Package, a_directory_of_it_is_written_once_and_opens) {
  platform::RealFileSystem disk;
  const auto scratch = platform::TemporaryDirectory::create();
  ASSERT_TRUE(scratch.has_value());
  const std::string directory = join_path(scratch->path(), "package");
  ASSERT_TRUE(write_package(disk, directory, files()).has_value());
  EXPECT_EQ(write_package(disk, directory, files()).error().code(), ErrorCode::AlreadyExists);
  const auto package = Package::open_directory(disk, directory);
  ASSERT_TRUE(package.has_value()) << package.error().message();
  EXPECT_EQ((*package)->digest(), package_digest(files()));
  EXPECT_EQ(Package::open_directory(disk, scratch->path()).error().code(), ErrorCode::NotFound);
}

TEST(RawPredictor, a_model_that_does_not_fit_the_program_or_a_missing_table_is_refused) {
  const auto narrow = std::make_shared<const LinearModel>(
      LinearKind::Logistic, 0, std::vector<LinearColumn>{{.name = "only"}});
  EXPECT_EQ(make_raw_predictor(trained().fitted->program, narrow, trained().contents.lookups, {})
                .error()
                .code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(make_raw_predictor(trained().fitted->program, trained().model.predictor, {}, {})
                .error()
                .code(),
            ErrorCode::NotFound);
}

}  // namespace
}  // namespace martlet::models
