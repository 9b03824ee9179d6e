// net/http_server.h: the HTTP/1.1 server: one epoll loop per core, hot handlers on the loop, all
// others on a bounded pool.
//
// Lifetime: start() to stop() (the destructor stops too, without grace); the handler, clock and log
// outlive it. stop() drains: connections already made by the kernel are still served, requests in
// flight get their answer with "Connection: close", idle connections may send one more request for
// drain_idle, and only then do they close. Without connections it sleeps in the kernel. It listens
// where it's told; refusing an address that is not loopback without TLS and authentication is the
// caller's duty (is_loopback_address). Called by server/.
#pragma once
#include "base/result.h"
#include "net/http_message.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace martlet {
class Clock;
class Log;
}  // namespace martlet

namespace martlet::net {

class Connection;

// A request's body, taken piece by piece by the one thread that has the exchange. A handle: it may
// be made again and again, and is valid until the exchange was answered.
class RequestBody {
 public:
  explicit RequestBody(Connection& connection) : connection_(&connection) {}

  // The next bytes, "" at the end; they are valid until the next call. A body that came as a whole
  // is one piece. Waits for the client, which may be slow within HttpLimits; the connection holds
  // stream_window_bytes at most, and the client is kept waiting while they are full. After an error
  // the rest will never come, and the client was told or has gone: whatever the handler answers is
  // dropped. Errors: Cancelled (client gone, server stopped), DeadlineExceeded (client or handler
  // too slow), InvalidArgument (malformed), ResourceExhausted (too large).
  Result<std::string_view> read();
  // Whether read() would return at once.
  bool ready() const;
  // As the client declared it; nothing for a chunked body.
  std::optional<std::uint64_t> size_bytes() const;

 private:
  Connection* connection_;
};

// The right and duty to answer one request. It may be moved to any thread and kept while work goes
// on; the request's views live as long as it does, whatever the client does meanwhile. Destroyed
// unanswered, it answers 500.
class Exchange {
 public:
  explicit Exchange(std::shared_ptr<Connection> connection);  // made by the server only
  Exchange(Exchange&& other) noexcept = default;
  Exchange& operator=(Exchange&& other) noexcept;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  // The guard and the router may write to it; nobody else does.
  Request& request() { return *request_; }
  const Request& request() const { return *request_; }
  // An answer before the body's end is fine; the rest is thrown away, or the connection is closed.
  RequestBody body() { return RequestBody(*connection_); }
  // Once. Neither the exchange's request nor its views may be touched afterwards. Dropped silently
  // when the client has vanished.
  void respond(Response response);
  bool answered() const { return connection_ == nullptr; }

 private:
  std::shared_ptr<Connection> connection_;
  Request* request_ = nullptr;
};

enum class Where : std::uint8_t {
  Loop,  // on the event loop: only for what takes microseconds and never blocks
  Pool,  // on a thread of the server's pool
};

enum class BodyMode : std::uint8_t {
  Whole,     // the handler runs when the body has come, and finds it in Request::body
  Streamed,  // the handler runs when the head has come, on a thread that may wait, and reads
             // Exchange::body()
};

struct RequestPlan {
  Where where = Where::Pool;
  std::optional<std::size_t> body_limit_bytes;  // else HttpLimits::[streamed_]body_bytes
  std::optional<Response> refusal;              // answered instead of being handled
  BodyMode body = BodyMode::Whole;              // Streamed: never on the loop
};

// What the server serves; net/router.h is the usual one. Called from many threads at once.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // Before the server starts: findings, such as a route without a permission, keep it from
  // starting.
  virtual Result<void> check() const = 0;
  // On the loop, once the head was read: must not block, and may be called twice for one request.
  virtual RequestPlan plan(Request& request) = 0;
  virtual void handle(Exchange exchange) = 0;
  // The shape of what the server itself has to say; `request` is null when there was none that
  // could be read.
  virtual Response problem(const HttpProblem& problem, const Request* request);
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: any free one; see port()
  int loops = 0;                      // 0: one per hardware thread
  int pool_threads = 0;               // 0: twice the hardware threads, at least 4
  int stream_threads = 0;  // 0: 16; how many handlers may read streamed bodies at once, the others
                           // wait. Started with the first such request
  int source_threads = 0;  // 0: 4; that read streamed responses. Started with the first of them
  HttpLimits limits;
};

// Since the start; for telemetry.
struct HttpServerCounts {
  std::uint64_t connections = 0;
  std::uint64_t open_connections = 0;
  std::uint64_t requests = 0;          // heads that could be read
  std::uint64_t responses = 0;         // handed to the kernel, in part at least
  std::uint64_t refused = 0;           // malformed, too large, too slow
  std::uint64_t overloaded = 0;        // 503 for a full queue or full memory
  std::uint64_t handler_timeouts = 0;  // 504
  std::uint64_t vanished = 0;          // clients gone before their answer
  std::uint64_t cut_at_stop = 0;       // requests that the drain's grace did not suffice for
  std::uint64_t source_failures = 0;   // streamed responses that could not be read to their end
  std::uint64_t queued = 0;            // waiting for a thread now
  std::uint64_t buffered_bytes = 0;    // of bodies, against all_bodies_bytes, now
};

class HttpServer {
 public:
  // InvalidArgument (limits, address, the handler's findings); Unavailable when the address is
  // taken; PermissionDenied for a low port.
  static Result<std::unique_ptr<HttpServer>>
  start(const HttpServerOptions& options, RequestHandler& handler, const Clock& clock, Log& log);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  // From the moment stop() is called: readiness probes should say so.
  bool draining() const;
  HttpServerCounts counts() const;
  // Drains for at most `grace`, then cuts what is left; waits for handlers that still run (their
  // request's token is cancelled). Again is fine.
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// 127.0.0.0/8 and ::1, written as numbers.
bool is_loopback_address(std::string_view address);

}  // namespace martlet::net
