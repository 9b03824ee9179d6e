// runs note: what a person says of a run.
#include "cli/runs_verbs.h"
#include "cli/session.h"
#include "lifecycle/run_search.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <iterator>

namespace martlet::cli {

namespace {

struct NoteFlags {
  std::string run, text, file;
};

Result<std::string> text_of(Session& session, const NoteFlags& flags, bool has_text) {
  if (has_text && !flags.file.empty())
    return invalid_argument("a note comes from TEXT or from --file, not from both");
  if (!flags.file.empty() && flags.file != "-") return session.host().files.read_file(flags.file);
  if (has_text && flags.text != "-") return flags.text;
  if (!has_text && flags.file.empty())
    return invalid_argument("what is the note? give TEXT, --file FILE, or - for stdin");
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

void add_runs_note(CLI::App& runs, Session& session) {
  CLI::App* verb =
      runs.add_subcommand("note", "Sets a run's note, which `runs show` and MLflow's clients show");
  auto flags = std::make_shared<NoteFlags>();
  verb->add_option("run", flags->run,
                   "its id, its pipeline run's id (or the beginning of either), or latest")
      ->required();
  CLI::Option* text =
      verb->add_option("text", flags->text, "the note; - reads it from stdin; \"\" removes it");
  verb->add_option("--file", flags->file, "reads the note from this file; - is stdin");
  verb->footer("Example:\n  martlet runs note latest \"trained on the mended weather\"");
  verb->callback([&session, flags, text] {
    session.action = [&session, flags, text]() -> Result<int> {
      MARTLET_TRY_SET(const std::string note, text_of(session, *flags, text->count() > 0));
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const tracking::Run run, lifecycle::set_note(*store, flags->run, note));
      session.console.print_json(
          Json{{"run", run.id.text()}, {"note", note.empty() ? Json(nullptr) : Json(note)}});
      session.console.print((note.empty() ? "no note any more: run " : "noted: run ") +
                            run.id.text());
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
