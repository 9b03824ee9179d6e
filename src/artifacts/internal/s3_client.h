// artifacts/internal/s3_client.h: one signed request to an S3 server, tried again while that can
// help.
//
// One per store; thread-safe. What goes to the log or into an error is the method, the key and the
// server's error code, never a header, a body or a credential.
#pragma once
#include "artifacts/s3_blob_store.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/http_client.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::artifacts {

struct S3Request {
  net::Method method = net::Method::Get;
  std::string key;  // "": the bucket itself
  NamesAndValues query;
  NamesAndValues headers;
  std::string body;
  std::optional<Digest> payload;  // of the body, where it is known already
  std::size_t answer_limit_bytes = std::size_t{16} << 20;
  // The server begins to answer 200 before it knows, and tells of failure in the body.
  bool result_in_body = false;
  std::optional<std::chrono::milliseconds> patience;  // instead of the options'
};

struct S3Answer {
  int status = 0;
  std::string code;  // the server's error code, "NoSuchKey"; "" when it gave none
  net::HttpResponse response;
  int attempts = 1;

  std::string_view header(std::string_view lower_name) const { return response.header(lower_name); }
  bool is_good() const { return status >= 200 && status < 300; }
};

class S3Client {
 public:
  // The references must outlive the client; `random` is guarded here.
  S3Client(S3Location location, const S3Options& options, const Clock& clock, Random& random);

  // Whatever the server says in the end is an answer. Errors: Unavailable and DeadlineExceeded
  // after the last attempt (names how many), Cancelled, and what net::HttpClient says of the URL.
  Result<S3Answer> send(S3Request request) const;
  // What an answer that isn't good means, and what to do about it.
  Error error_of(const S3Request& request, const S3Answer& answer) const;
  // send(), and an error unless the answer is good.
  Result<S3Answer> expect(S3Request request) const;

  const S3Location& location() const { return location_; }
  const S3Options& options() const { return options_; }
  // When the server last changed what it answers with, by this machine's clock: the server's may be
  // off by some minutes. Servers tell whole seconds; the end of that second.
  std::optional<Timestamp> modified(const S3Answer& answer, std::string_view last_modified) const;
  std::string fresh_name() const;  // 32 random hex digits

 private:
  std::string shown(const S3Request& request) const;
  net::HttpCall call_of(S3Request& request) const;
  NamesAndValues signed_headers(const S3Request& request, const Digest& payload) const;
  std::chrono::milliseconds pause_before(int attempt, std::string_view retry_after) const;

  S3Location location_;
  S3Options options_;
  const Clock& clock_;
  std::string host_;  // as the Host header has it
  std::string base_;  // the URL before the key
  std::string path_;  // the path before the key: "/" or "/bucket/"
  mutable net::HttpClient http_;
  mutable std::mutex random_mutex_;  // guards random_
  Random& random_;
};

// "Wed, 21 Oct 2015 07:28:00 GMT" (RFC 9110 §5.6.7), or ISO 8601 as listings have it.
std::optional<Timestamp> parse_server_time(std::string_view text);

}  // namespace martlet::artifacts
