#include "artifacts/s3_location.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace martlet::artifacts {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::size_t kMaxPrefixBytes = 512;  // of the 1,024 that a key may have

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt when an escape is broken.
std::optional<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

// Of AWS's rules for general purpose buckets.
std::string_view wrong_with_bucket(std::string_view bucket) {
  if (bucket.size() < 3 || bucket.size() > 63) return "has 3 to 63 characters";
  if (!std::all_of(bucket.begin(), bucket.end(),
                   [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; }))
    return "is made of lower-case letters, digits, '-' and '.'";
  if (!is_lower_or_digit(bucket.front()) || !is_lower_or_digit(bucket.back()))
    return "begins and ends with a letter or digit";
  if (bucket.find("..") != std::string_view::npos) return "has no two '.' in a row";
  if (std::all_of(bucket.begin(), bucket.end(), [](char c) { return is_digit(c) || c == '.'; }) &&
      std::count(bucket.begin(), bucket.end(), '.') == 3)
    return "isn't spelled like an address";
  return "";
}

std::string_view wrong_with_prefix(std::string_view prefix) {
  if (prefix.size() > kMaxPrefixBytes) return "has at most 512 characters";
  for (const std::string_view name : split(prefix, '/')) {
    if (name.empty()) return "has single '/' between its names";
    if (name == "." || name == "..") return "has no name \".\" or \"..\"";
    if (!std::all_of(name.begin(), name.end(), [](char c) {
          return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
        }))
      return "is made of letters, digits, '-', '_', '.' and '/'";
  }
  return "";
}

std::string_view wrong_with_endpoint(std::string_view endpoint) {
  constexpr std::string_view kForm = "is http://HOST[:PORT] or https://HOST[:PORT]";
  std::string_view rest = endpoint;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return kForm;
  }
  if (rest.find('@') != std::string_view::npos)
    return "holds no user name or password: give credentials in the environment";
  std::string_view host = rest;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return kForm;
    host = rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
  } else {
    host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(host.size());
  }
  if (host.empty() || !std::all_of(host.begin(), host.end(), [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '.' || c == '[' || c == ']' || c == ':';
      }))
    return kForm;
  if (rest.empty()) return "";
  if (!rest.starts_with(':')) return kForm;
  int port = 0;
  const auto [end, problem] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  return problem == std::errc() && end == rest.data() + rest.size() && port > 0 && port < 65536
             ? std::string_view()
             : kForm;
}

class Parser {
 public:
  explicit Parser(std::string_view default_region) : default_region_(default_region) {}

  Result<S3Location> parse(std::string_view url) {
    std::string_view rest = url.substr(kScheme.size());
    if (rest.find('#') != std::string_view::npos)
      report("url", "fragment", "has no '#'; write it as %23 where it belongs to a value");
    const std::size_t question = rest.find('?');
    const std::string_view query =
        question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
    rest = rest.substr(0, question);
    const std::size_t slash = rest.find('/');
    read_bucket(rest.substr(0, slash));
    if (slash != std::string_view::npos) read_prefix(rest.substr(slash + 1));
    if (!query.empty())
      for (const std::string_view pair : split(query, '&')) read_pair(pair);
    fill_in();
    if (!findings_.empty())
      return invalid("the URL of the blobs (s3://BUCKET/PREFIX?endpoint=URL&region=NAME)",
                     std::move(findings_));
    return std::move(location_);
  }

 private:
  void report(std::string path, std::string rule, std::string_view message) {
    findings_.push_back({std::move(path), std::move(rule), std::string(message), "", 0, 0});
  }

  void read_bucket(std::string_view bucket) {
    if (bucket.find('@') != std::string_view::npos || bucket.find(':') != std::string_view::npos) {
      report("bucket", "credentials",
             "holds no user name, password or port; give credentials in the environment "
             "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), the server as endpoint=URL");
      return;
    }
    if (const std::string_view wrong = wrong_with_bucket(bucket); !wrong.empty())
      report("bucket", "bad_bucket", fmt::format("a bucket's name {}", wrong));
    location_.bucket = bucket;
  }

  void read_prefix(std::string_view prefix) {
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (prefix.empty()) return;
    if (const std::string_view wrong = wrong_with_prefix(prefix); !wrong.empty())
      report("prefix", "bad_prefix", fmt::format("the prefix {}", wrong));
    location_.prefix = std::string(prefix) + "/";
  }

  void read_pair(std::string_view pair) {
    static const std::array<std::string, 4> kKeys{"endpoint", "region", "style", "ca"};
    const std::size_t equal = pair.find('=');
    const std::string key(pair.substr(0, equal));
    const auto value =
        decoded(equal == std::string_view::npos ? std::string_view() : pair.substr(equal + 1));
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      // Not repeated: it may be a key or a token.
      report("url", "unknown_key",
             fmt::format("knows endpoint, region, style and ca, and nothing else{}; credentials "
                         "come from the environment",
                         did_you_mean(key, kKeys)));
    } else if (std::find(seen_.begin(), seen_.end(), key) != seen_.end()) {
      report(key, "duplicate_key", "is given twice");
    } else if (!value.has_value() || value->empty() ||
               std::any_of(value->begin(), value->end(),
                           [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
      report(key, "bad_value", "has no value, or a broken escape or control character in it");
    } else {
      read_value(key, *value);
    }
    seen_.push_back(key);
  }

  void read_value(const std::string& key, const std::string& value) {
    if (key == "endpoint") {
      location_.endpoint = value.ends_with('/') ? value.substr(0, value.size() - 1) : value;
      if (const std::string_view wrong = wrong_with_endpoint(location_.endpoint); !wrong.empty())
        report(key, "bad_endpoint", wrong);
    } else if (key == "region") {
      location_.region = value;
    } else if (key == "ca") {
      location_.certificate_authority = value;
    } else if (value == "path" || value == "host") {
      style_ = value == "path" ? S3Location::Style::Path : S3Location::Style::Host;
    } else {
      report(key, "bad_style", "is path (endpoint/bucket/…) or host (bucket.endpoint/…)");
    }
  }

  void fill_in() {
    const bool given = std::find(seen_.begin(), seen_.end(), "region") != seen_.end();
    const bool aws = std::find(seen_.begin(), seen_.end(), "endpoint") == seen_.end();
    if (!given) location_.region = default_region_;
    if (!given && location_.region.empty() && !aws) location_.region = "us-east-1";
    const bool plain = std::all_of(location_.region.begin(), location_.region.end(), [](char c) {
      return is_lower_or_digit(c) || c == '-' || c == '_';
    });
    if (location_.region.empty() && !given)
      report("region", "missing", "is missing: add region=NAME, or set AWS_REGION");
    if (!plain || location_.region.size() > 64)
      report("region", "bad_region", "is a name such as eu-central-1");
    if (aws) location_.endpoint = "https://s3." + location_.region + ".amazonaws.com";
    // A certificate for *.endpoint doesn't hold for a bucket with dots.
    const bool dots = location_.bucket.find('.') != std::string::npos;
    location_.style =
        style_.value_or(aws && !dots ? S3Location::Style::Host : S3Location::Style::Path);
  }

  std::string default_region_;
  S3Location location_;
  std::optional<S3Location::Style> style_;
  std::vector<std::string> seen_;
  std::vector<Finding> findings_;
};

// Of a value in a query: '/' and ':' may stand there as they are.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_letter_or_digit(c) || std::string_view("-._~:/[]").find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace

bool is_s3_url(std::string_view text) { return text.starts_with(kScheme); }

Result<S3Location> parse_s3_location(std::string_view url, std::string_view default_region) {
  if (!is_s3_url(url))
    return invalid_argument("the URL of the blobs doesn't begin with s3://; write "
                            "s3://BUCKET/PREFIX?endpoint=URL&region=NAME");
  return Parser(default_region).parse(url);
}

std::string to_text(const S3Location& location) {
  std::string text =
      fmt::format("s3://{}/{}?endpoint={}&region={}&style={}", location.bucket, location.prefix,
                  encoded(location.endpoint), encoded(location.region),
                  location.style == S3Location::Style::Path ? "path" : "host");
  if (!location.certificate_authority.empty())
    text += "&ca=" + encoded(location.certificate_authority);
  return text;
}

}  // namespace martlet::artifacts
