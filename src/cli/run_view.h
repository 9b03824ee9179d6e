// cli/run_view.h: a run shown to people; shared by run, resume, status and demo.
#pragma once
#include "cli/session.h"
#include "lifecycle/run.h"

namespace martlet::cli {

// Progress on stderr while it goes on.
void watch(Session& session, lifecycle::RunRequest& request);
// The report on stdout, and the exit status that it means: 1 when a step or gate failed, 4 when
// machine learning isn't required.
int show_report(Session& session, const lifecycle::RunReport& report);

}  // namespace martlet::cli
