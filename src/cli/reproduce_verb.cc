// reproduce: a recorded run made again, and what differs.
#include "cli/interrupt.h"
#include "cli/run_view.h"
#include "cli/verbs.h"
#include "lifecycle/reproduce.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

struct Flags {
  std::string run;
  int threads = 0;
  bool keep = false;
};

// A value as one short text.
std::string shown(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_number()) return shortest(value.get<double>());
  std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
  constexpr std::size_t kLongest = 200;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  return text;
}

void show_inputs(const Console& console, const Json& json) {
  for (const Json& input : json.at("inputs")) {
    const std::string version = input.at("version").get<std::string>();
    if (input.contains("why")) {
      console.print(fmt::format("{} from the {}: {}", version, input.at("from").get<std::string>(),
                                input.at("why").get<std::string>()));
    } else {
      console.print(fmt::format("{} from {}", version, input.at("from").get<std::string>()));
    }
  }
}

void show_surroundings(const Console& console, const Json& json) {
  const Json& code = json.at("code");
  if (code.at("recorded").is_null()) {
    console.print(console.yellow("note: ") + "no record says which program made the run");
  } else if (!code.at("same").get<bool>()) {
    console.print(fmt::format("{}another program made the run: {}, this is {}",
                              console.yellow("note: "), code.at("recorded").get<std::string>(),
                              code.at("now").get<std::string>()));
  }
  for (const Json& item : json.at("environment")) {
    console.print(fmt::format("{}{} then: {}; now: {}", console.yellow("note: "),
                              item.at("name").get<std::string>(), to_text(item.at("recorded")),
                              to_text(item.at("now"))));
  }
}

void show_difference(const Console& console, const Json& output) {
  console.print(fmt::format("{} {}: {} against {}", console.red("differs"),
                            output.at("name").get<std::string>(), shown(output.at("expected")),
                            shown(output.at("actual"))));
  if (const auto difference = output.find("difference"); difference != output.end()) {
    console.print(fmt::format("  first at {}: {} against {}",
                              difference->at("where").get<std::string>(),
                              shown(difference->at("expected")), shown(difference->at("actual"))));
  }
  if (output.contains("note")) console.print("  " + output.at("note").get<std::string>());
}

int show(Session& session, const lifecycle::ReproduceReport& report) {
  Console& console = session.console;
  console.end_steps();
  console.print_json(report.json);
  const Json& json = report.json;
  show_inputs(console, json);
  show_surroundings(console, json);
  std::size_t equal = 0;
  for (const Json& output : json.at("outputs")) {
    if (!output.at("equal").get<bool>()) {
      show_difference(console, output);
      continue;
    }
    ++equal;
    if (output.contains("note"))
      console.print(output.at("name").get<std::string>() + ": " +
                    output.at("note").get<std::string>());
  }
  console.print(fmt::format(
      "run {}: {}, {} of {} outputs are equal ({} threads, {:.1f} s)",
      json.at("run").get<std::string>(),
      report.equal ? console.green("reproduced") : console.red("not reproduced"), equal,
      json.at("outputs").size(), json.at("threads").get<int>(), json.at("seconds").get<double>()));
  if (json.at("store").is_string())
    console.print("the scratch store is kept: " + json.at("store").get<std::string>());
  return report.equal ? kSuccess : kWorkFailed;
}

}  // namespace

void add_reproduce(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "reproduce", "Makes a recorded run again in a clean store and compares every output");
  auto flags = std::make_shared<Flags>();
  verb->add_option("run", flags->run, "the run's id or the beginning of it, or latest")->required();
  verb->add_option("--threads", flags->threads, "threads to use; default: all")
      ->check(CLI::Range(1, 1024));
  verb->add_flag("--keep", flags->keep, "keep the scratch store, and say where it is");
  verb->footer("Exit status: 0 everything is equal, 1 something differs.\nExample:\n"
               "  martlet reproduce latest --threads 1");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      lifecycle::ReproduceRequest request;
      MARTLET_TRY_SET(request.run, lifecycle::find_run(*store, flags->run));
      request.threads = flags->threads;
      request.keep_store = flags->keep;
      const Interrupt interrupt(request.cancel);
      lifecycle::RunRequest progress;
      watch(session, progress);
      request.on_step = progress.on_step;
      auto report = lifecycle::reproduce_run(*store, request);
      if (!report.has_value()) {
        session.console.end_steps();
        if (interrupt.happened()) session.console.complain("martlet: interrupted");
        if (interrupt.happened()) return 130;
        return fail(std::move(report).error());
      }
      return show(session, *report);
    };
  });
}

}  // namespace martlet::cli
