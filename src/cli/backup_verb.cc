// backup and restore: a copy of the whole store, and a store of a copy.
#include "base/quantity.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/backup.h"
#include "lifecycle/restore.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

void add_backup(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "backup", "Copies the whole store into a directory, while others go on using it");
  auto directory = std::make_shared<std::string>();
  auto quick = std::make_shared<bool>(false);
  verb->add_option("directory", *directory,
                   "new, empty, or an earlier backup, which is brought up "
                   "to date")
      ->required();
  verb->add_flag("--quick", *quick, "don't read again what the backup has already");
  verb->footer("Example:\n  martlet backup /mnt/backups/flights");
  verb->callback([&session, directory, quick] {
    session.action = [&session, directory, quick]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      lifecycle::BackupOptions options;
      if (*quick) options.check = lifecycle::BackupOptions::Check::OnlyNew;
      const Interrupt interrupt(options.cancel);
      MARTLET_TRY_SET(const lifecycle::BackupReport report,
                      lifecycle::back_up(*store, without_slash(*directory), options));
      session.console.print_json(report.to_json());
      session.console.print(
          fmt::format("{} holds {} blobs, {}; {} were copied ({}), {} were no longer needed",
                      report.directory, report.blobs, size_text(report.bytes), report.copied,
                      size_text(report.copied_bytes), report.removed));
      session.console.print("restore it with: martlet restore " + report.directory +
                            " --store NEW_DIRECTORY");
      return kSuccess;
    };
  });
}

void add_restore(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("restore", "Makes a store of a backup, and verifies it");
  auto backup = std::make_shared<std::string>();
  verb->add_option("backup", *backup, "a directory that `martlet backup` made")->required();
  verb->footer(
      "--store names the new store: a directory that is absent or empty. A restore that was "
      "cut short goes on when it is called again.\nExample:\n  martlet restore "
      "/mnt/backups/flights --store .martlet");
  verb->callback([&session, backup] {
    session.action = [&session, backup]() -> Result<int> {
      if (session.store_path.empty())
        return invalid_argument("restoring: name the new store's directory with --store");
      const CancelToken cancel;
      const Interrupt interrupt(cancel);
      MARTLET_TRY_SET(const lifecycle::RestoreReport report,
                      lifecycle::restore(session.host(), without_slash(*backup),
                                         without_slash(session.store_path), cancel));
      session.console.print_json(report.to_json());
      session.console.print(fmt::format("{}: {} blobs, {}, as of {}", report.directory,
                                        report.blobs, size_text(report.bytes),
                                        to_text(report.made)));
      for (const lifecycle::Damage& damage : report.verified.damages)
        session.console.print(session.console.red(damage.rule) + ": " + damage.message);
      session.console.print(report.verified.sound() ? session.console.green("sound")
                                                    : session.console.red("damaged"));
      return report.verified.sound() ? kSuccess : kWorkFailed;
    };
  });
}

}  // namespace martlet::cli
