// migrate: the store as another one, elsewhere.
#include "base/quantity.h"
#include "cli/blob_access.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/migrate.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

struct Flags {
  lifecycle::MigrateTarget target;
  std::string blobs;
  bool dry_run = false;
  bool quick = false;
  bool overwrite = false;
};

void show_tables(const Session& session, const lifecycle::MigrateReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& table : report.tables) {
    if (table.from.rows == 0 && table.none()) continue;
    rows.push_back({table.table, std::to_string(table.from.rows), std::to_string(table.missing),
                    std::to_string(table.changed), std::to_string(table.extra)});
  }
  session.console.table({"table", "rows", report.only_counted ? "to add" : "added",
                         report.only_counted ? "to change" : "changed",
                         report.only_counted ? "to remove" : "removed"},
                        rows);
}

void show_how_to_use_it(const Session& session, const Flags& flags,
                        const lifecycle::MigrateReport& report) {
  session.console.print("to use it: end what uses the old store, call this once more, and then");
  if (!report.to_server()) {
    session.console.print("  name it with --store " + report.to.files);
    return;
  }
  if (flags.target.files.empty()) {
    session.console.print(
        fmt::format("  mv {0} {0}.before && mv {1} {0}", report.from.files, report.to.files));
  } else {
    session.console.print("  work in the project whose .martlet is " + report.to.files);
  }
  session.console.print("  with --store and the URL that you gave to --to (or MARTLET_STORE)");
}

void show(const Session& session, const Flags& flags, const lifecycle::MigrateReport& report) {
  session.console.print_json(report.to_json());
  show_tables(session, report);
  const char* copied = report.only_counted ? "to copy" : "copied";
  session.console.print(fmt::format("{} of {} blobs {} ({} of {}), {} read and compared",
                                    report.blobs.copied, report.blobs.all, copied,
                                    size_text(report.blobs.copied_bytes),
                                    size_text(report.blobs.bytes), report.blobs.read));
  session.console.print(fmt::format(
      "{} of {} files of logs and predictions {} ({} of {})", report.files.copied, report.files.all,
      copied, size_text(report.files.copied_bytes), size_text(report.files.bytes)));
  if (report.files.only_there > report.files.removed)
    session.console.print(
        fmt::format("{} files of logs and predictions are only at the target, and stay there",
                    report.files.only_there - report.files.removed));
  for (const Digest& digest : report.left_out)
    session.console.print(session.console.yellow("note: ") + "blob " + digest.text() +
                          " is damaged and was left out; nothing needs it");
  if (report.from.blobs == report.to.blobs)
    session.console.print(session.console.yellow("note: ") + "both stores have their blobs in " +
                          report.to.blobs +
                          ": never call gc on the old one again, it would take the new one's");
  if (report.only_counted) return;
  session.console.print(session.console.green("complete") + " as of " + to_text(report.as_of) +
                        ": every row was compared" +
                        (flags.quick ? ", blobs by their size" : ", and every blob"));
  if (!report.newer.empty()) {
    std::string tables;
    for (const std::string& table : report.newer) tables += (tables.empty() ? "" : ", ") + table;
    session.console.print(session.console.yellow("newer since: ") + tables +
                          "; call this again, only what has changed is copied");
  }
  show_how_to_use_it(session, flags, report);
}

}  // namespace

void add_migrate(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "migrate", "Moves the store to another database or another place for blobs, while in use");
  auto flags = std::make_shared<Flags>();
  verb->add_option("--to", flags->target.records,
                   "where records go: postgres://USER@HOST/DATABASE?schema=NAME, or a new folder")
      ->required();
  verb->add_option("--blobs", flags->blobs,
                   "where blobs go: s3://BUCKET/PREFIX?endpoint=URL; default: the new store's "
                   "folder");
  verb->add_option("--files", flags->target.files,
                   "with postgres://: the folder for logs, predictions and, unless they go to S3, "
                   "blobs; default: beside the old one, with .migrated behind its name");
  verb->add_flag("--dry-run", flags->dry_run, "say what would be copied, copy nothing");
  verb->add_flag("--quick", flags->quick,
                 "compare blobs by their size, instead of reading them at the target");
  verb->add_flag("--overwrite", flags->overwrite,
                 "make a copy like this store again that was written to since; that is lost");
  verb->footer("The old store isn't changed. Called again, it copies what has changed since; "
               "killed, it goes "
               "on when it is called again. A target that holds another store is refused.\n"
               "Examples:\n"
               "  martlet migrate --to postgres://ann@db.example/ml --blobs 's3://models/flights'\n"
               "  martlet migrate --store postgres://ann@db.example/ml --to copies/flights");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      flags->target.blobs = blob_access(flags->blobs);
      lifecycle::MigrateOptions options;
      if (flags->dry_run) options.mode = lifecycle::MigrateOptions::Mode::OnlyCount;
      if (flags->quick) options.present = lifecycle::PresentBlobs::Trust;
      if (flags->overwrite) options.written_since = lifecycle::TargetFiles::Overwrite;
      options.progress = [&session](std::string_view phase, std::string_view status,
                                    const std::string& detail) {
        session.console.show_step(std::string(phase), std::string(status), detail);
      };
      const Interrupt interrupt(options.cancel);
      auto report = lifecycle::migrate(*store, flags->target, options);
      session.console.end_steps();
      if (!report.has_value()) return fail(std::move(report).error());
      show(session, *flags, *report);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
