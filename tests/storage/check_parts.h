// tests/storage/check_parts.h: the checks of the store's parts, one for each owner of records. Each compares what it finds
// with the ledger, collects the blobs that records refer to, and reports violations; an Error means that the store
// refused to be read.
#pragma once
#include "base/digest.h"
#include "storage/expectation.h"
#include "storage/store_check.h"

#include <set>

namespace martlet::storage {

Result<void> check_runs(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report);
Result<void> check_models(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report);
Result<void> check_datasets(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report);
Result<void> check_truth(World& world, Expectation& expected, CheckReport& report);
Result<void> check_predictions(World& world, Expectation& expected, CheckReport& report);
Result<void> check_pipelines(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report);
Result<void> check_claims(World& world, Expectation& expected, CheckReport& report);

}  // namespace martlet::storage
