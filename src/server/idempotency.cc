#include "server/idempotency.h"

#include "base/text.h"
#include "metadata/database.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::server {

namespace {

using metadata::KeyedAnswer;

constexpr std::size_t kMaxKeyCharacters = 255;
constexpr std::int64_t kLookAfter = 1000;  // answers kept
constexpr Duration kLookEvery = std::chrono::hours(1);

tl::unexpected<Error> bad_key(std::string_view why) {
  return invalid_argument(
      fmt::format("{}: {}; it is 1 to {} printable ASCII characters of the client's choice, such "
                  "as a UUID, the same in every attempt of one request",
                  kIdempotencyKey, why, kMaxKeyCharacters));
}

// RFC 8941 §3.3.3: "…" with \" and \\.
Result<std::string> unquoted(std::string_view text) {
  std::string key;
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') {
      ++at;
      if (at >= text.size() || (text[at] != '"' && text[at] != '\\'))
        return bad_key("a backslash in quotes stands before a quote or a backslash only");
    }
    key += text[at];
  }
  if (at + 1 != text.size()) return bad_key("its closing quote is missing or isn't the end");
  return key;
}

// All that makes two requests the same, but for headers.
Digest digest_of_request(const net::Request& request) {
  return digest_of(fmt::format("{}\n{}\n{}", net::name_of(request.method), request.target,
                               digest_of(request.body).text()));
}

net::Response replayed(const KeyedAnswer& kept) {
  net::Response response;
  response.status = static_cast<int>(kept.status);
  response.content_type = kept.content_type;
  response.body = kept.body.bytes;
  response.headers.emplace_back(kIdempotencyReplayed, "true");
  return response;
}

// The kept answer to the request that was asked, or 422 when the key came with another one.
net::Response replay(const KeyedAnswer& kept, const KeyedAnswer& asked, const net::Request& request,
                     const Idempotency::Shape& shape) {
  if (kept.request == asked.request) return replayed(kept);
  net::Response refused = shape(
      Error(ErrorCode::InvalidArgument,
            fmt::format("{} \"{}\" came with another request before (its method, path or body "
                        "differ), whose answer is kept; use a new key for a new request",
                        kIdempotencyKey, asked.key)),
      request);
  refused.status = 422;
  return refused;
}

bool may_be_kept(int status) { return status < 500 && status != 408 && status != 429; }

}  // namespace

Result<std::optional<std::string>> idempotency_key(const net::Request& request) {
  std::optional<std::string_view> given;
  for (const net::Header& header : request.headers) {
    if (lower_ascii(header.name) != lower_ascii(kIdempotencyKey)) continue;
    if (given.has_value()) return bad_key("it was given more than once");
    given = trim(header.value);
  }
  if (!given.has_value()) return std::optional<std::string>();
  std::string key(*given);
  if (given->starts_with('"')) {
    MARTLET_TRY_SET(key, unquoted(*given));
  }
  if (key.empty()) return bad_key("it is empty");
  if (key.size() > kMaxKeyCharacters)
    return bad_key(fmt::format("it has {} characters", key.size()));
  if (!std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }))
    return bad_key("it has characters that aren't printable ASCII");
  return std::optional<std::string>(std::move(key));
}

Result<void> Once::keep(metadata::Transaction& tx, const net::Response& response) {
  KeyedAnswer& answer = *answer_;
  answer.status = response.status;
  answer.content_type = response.content_type;
  answer.body.bytes = response.body;
  kept_ = false;
  came_second_ = false;
  MARTLET_TRY_SET(kept_, metadata::keep_answer(tx, answer, limits_));
  came_second_ = !kept_;
  if (kept_) return {};
  return conflict(fmt::format("another request with the {} \"{}\" was answered meanwhile",
                              kIdempotencyKey, answer.key));
}

Result<net::Response> Idempotency::answer(const net::Request& request, const First& first,
                                          const Shape& shape) {
  MARTLET_TRY_SET(std::optional<std::string> key, idempotency_key(request));
  if (!key.has_value()) {
    Once unkeyed;
    return first(unkeyed);
  }
  KeyedAnswer asked;
  asked.key = std::move(*key);
  asked.request = digest_of_request(request);
  asked.kept = clock_.now();
  MARTLET_TRY_SET(const auto before, find(asked));
  if (before.has_value()) return replay(*before, asked, request, shape);

  Once once(asked, limits_);
  auto response = first(once);
  if (once.came_second()) {
    MARTLET_TRY_SET(const auto theirs, find(asked));
    if (theirs.has_value()) return replay(*theirs, asked, request, shape);
    // Theirs was undone together with what it shared a commit with.
    return unavailable(fmt::format("two requests with the {} \"{}\" met, and neither was stored; "
                                   "send it again",
                                   kIdempotencyKey, asked.key));
  }
  net::Response answer = response.has_value() ? *response : shape(response.error(), request);
  // An error stays one, so that the log has its reason.
  if (!may_be_kept(answer.status)) return response;
  if (response.has_value() && once.kept()) {
    forget_now_and_then();
    return answer;
  }
  return keep_unchanged(once, std::move(answer), request, shape);
}

// Of a request that has changed nothing: kept before it is given, so that it stays the first one.
Result<net::Response> Idempotency::keep_unchanged(Once& once, net::Response response,
                                                  const net::Request& request, const Shape& shape) {
  auto kept = database_.write([&](metadata::Transaction& tx) { return once.keep(tx, response); });
  if (once.came_second()) {
    MARTLET_TRY_SET(const auto theirs, find(*once.answer_));
    if (theirs.has_value()) return replay(*theirs, *once.answer_, request, shape);
  }
  MARTLET_TRY(std::move(kept));
  forget_now_and_then();
  return response;
}

Result<std::optional<KeyedAnswer>> Idempotency::find(const KeyedAnswer& asked) const {
  return database_.read([&](const metadata::ReadTransaction& tx) {
    return metadata::kept_answer(tx, asked.key, asked.kept, limits_);
  });
}

// With the first answer of a process, each hour, and each thousand answers: so that no more than
// these are there beyond the limits. The answer stands whether this succeeds or not.
void Idempotency::forget_now_and_then() {
  const Timestamp now = clock_.now();
  const bool many = kept_since_.fetch_add(1) + 1 >= kLookAfter;
  if (!many && now.micros < next_look_.load()) return;
  if (looking_.exchange(true)) return;
  kept_since_.store(0);
  next_look_.store((now + kLookEvery).micros);
  static_cast<void>(metadata::forget_answers(database_, now, limits_).has_value());
  looking_.store(false);
}

}  // namespace martlet::server
