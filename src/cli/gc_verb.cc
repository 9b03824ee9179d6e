// gc: removes what nothing in the store refers to.
#include "base/quantity.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/garbage.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

std::vector<std::string> row(const std::string& what,
                             const lifecycle::GarbageReport::Amount& amount) {
  return {what, std::to_string(amount.count), size_text(amount.bytes)};
}

}  // namespace

void add_gc(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "gc",
      "Removes what was deleted long ago, and blobs and temporary files that nothing refers to");
  auto dry_run = std::make_shared<bool>(false);
  auto older_than = std::make_shared<std::string>("24h");
  verb->add_flag("--dry-run", *dry_run, "count, remove nothing");
  verb->add_option("--older-than", *older_than,
                   "only what was stored longer ago than that; less than the longest step takes is "
                   "safe only while nothing else uses the store")
      ->capture_default_str();
  auto deleted_older_than = std::make_shared<std::string>("7d");
  verb->add_option("--deleted-older-than", *deleted_older_than,
                   "runs, logged models and experiments that were deleted longer ago than that are "
                   "removed for good, with their blobs")
      ->capture_default_str();
  verb->footer("Example:\n  martlet gc --dry-run");
  verb->callback([&session, dry_run, older_than, deleted_older_than] {
    session.action = [&session, dry_run, older_than, deleted_older_than]() -> Result<int> {
      lifecycle::GarbageOptions options;
      auto age = parse_duration(*older_than);
      if (!age.has_value()) return fail(std::move(age).error().with_context("--older-than"));
      options.older_than = *age;
      auto deleted_age = parse_duration(*deleted_older_than);
      if (!deleted_age.has_value())
        return fail(std::move(deleted_age).error().with_context("--deleted-older-than"));
      options.deleted_older_than = *deleted_age;
      if (*dry_run) options.mode = lifecycle::GarbageOptions::Mode::OnlyCount;
      MARTLET_TRY_SET(const auto store, session.existing_store());
      const Interrupt interrupt(options.cancel);
      MARTLET_TRY_SET(const lifecycle::GarbageReport report,
                      lifecycle::collect_garbage(*store, options));
      session.console.print_json(report.to_json());
      session.console.table(
          {*dry_run ? "would be removed" : "removed", "count", "size"},
          {{"deleted runs, models, experiments", std::to_string(report.deleted.count), ""},
           row("blobs", report.blobs),
           row("temporary files", report.leftovers),
           row("logs", report.logs)});
      session.console.print(
          fmt::format("{} are kept since something refers to them, {} since they came after {}",
                      report.kept.count, report.too_young.count, to_text(report.cutoff)));
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
