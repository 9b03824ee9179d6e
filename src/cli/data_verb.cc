#include "base/text.h"
#include "cli/input_files.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "data/profile.h"
#include "data/version_store.h"
#include "platform/threads.h"
#include "table/csv.h"
#include "table/engine.h"
#include "table/parquet.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

data::VersionStore versions_of(const lifecycle::Store& store) {
  return {store.database(), store.blobs(), store.host().files, store.host().clock,
          store.scratch_directory()};
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "-";
  return value.is_string()         ? value.get<std::string>()
         : value.is_number_float() ? number_text(value.get<double>())
                                   : to_text(value);
}

void show_profile(Session& session, const data::Profile& profile) {
  Console& console = session.console;
  console.print(
      fmt::format("{} rows, {} equal an earlier one", profile.rows, profile.duplicate_rows));
  std::vector<std::vector<std::string>> rows;
  for (const data::ColumnProfile& column : profile.columns) {
    const Json json = data::to_json(column);
    rows.push_back({column.name, std::string(columns::name_of(column.type)),
                    std::to_string(column.nulls), std::to_string(column.distinct),
                    text_of(json["min"]), text_of(json["p50"]), text_of(json["max"]),
                    text_of(json["mean"]), text_of(json["stddev"]), text_of(json["top"])});
  }
  console.table(
      {"column", "type", "nulls", "distinct", "min", "median", "max", "mean", "stddev", "top"},
      rows);
  for (const data::ColumnProfile& column : profile.columns) {
    for (const auto& [spelling, count] : column.suspicious_nulls) {
      console.print(console.yellow("note: ") +
                    fmt::format("{} has \"{}\" {} times; if that means missing, add --null \"{}\"",
                                column.name, spelling, count, spelling));
    }
  }
}

void add_profile(CLI::App& data, Session& session) {
  CLI::App* verb =
      data.add_subcommand("profile", "What a file looks like, column by column; exact");
  auto files = std::make_shared<std::vector<std::string>>();
  verb->add_option("files", *files, "CSV, Parquet or JSON lines; paths or patterns")->required();
  const auto input = add_input_flags(*verb);
  verb->footer("Example:\n  martlet data profile adult.data.gz --no-header --names age,workclass,… "
               "--null ? --trim --json");
  verb->callback([&session, files, input] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const columns::Batch rows, read_input(*files, *input));
      const data::Profile profile = data::profile(rows, {.threads = platform::hardware_threads()});
      session.console.print_json(data::to_json(profile));
      show_profile(session, profile);
      return kSuccess;
    };
  });
}

void add_list(CLI::App& data, Session& session) {
  CLI::App* verb =
      data.add_subcommand("list", "The datasets of the store, with their latest versions");
  verb->footer("Example:\n  martlet data list");
  verb->callback([&session] {
    session.action = [&session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const auto datasets, versions_of(*store).list());
      Json json = Json::array();
      std::vector<std::vector<std::string>> rows;
      for (const data::DatasetSummary& summary : datasets) {
        const data::DatasetVersion& latest = summary.latest;
        json.push_back(Json{{"dataset", summary.dataset},
                            {"versions", summary.versions},
                            {"latest", latest.name()},
                            {"digest", latest.digest.text()},
                            {"rows", latest.rows()},
                            {"created", to_text(latest.created)}});
        rows.push_back({summary.dataset, std::to_string(summary.versions), latest.name(),
                        latest.digest.short_text(), std::to_string(latest.rows()),
                        to_text(latest.created)});
      }
      session.console.print_json(json);
      session.console.table({"dataset", "versions", "latest", "digest", "rows", "created"}, rows);
      return kSuccess;
    };
  });
}

void add_show(CLI::App& data, Session& session) {
  CLI::App* verb = data.add_subcommand(
      "show", "One dataset version: columns, parts, where it came from, what cleaning changed");
  auto reference = std::make_shared<std::string>();
  verb->add_option("version", *reference, "departures, departures@v3 or a digest")->required();
  verb->footer("Example:\n  martlet data show departures@v1");
  verb->callback([&session, reference] {
    session.action = [&session, reference]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const data::DatasetVersion version, versions_of(*store).find(*reference));
      session.console.print_json(data::to_json(version));
      session.console.print(fmt::format("{}  {}  {} rows in {} parts", version.name(),
                                        version.digest.text(), version.rows(),
                                        version.parts.size()));
      std::vector<std::vector<std::string>> rows;
      for (const columns::Field& field : version.schema.fields())
        rows.push_back({field.name, std::string(columns::name_of(field.type))});
      session.console.table({"column", "type"}, rows);
      for (const data::SourceFile& file : version.provenance.files) {
        session.console.print(
            fmt::format("from {} {} ({})", file.source, file.path, file.digest.short_text()));
      }
      for (const Json& entry : version.provenance.ledger)
        session.console.print("cleaning: " + to_text(entry));
      for (const Json& result : version.provenance.expectations) {
        const Json& passed = result.at("passed");
        session.console.print("expectation " + result.at("expectation").get<std::string>() + ": " +
                              (!passed.is_boolean() ? "unknown"
                               : passed.get<bool>() ? "met"
                                                    : "not met"));
      }
      return kSuccess;
    };
  });
}

void add_diff(CLI::App& data, Session& session) {
  CLI::App* verb = data.add_subcommand("diff", "What changed from one dataset version to another");
  auto before = std::make_shared<std::string>();
  auto after = std::make_shared<std::string>();
  auto key = std::make_shared<std::vector<std::string>>();
  verb->add_option("before", *before, "departures@v1")->required();
  verb->add_option("after", *after, "departures@v2")->required();
  verb->add_option("--key", *key, "columns that identify a row, separated by commas")
      ->delimiter(',');
  verb->footer("Example:\n  martlet data diff departures@v1 departures@v2 --key flight_id");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      data::VersionStore versions = versions_of(*store);
      MARTLET_TRY_SET(const data::DatasetVersion first, versions.find(*before));
      MARTLET_TRY_SET(const data::DatasetVersion second, versions.find(*after));
      MARTLET_TRY_SET(const data::VersionDiff diff, versions.diff(first, second, *key));
      session.console.print_json(data::to_json(diff));
      session.console.print(data::to_json(diff).dump(2));
      return kSuccess;
    };
  });
}

void add_validate(CLI::App& data, Session& session) {
  CLI::App* verb = data.add_subcommand(
      "validate", "Judges a file by the expectations that martlet.yaml has for a dataset");
  auto files = std::make_shared<std::vector<std::string>>();
  auto dataset = std::make_shared<std::string>();
  verb->add_option("files", *files, "CSV, Parquet or JSON lines")->required();
  verb->add_option("--dataset", *dataset,
                   "whose expectations; default: the one that the model learns from");
  const auto input = add_input_flags(*verb);
  verb->footer("Exit status 1 when an expectation of severity fail is not met.\nExample:\n  "
               "martlet data validate new.parquet --dataset departures");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const lifecycle::Project project, session.project());
      MARTLET_TRY_SET(const columns::Batch rows, read_input(*files, *input));
      const data::DatasetConfig* config =
          dataset->empty() ? &project.main_dataset() : project.data.find_dataset(*dataset);
      if (config == nullptr) {
        std::vector<std::string> names;
        for (const data::DatasetConfig& item : project.data.datasets) names.push_back(item.name);
        return not_found("no dataset is called \"" + *dataset + "\"" +
                         did_you_mean(*dataset, names));
      }
      MARTLET_TRY_SET(
          const auto results,
          data::validate(rows, config->expect, {project.problem.zone, session.host().clock.now()}));
      Json json = Json::array();
      std::vector<std::vector<std::string>> lines;
      for (const data::ExpectationResult& result : results) {
        json.push_back(data::to_json(result));
        lines.push_back({result.expectation, std::string(data::name_of(result.severity)),
                         !result.passed.has_value() ? "unknown"
                         : *result.passed           ? session.console.green("met")
                                                    : session.console.red("not met"),
                         std::to_string(result.failed_rows), result.note});
      }
      const bool passed = data::all_passed(results);
      session.console.print_json(
          Json{{"rows", rows.rows()}, {"passed", passed}, {"results", std::move(json)}});
      session.console.table({"expectation", "severity", "", "rows", "note"}, lines);
      return passed ? kSuccess : kWorkFailed;
    };
  });
}

void add_sql(CLI::App& data, Session& session) {
  CLI::App* verb =
      data.add_subcommand("sql", "SQL over the store's datasets, each a view of its name");
  auto sql = std::make_shared<std::string>();
  auto at = std::make_shared<std::vector<std::string>>();
  auto output = std::make_shared<std::string>();
  auto limit = std::make_shared<std::int64_t>(1000);
  verb->add_option("sql", *sql, "a query; DuckDB's SQL, without access to files or the network")
      ->required();
  verb->add_option("--at", *at, "use this version, such as departures@v1, instead of the latest");
  verb->add_option("--output", *output, "write the rows to a .parquet or .csv file");
  verb->add_option("--limit", *limit, "rows to print")->capture_default_str();
  verb->footer("Example:\n  martlet data sql 'select carrier, avg(late::int) from departures group "
               "by 1 order by 2 desc'");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      data::VersionStore versions = versions_of(*store);
      std::vector<data::DatasetVersion> chosen;
      for (const std::string& reference : *at) {
        MARTLET_TRY_SET(data::DatasetVersion version, versions.find(reference));
        chosen.push_back(std::move(version));
      }
      MARTLET_TRY_SET(const auto datasets, versions.list());
      for (const data::DatasetSummary& summary : datasets) {
        const bool given = std::any_of(chosen.begin(), chosen.end(), [&](const auto& version) {
          return version.dataset == summary.dataset;
        });
        if (!given) chosen.push_back(summary.latest);
      }
      MARTLET_TRY_SET(const auto engine, versions.open_sql(chosen));
      MARTLET_TRY_SET(const columns::Batch rows, engine->query(*sql));
      if (!output->empty()) {
        if (output->ends_with(".csv")) {
          MARTLET_TRY(table::write_csv(session.host().files, *output, rows));
        } else if (output->ends_with(".parquet")) {
          MARTLET_TRY(table::write_parquet(rows, *output));
        } else {
          return invalid_argument("writing " + *output +
                                  ": the name must end with .parquet or .csv");
        }
        session.console.print_json(Json{{"rows", rows.rows()}, {"output", *output}});
        session.console.print(fmt::format("{} rows written to {}", rows.rows(), *output));
        return kSuccess;
      }
      const std::size_t shown =
          std::min(rows.rows(), static_cast<std::size_t>(std::max<std::int64_t>(*limit, 0)));
      Json records = Json::array();
      std::vector<std::vector<std::string>> lines;
      for (std::size_t i = 0; i < shown; ++i) {
        Json record = Json::object();
        std::vector<std::string> line;
        for (std::size_t c = 0; c < rows.width(); ++c) {
          const columns::Cell cell = rows.column(c).cell(i);
          record[rows.schema()[c].name] = columns::to_json(cell);
          line.push_back(columns::to_text(cell));
        }
        records.push_back(std::move(record));
        lines.push_back(std::move(line));
      }
      session.console.print_json(Json{{"columns", rows.schema().to_json()},
                                      {"rows", rows.rows()},
                                      {"records", std::move(records)}});
      session.console.table(rows.schema().names(), lines);
      if (shown < rows.rows())
        session.console.note(
            fmt::format("{} of {} rows shown; --limit shows more", shown, rows.rows()));
      return kSuccess;
    };
  });
}

}  // namespace

void add_data(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("data", "Dataset versions, profiles, expectations and SQL");
  verb->require_subcommand(1);
  verb->fallthrough();
  add_profile(*verb, session);
  add_list(*verb, session);
  add_show(*verb, session);
  add_diff(*verb, session);
  add_validate(*verb, session);
  add_sql(*verb, session);
}

}  // namespace martlet::cli
