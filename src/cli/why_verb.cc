// why: everything behind one prediction.
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/why.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

std::string shown(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? number_text(value) : to_text(value);
}

void show_answer(const Console& console, const Json& why) {
  const Json& prediction = why.at("prediction");
  const Json& decision = why.at("decision");
  const Json& model = why.at("model");
  console.print(fmt::format("prediction {}  {}  {}", shown(prediction.at("id")),
                            shown(prediction.at("at")), shown(prediction.at("deployment"))));
  console.print(fmt::format("key {}", shown(prediction.at("key"))));
  if (prediction.at("failed").get<bool>()) {
    console.print(console.red("no answer was given"));
  } else {
    console.print(fmt::format(
        "{} predicted {}: score {}{}", shown(decision.at("target")),
        console.bold(shown(decision.at("predicted"))), shown(decision.at("score")),
        decision.at("threshold").is_null() ? ""
                                           : ", threshold " + shown(decision.at("threshold"))));
  }
  const Json& again = why.at("recomputed");
  if (again.at("equal").is_boolean()) {
    console.print(again.at("equal").get<bool>()
                      ? "computed again, the score is the same to the last bit"
                      : console.yellow("computed again, the score is ") + shown(again.at("score")) +
                            ": " + shown(again.at("note")));
  } else {
    console.print("not computed again: " + shown(again.at("note")));
  }
  const Json& truth = why.at("truth");
  console.print(truth.is_null()
                    ? "what turned out to be true isn't known yet"
                    : fmt::format("it turned out to be {} (known {})", shown(truth.at("actual")),
                                  shown(truth.at("known_at"))));
  console.print(fmt::format("model {}/{} ({}), package {}", shown(model.at("name")),
                            model.at("version").get<std::int64_t>(), shown(model.at("flavour")),
                            shown(model.at("package"))));
}

void show_values(const Console& console, const char* title, const Json& values) {
  if (!values.is_object()) return;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : values.items()) rows.push_back({name, shown(value)});
  console.table({title, "value"}, rows);
}

void show_origin(const Console& console, const Json& why) {
  for (const Json& lookup : why.value("lookups", Json::array())) {
    console.print(fmt::format(
        "look-up {}: {} of {}, not logged but found again", shown(lookup.at("lookup")),
        lookup.at("found").get<bool>() ? "the row of " + shown(lookup.at("at")) : "no row",
        shown(lookup.at("dataset"))));
  }
  if (why.at("gates").is_array()) {
    for (const Json& gate : why.at("gates")) {
      console.print(fmt::format("gate {}: {}", shown(gate.at("name")),
                                gate.at("passed").is_null()     ? "unknown"
                                : gate.at("passed").get<bool>() ? "passed"
                                                                : "failed"));
    }
  }
  console.print(why.at("run").is_null() ? "no run made this version: the loop did"
                                        : "run " + shown(why.at("run")));
  for (const Json& dataset : why.at("datasets")) {
    console.print(fmt::format("{} {}  {}", shown(dataset.at("role")), shown(dataset.at("name")),
                              shown(dataset.at("digest"))));
    for (const Json& source : dataset.value("sources", Json::array())) {
      console.print(fmt::format("  {}  {}", shown(source.at("path")), shown(source.at("digest"))));
    }
  }
}

}  // namespace

void add_why(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "why", "Everything behind one prediction: row, features, score, model, gates, data, truth");
  auto id = std::make_shared<std::string>();
  verb->add_option("prediction", *id, "the id that came with the answer")->required();
  verb->footer("Example:\n  martlet why 0190f3c1a2b37d4e8f60718293a4b5c6");
  verb->callback([&session, id] {
    session.action = [&session, id]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const Json why, lifecycle::why_prediction(*store, *id));
      session.console.print_json(why);
      show_answer(session.console, why);
      show_values(session.console, "input", why.at("inputs"));
      show_values(session.console, "feature", why.value("features", Json(nullptr)));
      show_origin(session.console, why);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
