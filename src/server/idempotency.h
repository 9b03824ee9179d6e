// server/idempotency.h: a request that makes something may carry an Idempotency-Key; sent again, it
// gets the first answer and makes nothing.
//
// The first answer is kept in the transaction of the change (metadata/keyed_answer.h), so there is
// no moment at which one is there without the other: not after kill -9, and not after an answer of
// the database that was lost. Requests with the same key at the same time are ordered by the
// database: all but one find, inside their transaction, that they come second; what they did is
// undone, and they answer with the first one's. So nothing says "started" that a killed server
// would leave behind, several servers on one store agree, and nobody is sent away with 409: its
// clients would not try again.
//
// Kept are answers of 2xx and 4xx, but for 408 and 429; after 5xx the same request is tried anew.
// Source: draft-ietf-httpapi-idempotency-key-header-07; the string of RFC 8941 is understood with
// its quotes and without.
//
// Idempotency: one per table of routes, made by cli or Api; what it is given outlives it.
// Thread-safe. Once: of one request.
#pragma once
#include "base/clock.h"
#include "base/result.h"
#include "metadata/also.h"
#include "metadata/keyed_answer.h"
#include "net/http_message.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::metadata {
class Database;
}

namespace martlet::server {

inline constexpr std::string_view kIdempotencyKey = "Idempotency-Key";
inline constexpr std::string_view kIdempotencyReplayed = "Idempotency-Replayed";

// The key that a request carries, without quotes; nullopt: none. InvalidArgument unless it is 1 to
// 255 printable ASCII characters, given once.
Result<std::optional<std::string>> idempotency_key(const net::Request& request);

// A request on its way to its first answer.
class Once {
 public:
  Once() = default;  // without a key
  explicit Once(metadata::KeyedAnswer started, const metadata::KeyedAnswerLimits& limits)
      : answer_(std::move(started)), limits_(limits) {}

  // Calls make(also), which makes a T in one transaction and hands it to `also` within that, and
  // answers with what render(T) writes: JSON, 200. `render` may run several times.
  template <class T, class Make, class Render>
  Result<net::Response> answer(Make&& make, Render&& render) {
    if (!answer_.has_value()) {
      MARTLET_TRY_SET(const T made, make(metadata::Also<T>()));
      return net::Response::json(200, render(made));
    }
    net::Response response;
    const metadata::Also<T> also = [&](metadata::Transaction& tx, const T& made) {
      response = net::Response::json(200, render(made));
      return keep(tx, response);
    };
    MARTLET_TRY(make(also));
    return response;
  }

  bool kept() const { return kept_; }
  bool came_second() const { return came_second_; }

 private:
  friend class Idempotency;
  // Conflict when there is an answer already.
  Result<void> keep(metadata::Transaction& tx, const net::Response& response);

  std::optional<metadata::KeyedAnswer> answer_;
  metadata::KeyedAnswerLimits limits_;
  bool kept_ = false;  // both as the last attempt of the transaction left them
  bool came_second_ = false;
};

class Idempotency {
 public:
  // Makes the answer; what it changes, it changes through Once::answer().
  using First = std::function<Result<net::Response>(Once& once)>;
  // The answer of an error, in the route's protocol.
  using Shape = std::function<net::Response(const Error& error, const net::Request& request)>;

  Idempotency(metadata::Database& database, const Clock& clock,
              const metadata::KeyedAnswerLimits& limits = {})
      : database_(database), clock_(clock), limits_(limits) {}

  // `first`'s answer, or the one that it gave earlier to this request, with Idempotency-Replayed.
  // 422 when the key came with another request (method, target or body). InvalidArgument for a bad
  // key; Unavailable when the answer can't be kept.
  Result<net::Response> answer(const net::Request& request, const First& first, const Shape& shape);

 private:
  Result<std::optional<metadata::KeyedAnswer>> find(const metadata::KeyedAnswer& asked) const;
  Result<net::Response> keep_unchanged(Once& once, net::Response response,
                                       const net::Request& request, const Shape& shape);
  void forget_now_and_then();

  metadata::Database& database_;
  const Clock& clock_;
  metadata::KeyedAnswerLimits limits_;
  std::atomic<std::int64_t> kept_since_{0};  // since the last look for old ones
  std::atomic<std::int64_t> next_look_{0};   // microseconds of the calendar clock
  std::atomic<bool> looking_{false};
};

}  // namespace martlet::server
