// lifecycle/explain_difference.h: where two outputs of other digests differ, from their content:
// {where, expected, actual, …}, or null when nothing can be told.
//
// Each takes the store and digest of what was recorded, and of what came out now. NotFound and
// Corrupt for a blob that can't be read.
#pragma once
#include "base/digest.h"
#include "base/first_difference.h"
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/store.h"

#include <string>

namespace martlet::lifecycle {

// One output, in the store that holds it.
struct StoredOutput {
  const Store& store;
  Digest digest;
};

Json difference_json(const JsonDifference& difference);

// JSON documents: feature programs, splits.
Result<Json> explain_document(const StoredOutput& expected, const StoredOutput& actual);
Result<Json> explain_model(const StoredOutput& expected, const StoredOutput& actual);
// Versions of the dataset.
Result<Json> explain_dataset(const std::string& dataset, const StoredOutput& expected,
                             const StoredOutput& actual);

// Trees of files. A file that differs is told before the manifest, which lists its digest.
struct PackageDifference {
  Json difference = nullptr;
  bool code_version_only = false;  // the packages differ in the program that they name, and in
                                   // nothing else
};
Result<PackageDifference> explain_package(const StoredOutput& expected, const StoredOutput& actual);

}  // namespace martlet::lifecycle
