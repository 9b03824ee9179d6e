#include "lifecycle/live_loop.h"

#include "lifecycle/packages.h"

#include <algorithm>

namespace martlet::lifecycle {

namespace {

std::unique_ptr<Loop> loop_of(const Store& store, const Project& project,
                              const LiveLoopOptions& options, std::vector<LoopEvent>& events) {
  Loop::Parts parts{store, project};
  parts.environment = options.environment;
  parts.deployment = deployment_of(project, options.environment);
  parts.settle = kSettle;
  parts.on_event = [&events, &options](const LoopEvent& event) {
    events.push_back(event);
    if (options.on_event) options.on_event(event);
  };
  parts.log = options.on_line;
  parts.cancel = options.cancel;
  return Loop::create(std::move(parts));
}

// What a server learns from: the newest data and all that turned out since.
Loop::Teacher teacher_of(const Store& store, const Project& project,
                         const LiveLoopOptions& options) {
  return [&store, &project, &options]() -> Result<Lessons> {
    RunRequest request;
    request.compile.environment = options.environment;
    request.cancel = options.cancel;
    MARTLET_TRY_SET(Lessons lessons, gather_lessons(store, project, std::move(request)));
    return with_truth(store, project, deployment_of(project, options.environment),
                      std::move(lessons), store.host().clock.now());
  };
}

// What the dataset says of those who were asked about, before their windows are judged. A source
// that can't be read makes the figures unknown, not the loop stop.
Result<void> take_truth(const Store& store, const Project& project, const LiveLoopOptions& options,
                        const Loop& loop, LiveLoopReport& report) {
  if (project.monitoring.truth_source.empty() || project.problem.key.empty()) return {};
  MARTLET_TRY_SET(const auto keys, loop.due_keys());
  if (keys.empty()) return {};
  RunRequest request;
  request.compile.environment = options.environment;
  request.cancel = options.cancel;
  const Timestamp now = store.host().clock.now();
  const auto taken =
      take_truth_from_dataset(store, project, report.deployment, keys, now, std::move(request));
  if (taken.has_value()) return {};
  if (options.cancel.cancelled()) return fail(Error(taken.error()));
  const LoopEvent event{now, "truth_missing",
                        "taking the truth from " + project.monitoring.truth_source + ": " +
                            taken.error().message(),
                        loop.live().text()};
  report.events.push_back(event);
  if (options.on_event) options.on_event(event);
  return {};
}

}  // namespace

Json to_json(const LiveLoopReport& report) {
  Json events = Json::array();
  for (const LoopEvent& event : report.events) events.push_back(to_json(event));
  return Json{{"deployment", report.deployment},
              {"model", report.model},
              {"events", std::move(events)},
              {"webhooks", Json{{"delivered", report.webhooks.delivered},
                                {"failed", report.webhooks.failed},
                                {"given_up", report.webhooks.given_up}}},
              {"next", to_text(report.next)}};
}

Json to_json(const RetrainReport& report) {
  return Json{
      {"granted", report.granted},
      {"why", report.refusal},
      {"turn", report.turn.has_value() ? monitoring::to_json(*report.turn) : Json(nullptr)}};
}

Result<LiveLoopReport> tick_live(const Store& store, const Project& project,
                                 const LiveLoopOptions& options) {
  LiveLoopReport report;
  report.deployment = deployment_of(project, options.environment);
  MARTLET_TRY_SET(const platform::FileLock lock, loop_lock(store, report.deployment));
  const std::unique_ptr<Loop> loop = loop_of(store, project, options, report.events);
  MARTLET_TRY(loop->adopt());
  const auto send = [&]() -> Result<void> {
    MARTLET_TRY_SET(const WebhookTally sent, deliver_webhooks(store, project, report.deployment,
                                                              options.webhooks, options.cancel));
    report.webhooks.delivered += sent.delivered;
    report.webhooks.failed += sent.failed;
    report.webhooks.given_up += sent.given_up;
    report.webhooks.next = sent.next;
    return {};
  };
  // Before as well as after: what is owed doesn't wait for a training.
  MARTLET_TRY(send());
  MARTLET_TRY(take_truth(store, project, options, *loop, report));
  MARTLET_TRY(loop->judge());
  MARTLET_TRY(send());
  MARTLET_TRY(loop->take_pending(teacher_of(store, project, options)));
  report.model = loop->live().text();
  MARTLET_TRY_SET(report.next, loop->next_due());
  if (report.webhooks.next.has_value()) report.next = std::min(report.next, *report.webhooks.next);
  return report;
}

Result<RetrainReport> retrain_now(const Store& store, const Project& project,
                                  const RetrainNow& request, const LiveLoopOptions& options) {
  std::vector<LoopEvent> events;
  const std::string deployment = deployment_of(project, options.environment);
  MARTLET_TRY_SET(const platform::FileLock lock, loop_lock(store, deployment));
  const std::unique_ptr<Loop> loop = loop_of(store, project, options, events);
  MARTLET_TRY(loop->adopt());
  RetrainReport report;
  const Loop::Teacher teacher = teacher_of(store, project, options);
  MARTLET_TRY_SET(report.turn, loop->take_pending(teacher));
  if (report.turn.has_value()) {
    report.granted = true;
    report.took_up_another = true;
    return report;
  }
  MARTLET_TRY_SET(const monitoring::TurnAnswer answer, loop->ask(request.reason, request.use));
  report.granted = answer.granted;
  report.refusal = answer.why;
  if (!answer.granted) return report;
  MARTLET_TRY_SET(report.turn, loop->take_pending(teacher));
  return report;
}

Result<WatchedDeployment> look_at_deployment(const Store& store, const Project& project,
                                             registry::Environment environment, std::int64_t limit,
                                             std::optional<Duration> length) {
  MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(project.name));
  WatchedDeployment watched;
  MARTLET_TRY_SET(const auto live,
                  registry_of(store).target_of(name, environment, registry::live_alias()));
  if (live.has_value()) watched.model = registry::to_text(live->model, live->version);
  MARTLET_TRY_SET(
      watched.history,
      monitoring::history_of(store.database(), deployment_of(project, environment), limit, length));
  return watched;
}

}  // namespace martlet::lifecycle
