// lifecycle/webhooks.h: the webhooks that alerts owe, sent: at least once each, under an id that
// the receiver can tell repetitions by, with bounded retries.
//
// They were written with the alert's new state (window_watch.h); here they are called, outside of
// every transaction and far from any request. URLs come from the project file of now and may be
// secret: neither they nor what a failed call said of them reaches a log or the store.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "net/url_guard.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace martlet::lifecycle {

inline constexpr std::int64_t kWebhookAttempts = 8;  // 2 s, 8 s, 32 s … apart: about three hours

struct WebhookOptions {
  // Which addresses a project file may make us call.
  net::UrlPolicy policy;
  // The value of a process variable that a URL stands in; nullopt when it isn't set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
};

struct WebhookTally {
  std::int64_t delivered = 0;
  std::int64_t failed = 0;    // will be tried again
  std::int64_t given_up = 0;  // after kWebhookAttempts, or when the receiver refuses it for good
  std::optional<Timestamp> next;  // when the next one is to be tried
};

// Sends what is due now. An Error means that the store failed, or Cancelled.
Result<WebhookTally> deliver_webhooks(const Store& store, const Project& project,
                                      const std::string& deployment, const WebhookOptions& options,
                                      const CancelToken& cancel);

}  // namespace martlet::lifecycle
