#include "net/http_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/internal/event_loop.h"
#include "net/internal/server_pools.h"
#include "platform/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <exception>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace martlet::net {
namespace {

Result<void> bind_to(int listener, const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof(v4);
  } else {
    ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof(v6);
  }
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&storage), size) == 0 &&
      ::listen(listener, SOMAXCONN) == 0)
    return {};
  const int number = errno;
  const std::string what = fmt::format("listening on {} port {}: {}", address, port,
                                       std::generic_category().message(number));
  if (number == EACCES)
    return fail(ErrorCode::PermissionDenied, what + "; ports below 1024 need a privilege");
  return unavailable(what + (number == EADDRINUSE
                                 ? "; another program listens there: end it or choose another port"
                                 : ""));
}

std::uint16_t port_of(int listener) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &size);
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                            : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
}

int family_of(const std::string& address) {
  in6_addr parsed{};
  if (::inet_pton(AF_INET, address.c_str(), &parsed) == 1) return AF_INET;
  return ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1 ? AF_INET6 : -1;
}

}  // namespace

struct HttpServer::State {
  std::shared_ptr<ServerShared> shared = std::make_shared<ServerShared>();
  std::unique_ptr<ServerPools> pools;
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::vector<std::thread> threads;
  std::uint16_t port = 0;
  std::mutex stop_mutex;
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      RequestHandler& handler, const Clock& clock,
                                                      Log& log) {
  if (std::vector<Finding> findings = options.limits.validate(); !findings.empty())
    return invalid("the limits of the HTTP server", std::move(findings));
  const int family = family_of(options.address);
  if (family < 0)
    return invalid_argument(
        fmt::format("listening on \"{}\": this is no numeric address, such as 127.0.0.1 or ::1",
                    options.address));
  MARTLET_TRY(handler.check());

  auto state = std::make_unique<State>();
  state->shared->limits = options.limits;
  state->shared->handler = &handler;
  state->shared->clock = &clock;
  state->shared->log = &log;
  const int hardware = platform::hardware_threads();
  state->pools = std::make_unique<ServerPools>(options, log);
  std::vector<EventLoop*> loops;
  for (int i = 0; i < (options.loops > 0 ? options.loops : hardware); ++i) {
    MARTLET_TRY_SET(std::unique_ptr<EventLoop> loop,
                    EventLoop::create(state->shared, *state->pools, log, i));
    loops.push_back(loop.get());
    state->loops.push_back(std::move(loop));
  }

  const int listener = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return unavailable(fmt::format("opening a socket: {}", std::strerror(errno)));
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (Result<void> bound = bind_to(listener, options.address, options.port); !bound.has_value()) {
    ::close(listener);
    return fail(std::move(bound).error());
  }
  state->port = port_of(listener);
  for (EventLoop* loop : loops) loop->join(loops);
  loops.front()->listen_on(listener);
  for (EventLoop* loop : loops)
    state->threads.emplace_back([loop] {
      ::pthread_setname_np(::pthread_self(), "http-loop");
      loop->run();
    });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

std::uint16_t HttpServer::port() const { return state_->port; }

bool HttpServer::draining() const { return state_->shared->draining.load(); }

HttpServerCounts HttpServer::counts() const {
  const ServerShared& shared = *state_->shared;
  HttpServerCounts counts;
  counts.connections = shared.connections.load();
  counts.open_connections = shared.open.load();
  counts.requests = shared.requests.load();
  counts.responses = shared.responses.load();
  counts.refused = shared.refused.load();
  counts.overloaded = shared.overloaded.load();
  counts.handler_timeouts = shared.handler_timeouts.load();
  counts.vanished = shared.vanished.load();
  counts.cut_at_stop = shared.cut.load();
  counts.source_failures = shared.source_failures.load();
  counts.queued = state_->pools->queued();
  counts.buffered_bytes = shared.body_bytes.load();
  return counts;
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  const std::lock_guard lock(state_->stop_mutex);
  if (state_->threads.empty()) return;
  state_->shared->draining.store(true);
  const SteadyTime cut_at = std::chrono::steady_clock::now() + grace;
  for (const std::unique_ptr<EventLoop>& loop : state_->loops) loop->stop(cut_at);
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
  state_->pools->stop();
}

bool is_loopback_address(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace martlet::net
