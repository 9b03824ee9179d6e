// verify: is the store what it was?
#include "base/quantity.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/verify.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

std::string object_text(const artifacts::BlobHolder& object) {
  std::string text = object.kind;
  if (!object.name.empty()) text += (text.empty() ? "" : " ") + object.name;
  if (!object.part.empty()) text += (text.empty() ? "" : ", ") + object.part;
  return text;
}

void show_damage(const Session& session, const lifecycle::Damage& damage) {
  session.console.print(session.console.red(damage.rule) + ": " + damage.message);
  for (const artifacts::BlobHolder& object : damage.objects)
    session.console.print("    of " + object_text(object));
  session.console.print("    what to do: " + damage.remedy);
}

void show(const Session& session, const lifecycle::VerifyReport& report) {
  session.console.print_json(report.to_json());
  for (const lifecycle::Damage& damage : report.damages) show_damage(session, damage);
  for (const std::string& note : report.notes)
    session.console.print(session.console.yellow("note: ") + note);
  const auto& counts = report.counts;
  session.console.print(fmt::format(
      "{} blobs ({}) are needed, {} were read; {} audit entries; {} predictions in {} segments",
      counts.blobs, size_text(counts.blob_bytes), counts.hashed, counts.audit_entries,
      counts.predictions, counts.segments));
  if (counts.reclaimable_blobs + counts.leftovers > 0) {
    session.console.print(
        fmt::format("nothing refers to {} blobs ({}), and there are {} temporary files ({}); "
                    "`martlet gc` removes the old ones",
                    counts.reclaimable_blobs, size_text(counts.reclaimable_bytes), counts.leftovers,
                    size_text(counts.leftover_bytes)));
  }
  session.console.print(
      report.sound() ? session.console.green("sound")
                     : session.console.red(fmt::format("{} damaged", report.damages.size())));
}

// Whatever keeps the store from being opened, nothing of it could be looked at.
Error not_opened(const Error& error) {
  if (error.code() == ErrorCode::NotFound || error.code() == ErrorCode::Conflict) return error;
  return Error(ErrorCode::Unavailable,
               error.message() + "; if it can't be mended, restore a backup into a new directory: "
                                 "`martlet restore BACKUP --store DIR`");
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "verify", "Whether everything in the store is what it was; names what is damaged");
  auto quick = std::make_shared<bool>(false);
  verb->add_flag("--quick", *quick, "look whether blobs are there, but don't read them");
  verb->footer(
      "Exit status 0 when it is sound, 1 when something is damaged, 3 when the store can't "
      "be opened at all.\nExample:\n  martlet verify --json");
  verb->callback([&session, quick] {
    session.action = [&session, quick]() -> Result<int> {
      auto store = session.existing_store();
      if (!store.has_value()) return fail(not_opened(store.error()));
      lifecycle::VerifyOptions options;
      options.depth =
          *quick ? lifecycle::VerifyOptions::Depth::Quick : lifecycle::VerifyOptions::Depth::Full;
      const Interrupt interrupt(options.cancel);
      MARTLET_TRY_SET(const lifecycle::VerifyReport report,
                      lifecycle::verify_store(**store, options));
      show(session, report);
      return report.sound() ? kSuccess : kWorkFailed;
    };
  });
}

}  // namespace martlet::cli
