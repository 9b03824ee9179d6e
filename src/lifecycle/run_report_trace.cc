#include "lifecycle/internal/run_sections.h"

#include <fmt/format.h>

namespace martlet::lifecycle::internal {

namespace {

using workflow::StepStatus;

report::Cell status_cell(StepStatus status) {
  const std::string name(workflow::name_of(status));
  switch (status) {
    case StepStatus::Succeeded: return report::badge_cell(name, report::Tone::Good);
    case StepStatus::Failed: return report::badge_cell(name, report::Tone::Bad);
    case StepStatus::Skipped:
    case StepStatus::Cancelled: return report::badge_cell(name, report::Tone::Unsure);
    case StepStatus::Waiting:
    case StepStatus::Running:
    case StepStatus::Cached: break;
  }
  return report::badge_cell(name, report::Tone::Plain);
}

// Milliseconds are as exact as a step's time means anything.
report::Cell seconds_cell(const workflow::StepRecord& step) {
  const StepStatus status = step.step_status();
  const bool worked = status == StepStatus::Succeeded || status == StepStatus::Failed;
  return {worked ? fmt::format("{:.3f}", step.seconds) : "–", report::Cell::Kind::Number,
          report::Tone::Plain};
}

report::Table version_table(const Dossier& dossier) {
  report::Table table{{"dataset version", "as", "rows", "parts", "made", "digest"},
                      {},
                      "What was learnt from. A version's digest is that of its schema and parts, "
                      "so it names the very rows."};
  for (const auto& [name, version] : dossier.versions) {
    const bool main = dossier.project.has_value() && dossier.project->main_dataset().name == name;
    table.rows.push_back({report::text_cell(version.name()),
                          report::text_cell(main ? "training" : "look-up"),
                          report::count_cell(version.rows()),
                          report::count_cell(static_cast<std::int64_t>(version.parts.size())),
                          report::text_cell(second_text(version.created)),
                          report::code_cell(version.digest.text())});
  }
  return table;
}

void add_origins(const std::string& name, const data::DatasetVersion& version,
                 report::Section& section) {
  report::Table parts{{"part", "rows", "size", "digest"}, {}, ""};
  for (std::size_t i = 0; i < version.parts.size(); ++i) {
    const data::DatasetPart& part = version.parts[i];
    parts.rows.push_back(
        {report::count_cell(static_cast<std::int64_t>(i + 1)),
         report::count_cell(part.rows),
         {report::size_text(part.size_bytes), report::Cell::Kind::Number, report::Tone::Plain},
         report::code_cell(part.digest.text())});
  }
  section.blocks.emplace_back(report::Fold{"Parts of " + version.name(), std::move(parts)});
  report::Table files{{"source", "file", "size", "digest"}, {}, ""};
  for (const data::SourceFile& file : version.provenance.files) {
    files.rows.push_back({report::text_cell(file.source),
                          report::text_cell(file.path),
                          {report::size_text(static_cast<std::int64_t>(file.size_bytes)),
                           report::Cell::Kind::Number, report::Tone::Plain},
                          report::code_cell(file.digest.text())});
  }
  if (!files.rows.empty())
    section.blocks.emplace_back(
        report::Fold{"Files that " + version.name() + " was read from", std::move(files)});
  if (!version.provenance.parents.empty()) {
    report::Table parents{{"dataset", "version", "digest"}, {}, ""};
    for (const data::ParentVersion& parent : version.provenance.parents)
      parents.rows.push_back({report::text_cell(parent.dataset),
                              report::text_cell("v" + std::to_string(parent.number)),
                              report::code_cell(parent.digest.text())});
    section.blocks.emplace_back(
        report::Fold{"Versions that " + version.name() + " was made from", std::move(parents)});
  }
  if (!version.provenance.sql.empty())
    section.blocks.emplace_back(
        report::Fold{"SQL of " + name, report::Code{version.provenance.sql}});
}

// "sse2, avx" of a list, "duckdb 1.5.5, glibc 2.36" of an object.
std::string list_text(const Json& value) {
  std::string text;
  for (const auto& [key, inner] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += key + " ";
    text += inner.is_structured() ? list_text(inner) : report::json_cell(inner).text;
  }
  return text;
}

void add_fact(report::Facts& facts, const std::string& name, const Json& value) {
  if (value.is_null() || (value.is_string() && value.get<std::string>().empty())) return;
  facts.rows.emplace_back(name, value.is_string() ? report::code_cell(value.get<std::string>())
                                                  : report::json_cell(value));
}

}  // namespace

report::Section lineage_section(const Dossier& dossier) {
  report::Section section{"Lineage", {}};
  if (!dossier.versions.empty()) {
    section.blocks.emplace_back(version_table(dossier));
    for (const auto& [name, version] : dossier.versions) add_origins(name, version, section);
  }
  report::Facts made;
  const Json& chosen = member_or_null(dossier.outputs("select"), "chosen");
  add_fact(made, "Rows of the split", member_or_null(dossier.outputs("split"), "rows"));
  add_fact(made, "Feature program", member_or_null(chosen, "program"));
  add_fact(made, "Model file", member_or_null(chosen, "model"));
  add_fact(made, "Package", member_or_null(dossier.outputs("package"), "manifest"));
  if (const Json& model = dossier.outputs("register"); !model.empty())
    add_fact(made, "Model version",
             text_or(model, "name") + "/" +
                 report::json_cell(member_or_null(model, "version")).text);
  if (!made.rows.empty()) section.blocks.emplace_back(std::move(made));
  if (dossier.tracked.has_value()) {
    report::Facts facts;
    for (const auto& [name, value] : dossier.tracked->facts.items())
      add_fact(facts, name, value.is_structured() ? Json(list_text(value)) : value);
    if (!facts.rows.empty())
      section.blocks.emplace_back(report::Fold{"What it ran on", std::move(facts)});
  }
  return section;
}

report::Section step_section(const Dossier& dossier) {
  report::Section section{"Steps", {}};
  report::Table table{{"step", "", "seconds", "attempts", "why"}, {}, ""};
  double seconds = 0;
  std::int64_t cached = 0;
  for (const workflow::StepRecord& step : dossier.report.outcome.steps) {
    const StepStatus status = step.step_status();
    if (status == StepStatus::Cached) ++cached;
    if (status == StepStatus::Succeeded) seconds += step.seconds;
    table.rows.push_back({report::text_cell(step.name), status_cell(status), seconds_cell(step),
                          report::count_cell(step.attempt),
                          report::text_cell(step.error.empty() ? step.explanation : step.error)});
  }
  if (table.rows.empty()) return section;
  section.blocks.emplace_back(
      report::Paragraph{fmt::format("{} steps, {} of them from the cache, {} s of work.",
                                    table.rows.size(), cached, report::number_text(seconds))});
  section.blocks.emplace_back(std::move(table));
  return section;
}

report::Section reproduction_section(const Dossier& dossier) {
  report::Section section{"How to have it again", {}};
  const Json& parameters = dossier.run().parameters;
  if (dossier.project_text.empty()) {
    static const std::string kGone = "The run's project file is no longer in the store.";
    section.blocks.emplace_back(report::Note{report::Tone::Unsure, kGone});
    return section;
  }
  // Static texts are copied, which spares GCC 12 a false warning of texts that are moved.
  static const std::string kPromise =
      "The same program, project file and source files give the same bytes: dataset version, "
      "feature "
      "program, model and metrics have the digests and figures of this report, whatever the number "
      "of threads.";
  section.blocks.emplace_back(report::Paragraph{kPromise});
  report::Facts facts;
  if (dossier.tracked.has_value()) {
    add_fact(facts, "Program", member_or_null(dossier.tracked->facts, "code_version"));
    add_fact(facts, "Seed", member_or_null(dossier.tracked->facts, "seed"));
    const Json& git = member_or_null(dossier.tracked->facts, "git");
    const bool dirty = known_boolean(git, "dirty").value_or(false);
    if (const std::string commit = text_or(git, "commit"); !commit.empty())
      add_fact(facts, "Git commit",
               commit + (dirty ? ", with changes that were not committed" : ""));
  }
  add_fact(facts, "Project file", member_or_null(parameters, "project_file"));
  add_fact(facts, "Folder", member_or_null(parameters, "project_directory"));
  add_fact(facts, "As of", member_or_null(parameters, "as_of"));
  add_fact(facts, "Environment", member_or_null(parameters, "environment"));
  section.blocks.emplace_back(std::move(facts));
  if (dossier.run().run_status() == workflow::RunStatus::Succeeded)
    section.blocks.emplace_back(report::Code{"martlet reproduce " + dossier.run().id.text() +
                                             "   # compares every output"});
  section.blocks.emplace_back(
      report::Fold{"martlet.yaml, as it was", report::Code{dossier.project_text}});
  return section;
}

}  // namespace martlet::lifecycle::internal
