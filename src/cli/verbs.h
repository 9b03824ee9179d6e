// cli/verbs.h: every verb of the command, one file each. A verb adds its subcommand and flags, and
// leaves what it does in session.action.
#pragma once

namespace CLI {
class App;
}

namespace martlet::cli {

class Session;

void add_backup(CLI::App& app, Session& session);
void add_check(CLI::App& app, Session& session);
void add_data(CLI::App& app, Session& session);
void add_demo(CLI::App& app, Session& session);
void add_drift(CLI::App& app, Session& session);
void add_evaluate(CLI::App& app, Session& session);
void add_explain(CLI::App& app, Session& session);
void add_gc(CLI::App& app, Session& session);
void add_graph(CLI::App& app, Session& session);
void add_lineage(CLI::App& app, Session& session);
void add_logs(CLI::App& app, Session& session);
void add_migrate(CLI::App& app, Session& session);
void add_models(CLI::App& app, Session& session);
void add_models_alias(CLI::App& models, Session& session);
void add_models_copy(CLI::App& models, Session& session);
void add_models_delete(CLI::App& models, Session& session);
void add_models_describe(CLI::App& models, Session& session);
void add_models_promote(CLI::App& models, Session& session);
void add_models_rename(CLI::App& models, Session& session);
void add_models_rollback(CLI::App& models, Session& session);
void add_models_search(CLI::App& models, Session& session);
void add_models_tag(CLI::App& models, Session& session);
void add_monitor(CLI::App& app, Session& session);
void add_monitor_tick(CLI::App& monitor, Session& session);
void add_monitor_truth(CLI::App& monitor, Session& session);
void add_predict(CLI::App& app, Session& session);
void add_predict_model(CLI::App& app, Session& session);
void add_problem(CLI::App& app, Session& session);
void add_ps(CLI::App& app, Session& session);
void add_reproduce(CLI::App& app, Session& session);
void add_retrain(CLI::App& app, Session& session);
void add_restore(CLI::App& app, Session& session);
void add_resume(CLI::App& app, Session& session);
void add_run(CLI::App& app, Session& session);
void add_runs(CLI::App& app, Session& session);
void add_serve(CLI::App& app, Session& session);
void add_simulate(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_version(CLI::App& app, Session& session);
void add_why(CLI::App& app, Session& session);

}  // namespace martlet::cli
