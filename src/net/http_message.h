// net/http_message.h: requests and responses as plain values, and the limits both are held to.
//
// A Request's views point into its connection's buffers: they are valid until its Exchange was
// answered or destroyed, and must not be kept beyond. One thread at a time.
#pragma once
#include "base/cancel.h"
#include "base/finding.h"

#include <any>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::net {

class BodySource;

enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options };
std::string_view name_of(Method method);                 // "GET"
std::optional<Method> method_of(std::string_view name);  // case-sensitive, as RFC 9110 §9.1 says

struct Header {
  std::string_view name;  // as it was sent
  std::string_view value;
};

struct Parameter {
  std::string_view name;
  std::string_view value;
};

struct Request {
  Method method = Method::Get;
  std::string_view target;  // raw, as it was sent: for logs
  // Percent-decoded exactly once; valid UTF-8; starts with '/' ("*" for OPTIONS *); free of NUL,
  // control characters and "." or ".." segments.
  std::string_view path;
  std::vector<Parameter> query;  // decoded ('+' is a space), in order, repeated names kept
  std::vector<Header> headers;
  std::vector<Parameter> path_parameters;  // filled by the router, from the pattern's {names}
  std::string_view body;                   // empty when it comes as a stream: Exchange::body()
  std::string_view peer;                   // "127.0.0.1:53122", "[::1]:53122"
  std::string_view id;  // the client's X-Request-Id when it's 1–64 characters of A–Z a–z 0–9 . _ -,
                        // else one of ours
  Deadline deadline;    // when the server gives up on the handler and answers 504; none for a
                        // handler that reads a stream, which must only go on
  CancelToken
      cancel;         // cancelled when the client has vanished or the server cannot wait any longer
  std::any identity;  // left by the guard for the handler
  const void* route = nullptr;  // between plan() and handle() of one handler

  // The first one of that name, without regard to case; "" when absent.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  std::optional<std::string_view> query_value(std::string_view name) const;
  // "" when the pattern has no such name.
  std::string_view path_value(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type;  // "": none
  // Names are tokens, values hold no control characters; a response that breaks this is replaced by
  // a 500. Content-Length, Transfer-Encoding, Connection, Date and X-Request-Id are the server's
  // own.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Instead of `body`: read and sent piece by piece (net/body_source.h). Not read for HEAD.
  std::shared_ptr<BodySource> source = nullptr;

  static Response json(int status, std::string body);
  static Response text(int status, std::string body);  // UTF-8
};

// What the server itself has to say, before it takes the shape of some protocol.
struct HttpProblem {
  int status = 500;
  std::string_view code;  // stable, snake case: "body_too_large"
  std::string message;    // for the person who must act; no internals
  std::string_view request_id;
};
// {"error": {"code", "message", "request_id"}}
Response problem_response(const HttpProblem& problem);

std::string_view reason_phrase(int status);

// Every limit of the server in one table (RELIABILITY §6, controls 21 and 22).
struct HttpLimits {
  std::size_t header_bytes = std::size_t{16} << 10;  // request line and headers; beyond: 431
  std::size_t headers = 100;                         // 431
  std::size_t body_bytes = std::size_t{64} << 20;    // 413; a route may set its own
  std::size_t streamed_body_bytes =
      std::size_t{5} << 30;  // 413, for routes that take a stream; a route may set its own
  std::size_t stream_window_bytes = std::size_t{256}
                                    << 10;  // held of one streamed body, in either direction
  std::size_t all_bodies_bytes = std::size_t{1}
                                 << 30;  // buffered at one time by all connections, windows of
                                         // streamed bodies included; beyond: 503
  std::chrono::milliseconds header_timeout{
      10'000};  // from the first byte of a request, and from the start of a connection; 408
  std::chrono::milliseconds idle_timeout{60'000};  // between two requests
  std::chrono::milliseconds handler_timeout{
      60'000};  // 504; for streamed bodies: without taking any of it
  // Bodies must come, and responses must be taken, at this rate over every rate_window; 408, or the
  // connection is closed.
  std::size_t bytes_per_second = 1024;
  std::chrono::milliseconds rate_window{10'000};
  std::size_t connections = 4096;      // beyond, no connection is accepted until one ends
  std::size_t queued_requests = 1024;  // waiting for a thread; beyond: 503 with Retry-After
  std::chrono::milliseconds drain_idle{
      500};  // how long an idle connection may still send a request once the server drains

  std::vector<Finding> validate() const;
};

}  // namespace martlet::net
