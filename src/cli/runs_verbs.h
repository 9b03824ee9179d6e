// cli/runs_verbs.h: the verbs below `runs`, one file each.
#pragma once

namespace CLI {
class App;
}

namespace martlet::cli {

class Session;

void add_runs_import(CLI::App& runs, Session& session);
void add_runs_list(CLI::App& runs, Session& session);
void add_runs_note(CLI::App& runs, Session& session);
void add_runs_search(CLI::App& runs, Session& session);

}  // namespace martlet::cli
