#include "net/internal/server_pools.h"

#include <algorithm>

namespace martlet::net {

ServerPools::ServerPools(const HttpServerOptions& options, Log& log)
    : log_(log), requests_({.threads = options.pool_threads > 0
                                           ? options.pool_threads
                                           : std::max(4, 2 * platform::hardware_threads()),
                            .queue_limit = options.limits.queued_requests,
                            .name = "http-pool"},
                           log),
      streams_{{.threads = options.stream_threads > 0 ? options.stream_threads : 16,
                .queue_limit = options.limits.queued_requests,
                .name = "http-streams"},
               nullptr},
      // Never full: a connection reads one piece at a time. Those that the drain still takes may go
      // beyond the limit.
      sources_{{.threads = options.source_threads > 0 ? options.source_threads : 4,
                .queue_limit = 2 * options.limits.connections + 1024,
                .name = "http-sources"},
               nullptr} {}

platform::ThreadPool& ServerPools::started(Lazy& lazy) {
  const std::lock_guard lock(lazy_mutex_);
  if (lazy.pool == nullptr) lazy.pool = std::make_unique<platform::ThreadPool>(lazy.options, log_);
  return *lazy.pool;
}

std::size_t ServerPools::queued() {
  const std::lock_guard lock(lazy_mutex_);
  return requests_.queued() + (streams_.pool == nullptr ? 0 : streams_.pool->queued());
}

void ServerPools::stop() {
  requests_.stop();
  // No loop runs, so none is started any more. Without the mutex: handlers that are waited for may
  // ask queued().
  for (Lazy* lazy : {&streams_, &sources_})
    if (lazy->pool != nullptr) lazy->pool->stop();
}

}  // namespace martlet::net
