#include "lifecycle/project.h"

#include "base/caret.h"
#include "base/text.h"
#include "expr/expression.h"
#include "tracking/openlineage_config.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <variant>

namespace martlet::lifecycle {

namespace {

const Yaml& part(YamlObject& read, std::string_view key, const Yaml& nothing) {
  const Yaml* found = read.child(key);
  return found == nullptr ? nothing : *found;
}

// What a later version will do is named as such, so that nobody believes it is done.
void not_yet(YamlObject& read, std::string_view key, std::vector<Finding>& findings) {
  if (const Yaml* found = read.child(key); found != nullptr) {
    findings.push_back(
        found->finding("not_supported", "this version of martlet does not act on \"" +
                                            std::string(key) + "\" yet; remove it"));
  }
}

// References from one section to another.
void check_references(const Project& project, std::vector<Finding>& findings) {
  std::vector<std::string> datasets;
  for (const data::DatasetConfig& dataset : project.data.datasets) datasets.push_back(dataset.name);
  for (const features::LookupConfig& lookup : project.features.lookups) {
    if (std::find(datasets.begin(), datasets.end(), lookup.dataset) == datasets.end()) {
      findings.push_back(lookup.where.finding(
          "unknown_dataset", "look-up " + lookup.name + " reads dataset \"" + lookup.dataset +
                                 "\", which is not under data.datasets" +
                                 did_you_mean(lookup.dataset, datasets)));
    }
  }
  const std::string& truth = project.monitoring.truth_source;
  if (!truth.empty() && std::find(datasets.begin(), datasets.end(), truth) == datasets.end()) {
    findings.push_back(
        {"monitoring.truth.source", "unknown_dataset",
         "\"" + truth + "\" is neither a dataset nor a source" + did_you_mean(truth, datasets),
         project.file, 0, 0});
  } else if (!truth.empty() && project.data.main_dataset() != nullptr &&
             truth != project.main_dataset().name) {
    findings.push_back({"monitoring.truth.source", "not_supported",
                        "truth is taken from the dataset that the model learns from, " +
                            project.main_dataset().name +
                            "; what comes from elsewhere is sent to the server or given to "
                            "`martlet monitor truth`",
                        project.file, 0, 0});
  }
  if (project.monitoring.retrain.has_value() && project.problem.time.empty()) {
    findings.push_back(
        {"monitoring.retrain", "needs_time",
         "retraining keeps the newest truth out, so problem.time must name the event time",
         project.file, 0, 0});
  }
}

// Columns that no model is asked with, whatever is fitted: identifiers, the target, and what is
// dropped and not used for something else.
std::vector<std::string> columns_never_asked(const Project& project) {
  std::vector<std::string> names = project.features.drop;
  names.insert(names.end(), project.problem.key.begin(), project.problem.key.end());
  names.push_back(project.problem.target);
  const auto is_used = [&](const std::string& name) {
    const auto mentions = [&](const std::string& text) {
      return text.find(name) != std::string::npos;
    };
    if (name == project.problem.time || mentions(project.problem.decided_at)) return true;
    for (const features::DeriveConfig& derive : project.features.derive)
      if (mentions(derive.expression)) return true;
    for (const features::LookupConfig& lookup : project.features.lookups) {
      for (const features::LookupKey& key : lookup.keys)
        if (key.row == name) return true;
    }
    return false;
  };
  std::erase_if(names, is_used);
  return names;
}

// Of a name without quotes.
bool continues_name(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

// Monitoring computes KPIs on the rows that the model is asked with, as they were logged. The
// dataset's schema isn't known yet, so only what can never be there is found here; serve finds the
// rest.
void check_monitored_kpis(const Project& project, std::vector<Finding>& findings) {
  if (!project.monitoring.declared) return;
  const std::vector<std::string> never = columns_never_asked(project);
  // The task may not be known yet, and with it the type of what is decided.
  const columns::Type decision = project.problem.task == problem::Task::Regression
                                     ? columns::Type::Double
                                     : columns::Type::Bool;
  const expr::Scope offered{
      columns::Schema(
          {{"actual", decision}, {"predicted", decision}, {"score", columns::Type::Double}}),
      project.problem.zone};
  for (const problem::KpiSpec& kpi : project.problem.kpis) {
    if (kpi.value.empty()) continue;
    const auto compiled = expr::Expression::compile(kpi.value, offered);
    if (compiled.has_value()) continue;
    for (const Finding& unknown : compiled.error().findings()) {
      if (unknown.rule != "unknown_name" || unknown.column < 1) continue;
      const std::string_view at =
          std::string_view(kpi.value).substr(offset_of(kpi.value, unknown.line, unknown.column));
      const std::size_t quote = at.starts_with('"') ? 1 : 0;
      for (const std::string& name : never) {
        const std::string_view rest = at.substr(quote);
        const bool longer = rest.size() > name.size() && continues_name(rest[name.size()]);
        if (!rest.starts_with(name) || longer) continue;
        findings.push_back(kpi.origin.finding(
            "not_monitored",
            "KPI " + kpi.name + " reads " + name + ", which the model is never asked with (" +
                (name == project.problem.target ? "the target: say actual"
                 : std::find(project.problem.key.begin(), project.problem.key.end(), name) !=
                         project.problem.key.end()
                     ? "problem.key"
                     : "features.drop") +
                "), so a deployment could not be monitored by it; make it a feature, or leave "
                "monitoring out"));
      }
    }
  }
}

void collect_warnings(Project& project) {
  project.warnings = problem::warnings_of(project.problem);
  if (!project.problem.time.empty() && !project.problem.zone_given) {
    project.warnings.push_back({"problem.zone", "zone",
                                "problem.time is set but problem.zone isn't: calendar functions "
                                "and bare times are read as UTC",
                                project.file, 0, 0});
  }
}

}  // namespace

Json Project::section(std::string_view name_of_section) const {
  const Yaml* found = root.find(name_of_section);
  return found == nullptr ? Json(nullptr) : found->to_json();
}

const data::DatasetConfig& Project::main_dataset() const {
  const data::DatasetConfig* dataset = data.main_dataset();
  MARTLET_CHECK(dataset != nullptr, "a parsed project has a dataset");
  return *dataset;
}

Result<Project> parse_project(std::string text, std::string file, std::string directory) {
  Project project;
  MARTLET_TRY_SET(project.root, Yaml::parse(text, file));
  project.digest = digest_of(std::string_view(text));
  project.text = std::move(text);
  project.file = std::move(file);
  project.directory = std::move(directory);

  std::vector<Finding> findings;
  const Yaml nothing;
  YamlObject read(project.root, findings);
  const auto version = read.integer("version");
  if (version.has_value() && *version != 1)
    read.report("version", "unknown_value", "this martlet reads version 1 of the project file");
  project.name = read.required_text("project");
  if (project.name.find_first_of("/:@") != std::string::npos)
    read.report("project", "name", "a project's name has no '/', ':' or '@'");
  if (const Yaml* contract = read.required_child("problem"); contract != nullptr) {
    project.problem = problem::read_contract(*contract, findings);
  }
  if (const Yaml* section = read.required_child("data"); section != nullptr) {
    project.data = data::parse_data(*section, findings);
    if (project.data.main_dataset() == nullptr)
      read.report("data", "missing", "it names no source and no dataset");
  }
  project.features = features::parse_features(part(read, "features", nothing), findings);
  project.split = evaluation::read_split(part(read, "split", nothing), findings);
  project.models = models::parse_models(part(read, "models", nothing), findings);
  project.evaluation = evaluation::read_evaluation(part(read, "evaluation", nothing), findings);
  project.monitoring = monitoring::read_monitoring(part(read, "monitoring", nothing), findings);
  // Checked here; who tells others of runs reads it (lifecycle/openlineage.h).
  tracking::read_openlineage(part(read, "openlineage", nothing), findings);
  for (const char* later : {"deployment", "pipelines", "environments", "include"})
    not_yet(read, later, findings);
  read.finish();
  check_references(project, findings);
  check_monitored_kpis(project, findings);
  if (!findings.empty()) return invalid("checking " + project.file, std::move(findings));
  collect_warnings(project);
  return project;
}

Result<Project> load_project(FileSystem& files, const std::string& path) {
  std::string file = path.empty() ? "martlet.yaml" : path;
  if (const auto status = files.status(file);
      status.has_value() && status->kind == FileKind::Directory)
    file = join_path(file, "martlet.yaml");
  auto text = files.read_file(file);
  if (!text.has_value()) {
    if (text.error().code() != ErrorCode::NotFound) return fail(std::move(text).error());
    return not_found(
        "reading the project: there is no " + file +
        "; go to the project's folder, name the file with --project, or see `martlet demo`");
  }
  return parse_project(std::move(*text), file, parent_path(file));
}

std::vector<features::CleaningStep> travelling_steps(const data::DatasetConfig& dataset) {
  std::vector<features::CleaningStep> steps;
  for (const data::CleaningStep& step : dataset.clean) {
    features::CleaningStep made;
    if (const auto* normalise = std::get_if<data::Normalise>(&step); normalise != nullptr) {
      made.kind = features::CleaningStep::Kind::Normalise;
      made.column = normalise->column;
      made.trim = normalise->trim;
      made.letter_case =
          normalise->letter_case == data::LetterCase::Upper   ? features::LetterCase::Upper
          : normalise->letter_case == data::LetterCase::Lower ? features::LetterCase::Lower
                                                              : features::LetterCase::Keep;
      made.map = normalise->map;
    } else if (const auto* fill = std::get_if<data::Fill>(&step); fill != nullptr) {
      made.kind = features::CleaningStep::Kind::Fill;
      made.column = fill->column;
      made.fill.value = fill->value;
      switch (fill->with) {
        case data::FillWith::Median: made.fill.method = features::FillMethod::Median; break;
        case data::FillWith::Mean: made.fill.method = features::FillMethod::Mean; break;
        case data::FillWith::Mode: made.fill.method = features::FillMethod::Mode; break;
        case data::FillWith::Value: made.fill.method = features::FillMethod::Value; break;
      }
    } else if (const auto* clip = std::get_if<data::Clip>(&step); clip != nullptr) {
      constexpr double kOpen = std::numeric_limits<double>::infinity();
      made.kind = features::CleaningStep::Kind::Clip;
      made.column = clip->column;
      made.clip.method = clip->at == data::ClipAt::Quantiles ? features::ClipMethod::Quantiles
                                                             : features::ClipMethod::Range;
      made.clip.low = clip->low.value_or(-kOpen);
      made.clip.high = clip->high.value_or(kOpen);
    } else {
      continue;  // removes rows: ran when the version was made
    }
    steps.push_back(std::move(made));
  }
  return steps;
}

}  // namespace martlet::lifecycle
