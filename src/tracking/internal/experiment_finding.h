// tracking/internal/experiment_finding.h: from a search to experiments.
//
// Attributes are asked of the database. Tags live within an experiment's record and are looked at
// here, one record after another: a store has some thousands of experiments at most.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/experiment_search.h"
#include "tracking/internal/records.h"

namespace martlet::tracking {

Experiment experiment_of(const ExperimentRecord& record);

// InvalidArgument naming the clause or the term that can't be understood.
Result<ExperimentPage> find_experiments(const metadata::ReadTransaction& tx,
                                        const ExperimentSearch& search);

}  // namespace martlet::tracking
