// models promote, models rollback: the live alias, moved by a person.
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/promotion.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

void show(const Session& session, const lifecycle::Promotion& promotion) {
  session.console.print_json(lifecycle::to_json(promotion));
  std::vector<std::vector<std::string>> rows;
  for (const lifecycle::PromotionCheck& check : promotion.checks) {
    rows.push_back({check.name,
                    check.passed ? session.console.green("passed") : session.console.red("failed"),
                    check.why});
  }
  session.console.table({"check", "", "why"}, rows);
  const std::string before = promotion.before.value_or("nothing");
  const std::string where(registry::name_of(promotion.environment));
  if (promotion.moved) {
    session.console.print(
        fmt::format("{} is live in {}; before: {}", promotion.model, where, before));
  } else if (promotion.before == promotion.model) {
    session.console.print(fmt::format("{} is live in {} already", promotion.model, where));
  } else {
    session.console.print(fmt::format("{} {} go live in {}; now: {}", promotion.model,
                                      promotion.allowed ? "may" : "may not", where, before));
  }
}

// "kpi.saving=the holidays are over" → gate and reason.
std::map<std::string, std::string> waivers_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> waivers;
  for (const std::string& text : texts) {
    const std::size_t sign = text.find('=');
    waivers[text.substr(0, sign)] = sign == std::string::npos ? "" : text.substr(sign + 1);
  }
  return waivers;
}

}  // namespace

void add_models_promote(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand(
      "promote", "Makes a version live in an environment, if its package and its gates allow it");
  auto request = std::make_shared<lifecycle::PromotionRequest>();
  auto from = std::make_shared<std::string>("experiment");
  auto to = std::make_shared<std::string>();
  auto waive = std::make_shared<std::vector<std::string>>();
  auto dry = std::make_shared<bool>(false);
  request->reason = "promoted by a person";
  verb->add_option("model", request->model, "flight-delay/3, or flight-delay@live in --from")
      ->required();
  verb->add_option("--to", *to, "experiment, staging or production")->required();
  verb->add_option("--from", *from, "whose aliases the model's name may use")
      ->capture_default_str();
  verb->add_option("--reason", request->reason, "why; it is audited")->capture_default_str();
  verb->add_option("--waive", *waive, "GATE=REASON: passes by a gate; attested and audited");
  verb->add_flag("--dry-run", *dry, "only the checks");
  verb->footer("Exit status 1 when it may not go live.\n"
               "Example:\n  martlet models promote flight-delay/3 --to production --dry-run");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(request->from, registry::parse_environment(*from));
      MARTLET_TRY_SET(request->to, registry::parse_environment(*to));
      request->waivers = waivers_of(*waive);
      request->mode = *dry ? lifecycle::PromotionMode::DryRun : lifecycle::PromotionMode::Move;
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const lifecycle::Promotion promotion,
                      lifecycle::promote(*store, *request, metadata::Actor{}));
      show(session, promotion);
      return promotion.allowed ? kSuccess : kWorkFailed;
    };
  });
}

void add_models_rollback(CLI::App& models, Session& session) {
  CLI::App* verb = models.add_subcommand(
      "rollback", "Makes the version live again that was so before the last move");
  auto model = std::make_shared<std::string>();
  auto environment = std::make_shared<std::string>("experiment");
  auto reason = std::make_shared<std::string>("rolled back by a person");
  verb->add_option("model", *model, "the registered model's name")->required();
  verb->add_option("--env", *environment, "where")->capture_default_str();
  verb->add_option("--reason", *reason, "why; it is audited")->capture_default_str();
  verb->footer("A second rollback takes back the first.\n"
               "Example:\n  martlet models rollback flight-delay --env production");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const registry::Environment where, registry::parse_environment(*environment));
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const lifecycle::Promotion promotion,
                      lifecycle::roll_back(*store, *model, where, *reason, metadata::Actor{}));
      show(session, promotion);
      return promotion.moved ? kSuccess : kWorkFailed;
    };
  });
}

}  // namespace martlet::cli
