#include "artifacts/aws_signature.h"

#include "base/hmac.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::artifacts {
namespace {

std::string_view as_key(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()};
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// "20130524T000000Z"
std::string compact_time(Timestamp at) {
  const CivilTime civil = civil_utc(at);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", civil.date.year, civil.date.month,
                     civil.date.day, civil.hour, civil.minute, civil.second);
}

// White space around a value doesn't count, and a run of it counts as one.
std::string folded(std::string_view value) {
  std::string text;
  for (const char c : trim(value)) {
    if (c == ' ' && text.ends_with(' ')) continue;
    text += c;
  }
  return text;
}

// Names in lower case, in order; values of one name joined by commas.
NamesAndValues canonical_headers(const NamesAndValues& headers) {
  NamesAndValues sorted;
  for (const auto& [name, value] : headers) sorted.emplace_back(lower_ascii(name), folded(value));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  NamesAndValues joined;
  for (auto& [name, value] : sorted) {
    if (!joined.empty() && joined.back().first == name) {
      joined.back().second += "," + value;
    } else {
      joined.emplace_back(std::move(name), std::move(value));
    }
  }
  return joined;
}

}  // namespace

std::string encode_uri(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string canonical_query(const NamesAndValues& query) {
  NamesAndValues encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(encode_uri(name), encode_uri(value));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text += name + "=" + value;
  }
  return text;
}

NamesAndValues sign(const AwsRequest& request, const AwsCredentials& credentials,
                    const AwsScope& scope, Timestamp at) {
  const std::string time = compact_time(at);
  const std::string day = time.substr(0, 8);
  NamesAndValues added{{"x-amz-date", time}};
  if (!credentials.session_token.empty())
    added.emplace_back("x-amz-security-token", credentials.session_token.reveal());

  NamesAndValues headers = request.headers;
  headers.insert(headers.end(), added.begin(), added.end());
  headers.emplace_back("host", request.host);
  std::string names;
  std::string canonical =
      fmt::format("{}\n{}\n{}\n", request.method, request.path, canonical_query(request.query));
  for (const auto& [name, value] : canonical_headers(headers)) {
    canonical += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += "\n" + names + "\n" + request.payload.hex();

  const std::string where = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string text =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, where, digest_of(canonical).hex());
  Digest key = hmac_sha256("AWS4" + credentials.secret.reveal(), day);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")})
    key = hmac_sha256(as_key(key), part);
  added.emplace_back(
      "authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                  credentials.key_id, where, names, hmac_sha256(as_key(key), text).hex()));
  return added;
}

}  // namespace martlet::artifacts
