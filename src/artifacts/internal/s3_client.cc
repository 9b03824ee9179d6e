#include "artifacts/internal/s3_client.h"

#include "artifacts/internal/s3_xml.h"
#include "base/text.h"
#include "platform/real_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

namespace martlet::artifacts {
namespace {

using std::chrono::milliseconds;

// Failures of the server or on the way to it: the same request may well succeed.
bool is_transient(const S3Answer& answer) {
  static const std::set<std::string_view> kCodes{
      "RequestTimeout",   "SlowDown",           "InternalError",
      "BadDigest",        "IncompleteBody",     "XAmzContentSHA256Mismatch",
      "OperationAborted", "ServiceUnavailable", "ConditionalRequestConflict"};
  switch (answer.status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return true;
    default: return !answer.is_good() && kCodes.contains(answer.code);
  }
}

// The error code in an answer's body.
std::string code_in(const net::HttpResponse& response) {
  const auto root = parse_xml(response.body);
  if (!root.has_value() || root->name != "Error") return "";
  const std::string_view code = root->child_text("Code");
  const bool plain = std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  return plain && code.size() <= 64 ? std::string(code) : "";
}

S3Answer answer_of(const S3Request& request, net::HttpResponse response, int attempt) {
  S3Answer answer;
  answer.status = response.status;
  answer.attempts = attempt;
  if (!answer.is_good()) answer.code = code_in(response);
  if (answer.is_good() && request.result_in_body) {
    const auto root = parse_xml(response.body);
    if (!root.has_value() || root->name == "Error") {
      answer.code = root.has_value() ? code_in(response) : "";
      answer.status = 500;  // as which the server would have begun had it known
    }
  }
  answer.response = std::move(response);
  return answer;
}

struct Meaning {
  ErrorCode code;
  std::string_view text;
};

// By the server's code first: several share a status.
Meaning meaning_of(const S3Answer& answer) {
  static const std::map<std::string_view, Meaning> kMeanings{
      {"InvalidAccessKeyId",
       {ErrorCode::Unauthenticated,
        "the server doesn't know the access key; check AWS_ACCESS_KEY_ID"}},
      {"SignatureDoesNotMatch",
       {ErrorCode::Unauthenticated,
        "the secret key doesn't belong to the access key (check AWS_SECRET_ACCESS_KEY), or the "
        "region isn't the server's (region= in the URL)"}},
      {"RequestTimeTooSkewed",
       {ErrorCode::Unauthenticated,
        "this machine's clock and the server's differ by more than 15 minutes; set the clock"}},
      {"ExpiredToken",
       {ErrorCode::Unauthenticated,
        "the temporary credentials have expired; get new ones and start again"}},
      {"InvalidToken",
       {ErrorCode::Unauthenticated, "the session token is not valid; check AWS_SESSION_TOKEN"}},
      {"AccessDenied",
       {ErrorCode::PermissionDenied,
        "these credentials may not do that; grant s3:GetObject, PutObject, DeleteObject, "
        "ListBucket, AbortMultipartUpload and ListBucketMultipartUploads on bucket and prefix"}},
      {"NoSuchBucket",
       {ErrorCode::Unavailable, "there is no such bucket; make it, or mend the URL of the blobs"}},
      {"PermanentRedirect",
       {ErrorCode::InvalidArgument,
        "the bucket lies in another region or at another endpoint; mend region= and endpoint= in "
        "the URL of the blobs"}},
      {"AuthorizationHeaderMalformed",
       {ErrorCode::InvalidArgument,
        "the server expects another region; mend region= in the URL of the blobs"}},
      {"QuotaExceeded", {ErrorCode::ResourceExhausted, "the quota is used up; make room"}},
      {"XMinioStorageFull", {ErrorCode::ResourceExhausted, "the server's disk is full; make room"}},
      {"EntityTooLarge",
       {ErrorCode::ResourceExhausted, "the server doesn't take objects of this size"}},
  };
  if (const auto found = kMeanings.find(answer.code); found != kMeanings.end())
    return found->second;
  switch (answer.status) {
    case 301:
    case 307:
    case 308: return kMeanings.at("PermanentRedirect");
    case 401: return kMeanings.at("InvalidAccessKeyId");
    case 403:
      return {ErrorCode::PermissionDenied,
              "the server refuses: check the credentials, their rights on bucket and prefix, and "
              "this machine's clock"};
    case 404: return {ErrorCode::Unavailable, "the server doesn't know it; check the endpoint"};
    case 501:
      return {ErrorCode::Unavailable, "the server doesn't support it; use another S3 server"};
    case 507: return kMeanings.at("XMinioStorageFull");
    default: return {ErrorCode::Unavailable, "see the server's log, and try again"};
  }
}

std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Timestamp> parse_server_time(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT") {
    const auto parsed = parse_timestamp_utc(text);
    return parsed.has_value() ? std::optional<Timestamp>(*parsed) : std::nullopt;
  }
  const auto* const month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = digits(text.substr(5, 2));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const CivilDate date{*year, static_cast<int>(month - kMonths.begin()) + 1, *day};
  if (!is_valid(date) || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return from_civil_utc({date, *hour, *minute, std::min(*second, 59), 0});
}

S3Client::S3Client(S3Location location, const S3Options& options, const Clock& clock,
                   Random& random)
    : location_(std::move(location)), options_(options), clock_(clock), random_(random) {
  const std::size_t scheme_end = location_.endpoint.find("://") + 3;
  const std::string scheme = location_.endpoint.substr(0, scheme_end);
  host_ = location_.endpoint.substr(scheme_end);
  const std::string_view own_port = scheme == "https://" ? ":443" : ":80";
  if (host_.ends_with(own_port)) host_.erase(host_.find_last_of(":"));
  path_ = "/";
  if (location_.style == S3Location::Style::Host) {
    host_ = location_.bucket + "." + host_;
  } else {
    path_ += location_.bucket + "/";
  }
  base_ = scheme + host_ + path_;
}

std::string S3Client::fresh_name() const {
  const std::lock_guard lock(random_mutex_);
  return random_.hex(32);
}

std::optional<Timestamp> S3Client::modified(const S3Answer& answer,
                                            std::string_view last_modified) const {
  const auto theirs = parse_server_time(last_modified);
  if (!theirs.has_value()) return std::nullopt;
  const auto now = parse_server_time(answer.header("date"));
  const Duration ahead = now.has_value() ? *now - clock_.now() : Duration(0);
  return *theirs - ahead + Duration(kMicrosPerSecond - 1);
}

std::string S3Client::shown(const S3Request& request) const {
  return fmt::format("{} s3://{}/{} at {}", net::name_of(request.method), location_.bucket,
                     request.key, location_.endpoint);
}

net::HttpCall S3Client::call_of(S3Request& request) const {
  net::HttpCall call;
  call.method = request.method;
  call.url = base_ + request.key;
  if (!request.query.empty()) call.url += "?" + canonical_query(request.query);
  call.body = std::move(request.body);
  call.timeout = options_.attempt_timeout;
  call.connect_timeout = options_.connect_timeout;
  call.response_limit_bytes = request.answer_limit_bytes;
  call.policy = std::nullopt;  // the operator's own server
  call.certificate_authority = location_.certificate_authority;
  return call;
}

NamesAndValues S3Client::signed_headers(const S3Request& request, const Digest& payload) const {
  AwsRequest unsigned_request;
  unsigned_request.method = net::name_of(request.method);
  unsigned_request.host = host_;
  unsigned_request.path = path_ + request.key;  // keys hold nothing that would be encoded
  unsigned_request.query = request.query;
  unsigned_request.headers = request.headers;
  unsigned_request.headers.emplace_back("x-amz-content-sha256", payload.hex());
  unsigned_request.payload = payload;
  NamesAndValues headers = unsigned_request.headers;
  const NamesAndValues added =
      sign(unsigned_request, options_.credentials, {location_.region, "s3"}, clock_.now());
  headers.insert(headers.end(), added.begin(), added.end());
  return headers;
}

// Twice as long each time, of which any part is waited for: many clients don't come back together.
milliseconds S3Client::pause_before(int attempt, std::string_view retry_after) const {
  const auto longest =
      std::min(options_.first_pause * (std::int64_t{1} << std::min(attempt - 1, 20)),
               options_.longest_pause);
  std::int64_t part = 0;
  {
    const std::lock_guard lock(random_mutex_);
    part =
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(longest.count()) + 1));
  }
  const auto asked = digits(retry_after);
  const milliseconds wanted(asked.has_value() ? std::min(*asked, 60) * 1'000 : 0);
  return std::max(milliseconds(part), std::min(wanted, options_.longest_pause));
}

Result<S3Answer> S3Client::send(S3Request request) const {
  const Digest payload =
      request.payload.has_value() ? *request.payload : digest_of(std::string_view(request.body));
  net::HttpCall call = call_of(request);
  const auto end = std::chrono::steady_clock::now() + request.patience.value_or(options_.patience);
  for (int attempt = 1;; ++attempt) {
    call.headers = signed_headers(request, payload);
    auto response = http_.send(call, Deadline{end}, options_.cancel);
    std::string_view retry_after;
    std::string problem;
    ErrorCode code = ErrorCode::Unavailable;
    S3Answer answer;
    if (response.has_value()) {
      answer = answer_of(request, std::move(*response), attempt);
      if (!is_transient(answer)) return answer;
      retry_after = answer.header("retry-after");
      problem = fmt::format("it answered {} {}", answer.status, answer.code);
    } else {
      code = response.error().code();
      problem = response.error().message();
      if (code != ErrorCode::Unavailable && code != ErrorCode::DeadlineExceeded)
        return fail(std::move(response).error().with_context(shown(request)));
    }
    const auto resume = std::chrono::steady_clock::now() + pause_before(attempt, retry_after);
    if (attempt >= options_.attempts || resume >= end) {
      return fail(code, fmt::format("{}: gave up after {} attempt{}: {}; see that the server is "
                                    "well, and try again",
                                    shown(request), attempt, attempt == 1 ? "" : "s", problem));
    }
    if (!platform::pause_until(Deadline{resume}, options_.cancel))
      return fail(ErrorCode::Cancelled, shown(request) + " was cancelled");
  }
}

Error S3Client::error_of(const S3Request& request, const S3Answer& answer) const {
  const Meaning meaning = meaning_of(answer);
  std::string_view region = answer.header("x-amz-bucket-region");
  if (region.size() > 64 || region == location_.region) region = "";
  return {meaning.code,
          fmt::format("{}: {}{}{}: {}{}", shown(request), answer.status,
                      answer.code.empty() ? "" : " ", answer.code, meaning.text,
                      region.empty() ? "" : fmt::format(" (it is in region {})", region))};
}

Result<S3Answer> S3Client::expect(S3Request request) const {
  S3Request about;
  about.method = request.method;
  about.key = request.key;
  MARTLET_TRY_SET(S3Answer answer, send(std::move(request)));
  if (!answer.is_good()) return fail(error_of(about, answer));
  return answer;
}

}  // namespace martlet::artifacts
