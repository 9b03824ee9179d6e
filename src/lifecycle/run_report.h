// lifecycle/run_report.h: the report of one run, whatever its state: what was asked, what came out,
// how sure that is, on which data, and how to have it again.
//
// Pure functions of the dossier: the same run gives the same document.
#pragma once
#include "lifecycle/dossier.h"
#include "report/document.h"

namespace martlet::lifecycle {

report::Document report_of_run(const Dossier& dossier);

}  // namespace martlet::lifecycle
