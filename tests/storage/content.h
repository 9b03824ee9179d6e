// tests/storage/content.h: what an operation writes, as a function of its number: the workload makes it, the checker makes
// it again and compares. Pure functions.
#pragma once
#include "columns/batch.h"
#include "monitoring/truth.h"
#include "tracking/run.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace martlet::storage {

// From nothing to 40 KB; differs for each (operation, part).
std::string bytes_of(std::int64_t operation, int part = 0);
// Params, metrics, a tag and an input that no other operation writes.
tracking::RunBatch batch_of(std::int64_t operation);
std::map<std::string, std::string> package_of(std::int64_t operation);
std::vector<monitoring::Truth> truths_of(std::int64_t operation);
columns::Batch rows_of(std::int64_t operation);
int predictions_of(std::int64_t operation);  // how many
std::string prediction_id(std::int64_t operation, int part);
// "op 17": stands in descriptions, reasons and the like.
std::string mark_of(std::int64_t operation);
// The number in it; 0 when it is none.
std::int64_t operation_of(std::string_view mark);

}  // namespace martlet::storage
