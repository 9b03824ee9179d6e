// data/config.h: the `data:` part of martlet.yaml, read and checked as a whole.
//
// Values. parse_data is called by whoever reads the project file.
#pragma once
#include "base/yaml.h"
#include "data/cleaning.h"
#include "data/expectation.h"
#include "data/source.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet::data {

struct DatasetConfig {
  std::string name = {};
  std::string source = {};  // the one source it is, row for row; else sql
  std::string sql = {};
  // The sources and other datasets that it reads, each once; the sql's tables. A name that is both
  // means the source within the dataset of that name, and the (cleaned) dataset everywhere else.
  std::vector<std::string> reads = {};
  std::vector<CleaningStep> clean = {};
  std::vector<Expectation> expect = {};
  bool implicit = false;         // made because a source has no dataset of its name
  bool expect_declared = false;  // `expect:` is there; else expectations are inferred
};

struct DataConfig {
  std::vector<FileSource> sources = {};
  // Those of the file in its order, then one for each source that has none of its name: so every
  // source is a dataset, too.
  std::vector<DatasetConfig> datasets = {};

  const FileSource* find_source(std::string_view name) const;
  const DatasetConfig* find_dataset(std::string_view name) const;
  // What a model learns from unless it says otherwise: the first dataset of the file, else the
  // first source's; nullptr when there is none.
  const DatasetConfig* main_dataset() const;
  // The dataset and all datasets it reads, in an order in which they can be built; itself last.
  // NotFound with the nearest name.
  Result<std::vector<const DatasetConfig*>> build_order(std::string_view name) const;
};

// Collects every problem: unknown keys and references with the nearest name, SQL that is no query,
// datasets that need each other.
DataConfig parse_data(const Yaml& node, std::vector<Finding>& findings);

}  // namespace martlet::data
