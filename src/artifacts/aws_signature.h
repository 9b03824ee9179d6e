// artifacts/aws_signature.h: AWS signature version 4, as header fields.
//
// Pure: time, credentials and request are handed in, and what comes back depends on nothing else.
// Source: "Signature Version 4 signing process" of AWS's documentation; tested against the vectors
// published there. Why not libcurl's: docs/decisions/0025. Values and free functions; thread-safe.
#pragma once
#include "base/digest.h"
#include "base/secret.h"
#include "base/time.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::artifacts {

struct AwsCredentials {
  std::string key_id;
  Secret secret;
  Secret session_token;  // of temporary credentials; else empty
};

struct AwsScope {
  std::string region;
  std::string service;  // "s3"
};

using NamesAndValues = std::vector<std::pair<std::string, std::string>>;

struct AwsRequest {
  std::string method;      // "GET"
  std::string host;        // as it is sent: with the port unless it is the scheme's own
  std::string path;        // as it is sent: begins with '/', percent-encoded once
  NamesAndValues query;    // not encoded; in any order
  NamesAndValues headers;  // those to be signed, besides host and the date
  Digest payload;          // of the body
};

// Percent-encodes all but letters, digits and "-._~" (RFC 3986 §2.3).
std::string encode_uri(std::string_view text);
// Sorted and encoded, with '=' after every name; what must be sent behind the '?'.
std::string canonical_query(const NamesAndValues& query);

// What to send besides request.headers: "x-amz-date", "x-amz-security-token" with temporary
// credentials, and "authorization".
NamesAndValues sign(const AwsRequest& request, const AwsCredentials& credentials,
                    const AwsScope& scope, Timestamp at);

}  // namespace martlet::artifacts
