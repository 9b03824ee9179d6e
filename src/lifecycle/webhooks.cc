#include "lifecycle/webhooks.h"

#include "metadata/database.h"
#include "monitoring/records.h"
#include "net/http_client.h"

#include <algorithm>

namespace martlet::lifecycle {

namespace {

using monitoring::WebhookRecord;

constexpr std::int64_t kAtOnce = 100;
constexpr std::chrono::seconds kTimeout{10};
constexpr std::chrono::seconds kFirstPause{2};
constexpr std::chrono::hours kLongestPause{1};

Duration pause_after(std::int64_t attempts) {
  Duration pause = kFirstPause;
  for (std::int64_t i = 1; i < attempts && pause < kLongestPause; ++i) pause *= 4;
  return std::min<Duration>(pause, kLongestPause);
}

// Where it goes, by the project file of now; nullopt when that has no such action any more.
std::optional<std::string> url_of(const Project& project, const WebhookRecord& webhook,
                                  const WebhookOptions& options) {
  for (const monitoring::AlertRule& rule : project.monitoring.alerts) {
    const auto place = static_cast<std::size_t>(webhook.action);
    if (rule.name != webhook.alert || place >= rule.then.size()) continue;
    const monitoring::Action& action = rule.then[place];
    if (action.kind != monitoring::Action::Kind::Webhook) return std::nullopt;
    const auto variable = action.variable();
    if (!variable.has_value()) return action.url;
    return options.variable ? options.variable(*variable) : std::nullopt;
  }
  return std::nullopt;
}

struct Attempt {
  bool delivered = false;
  bool for_good = false;  // trying again would not help
  std::string answer;     // a status, or the error's kind: never its words, which may hold the URL
};

Attempt call(net::HttpClient& client, const std::optional<std::string>& url,
             const WebhookRecord& webhook, const WebhookOptions& options,
             const CancelToken& cancel) {
  if (!url.has_value() || url->empty())
    return {false, true, "no such webhook, or its process variable is not set"};
  net::HttpCall request;
  request.method = net::Method::Post;
  request.url = *url;
  request.headers = {{"content-type", "application/json"}, {"martlet-webhook-id", webhook.id}};
  request.body = to_text(webhook.body);
  request.timeout = kTimeout;
  request.response_limit_bytes = std::size_t{64} << 10;
  request.policy = options.policy;
  const auto response = client.send(request, Deadline::none(), cancel);
  if (!response.has_value()) {
    const ErrorCode code = response.error().code();
    return {false, code == ErrorCode::InvalidArgument || code == ErrorCode::PermissionDenied,
            std::string(name_of(code))};
  }
  const int status = response->status;
  const bool later = status == 408 || status == 425 || status == 429 || status >= 500;
  return {status >= 200 && status < 300, !later, std::to_string(status)};
}

}  // namespace

Result<WebhookTally> deliver_webhooks(const Store& store, const Project& project,
                                      const std::string& deployment, const WebhookOptions& options,
                                      const CancelToken& cancel) {
  metadata::Database& database = store.database();
  const Host& host = store.host();
  const auto waiting =
      metadata::equal("deployment", deployment) && metadata::equal("state", "waiting");
  MARTLET_TRY_SET(const auto due, database.read([&](const metadata::ReadTransaction& tx) {
    return tx.select<WebhookRecord>(
        metadata::Query(waiting && metadata::at_most("next_at", host.clock.now()))
            .order_by("next_at")
            .limit(kAtOnce));
  }));
  WebhookTally tally;
  std::optional<net::HttpClient> client;  // its library is loaded only when there is a call to make
  for (WebhookRecord webhook : due) {
    if (!client.has_value()) client.emplace();
    const Attempt attempt =
        call(*client, url_of(project, webhook, options), webhook, options, cancel);
    if (cancel.cancelled()) return fail(ErrorCode::Cancelled, "sending webhooks was interrupted");
    ++webhook.attempts;
    webhook.answer = attempt.answer;
    if (attempt.delivered) {
      webhook.state = "delivered";
      ++tally.delivered;
    } else if (attempt.for_good || webhook.attempts >= kWebhookAttempts) {
      webhook.state = "given_up";
      ++tally.given_up;
    } else {
      webhook.next_at = host.clock.now() + pause_after(webhook.attempts);
      ++tally.failed;
    }
    if (!attempt.delivered) {
      host.log.warn("webhook.not_delivered", {{"id", webhook.id},
                                              {"alert", webhook.alert},
                                              {"answer", webhook.answer},
                                              {"attempts", webhook.attempts},
                                              {"state", webhook.state}});
    }
    MARTLET_TRY(database.write([&](metadata::Transaction& tx) { return tx.update(webhook); }));
  }
  MARTLET_TRY_SET(const auto next, database.read([&](const metadata::ReadTransaction& tx) {
    return tx.first<WebhookRecord>(metadata::Query(waiting).order_by("next_at"));
  }));
  if (next.has_value()) tally.next = next->next_at;
  return tally;
}

}  // namespace martlet::lifecycle
