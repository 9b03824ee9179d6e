// The martlet command: global flags, one subcommand per verb, and the one place where an error
// becomes words and an exit status.
#include "cli/session.h"
#include "cli/verbs.h"
#include "models/training_child.h"
#include "server/error_mapping.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

namespace {

using martlet::Error;
using martlet::cli::Session;

// The same words on stdout, for scripts, and on stderr, for people.
int report(const Session& session, const Error& error) {
  if (session.console.json) {
    martlet::Json findings = martlet::Json::array();
    for (const martlet::Finding& finding : error.findings()) {
      findings.push_back(martlet::Json{{"path", finding.path},
                                       {"rule", finding.rule},
                                       {"message", finding.message},
                                       {"file", finding.file},
                                       {"line", finding.line},
                                       {"column", finding.column}});
    }
    session.console.print_json(
        martlet::Json{{"error", martlet::Json{{"code", std::string(martlet::name_of(error.code()))},
                                              {"message", error.message()},
                                              {"findings", std::move(findings)}}}});
  }
  session.console.complain("martlet: " + error.message());
  return martlet::server::exit_status(error.code());
}

void add_verbs(CLI::App& app, Session& session) {
  using namespace martlet::cli;
  add_run(app, session);
  add_resume(app, session);
  add_status(app, session);
  add_ps(app, session);
  add_logs(app, session);
  add_explain(app, session);
  add_reproduce(app, session);
  add_lineage(app, session);
  add_why(app, session);
  add_graph(app, session);
  add_check(app, session);
  add_problem(app, session);
  add_data(app, session);
  add_evaluate(app, session);
  add_drift(app, session);
  add_runs(app, session);
  add_models(app, session);
  add_predict(app, session);
  add_predict_model(app, session);
  add_serve(app, session);
  add_monitor(app, session);
  add_retrain(app, session);
  add_simulate(app, session);
  add_verify(app, session);
  add_gc(app, session);
  add_backup(app, session);
  add_restore(app, session);
  add_migrate(app, session);
  add_demo(app, session);
  add_version(app, session);
}

int run(int argc, char** argv) {
  // Training children come first: they open no store and start no threads before the library does.
  if (argc > 1 && std::string_view(argv[1]) == "train-child") {
    return martlet::models::run_training_child(std::vector<std::string>(argv + 2, argv + argc));
  }
  Session session;
  CLI::App app("martlet runs the whole machine-learning lifecycle: problem, data, features, "
               "models, evaluation, deployment, monitoring, retraining.",
               "martlet");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_flag("-h,--help", "what this does");
  app.add_flag("--json", session.console.json, "print one JSON document on stdout");
  app.add_flag("-q,--quiet", session.console.quiet, "no progress on stderr");
  app.add_option("--project", session.project_path,
                 "the project's folder or file; default: ./martlet.yaml");
  app.add_option("--store", session.store_path,
                 "the store's folder, or the PostgreSQL server that keeps its records "
                 "(postgres://USER@HOST/DATABASE); default: .martlet beside the project file")
      ->envname("MARTLET_STORE");
  app.add_option("--blobs", session.blobs_place,
                 "for a store that is made by this call: keep its blobs on an S3 server, "
                 "s3://BUCKET/PREFIX?endpoint=URL&region=NAME; default: in the store's folder")
      ->envname("MARTLET_BLOBS");
  app.add_option("--log", session.log_level, "debug, info, warn, error or off")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--log-format", session.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_verbs(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_help = error.get_exit_code() == 0;
    app.exit(error);
    return is_help ? 0 : 2;
  }
  auto done = session.action();
  return done.has_value() ? *done : report(session, done.error());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "martlet: out of memory; what was committed is safe, run the command again with "
                 "less data or more memory\n";
    return 3;
  } catch (const std::exception& error) {
    std::cerr << "martlet: internal error: " << error.what() << "; please report it\n";
    return 70;
  }
}
