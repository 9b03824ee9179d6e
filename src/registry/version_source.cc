#include "registry/version_source.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace martlet::registry {

namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr int kMaxDecodings = 16;

// Where models are kept by those that MLflow's clients can read from. martlet opens none of them.
constexpr std::array<std::string_view, 21> kRemoteSchemes{
    "s3",   "s3a",    "s3n",  "r2",   "b2",    "gs",  "wasb", "wasbs", "abfs", "abfss", "adl",
    "hdfs", "viewfs", "dbfs", "http", "https", "ftp", "sftp", "oss",   "cos",  "swift"};
// What clients send for prompts, whose text is a tag.
constexpr std::array<std::string_view, 2> kPromptSources{"dummy-source", "prompt-template"};
// Where martlet serves artifacts over HTTP.
constexpr std::array<std::string_view, 4> kArtifactRoute{"api", "2.0", "mlflow-artifacts",
                                                         "artifacts"};

struct Uri {
  std::string scheme;     // in lower case; "": a path
  std::string authority;  // what stands after "//", in lower case
  std::string path;
  std::string extra;  // query and fragment, with the character before them
  bool has_authority = false;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Uri parse_uri(std::string_view text) {
  Uri uri;
  std::size_t colon = 0;
  while (colon < text.size() &&
         (is_letter(text[colon]) || (colon > 0 && (is_digit(text[colon]) || text[colon] == '+' ||
                                                   text[colon] == '-' || text[colon] == '.'))))
    ++colon;
  std::string_view rest = text;
  // One letter and a colon is a drive of a Windows machine, thus a path.
  if (colon > 1 && colon < text.size() && text[colon] == ':') {
    uri.scheme = lower_ascii(text.substr(0, colon));
    rest = text.substr(colon + 1);
    if (rest.starts_with("//")) {
      rest.remove_prefix(2);
      const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
      uri.has_authority = true;
      uri.authority = lower_ascii(rest.substr(0, end));
      rest.remove_prefix(end);
    }
  }
  const std::size_t extra = std::min(rest.find_first_of("?#"), rest.size());
  uri.path = std::string(rest.substr(0, extra));
  uri.extra = std::string(rest.substr(extra));
  return uri;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded_once(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() && text[i] == '%' ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// "..", with what some servers cut off behind it.
bool goes_up(std::string_view segment) {
  return trim(segment.substr(0, segment.find(';'))) == "..";
}

bool has_parent_segment(std::string_view path) {
  const auto parts = split(path, '/');
  return std::any_of(parts.begin(), parts.end(), goes_up);
}

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

bool within(std::string_view path, std::string_view root) {
  const auto inner = segments(path);
  const auto outer = segments(root);
  return !outer.empty() && inner.size() >= outer.size() &&
         std::equal(outer.begin(), outer.end(), inner.begin());
}

bool is_local(const Uri& uri) { return uri.scheme.empty() || uri.scheme == "file"; }

std::string fully_decoded(std::string text) {
  for (int decodings = 0; decodings < kMaxDecodings; ++decodings) text = decoded_once(text);
  return text;
}

bool names_artifacts(const Uri& uri) {
  if (uri.scheme == "mlflow-artifacts") return true;
  if (uri.scheme != "http" && uri.scheme != "https") return false;
  const std::string path = fully_decoded(uri.path);
  const auto parts = segments(path);
  return std::search(parts.begin(), parts.end(), kArtifactRoute.begin(), kArtifactRoute.end()) !=
         parts.end();
}

std::string joined(std::string_view root, std::string_view path) {
  while (root.ends_with('/')) root.remove_suffix(1);
  return path.empty() ? std::string(root) : fmt::format("{}/{}", root, path);
}

class Checker {
 public:
  Checker(const SourceClaim& claim, const PathResolver& resolve)
      : claim_(claim), resolve_(resolve), uri_(parse_uri(claim.source)) {}

  Result<CheckedSource> check() const {
    MARTLET_TRY(check_text());
    if (claim_.prompt) return prompt();
    if (is_local(uri_)) return local();
    if (uri_.scheme == "runs") return of_run();
    if (uri_.scheme == "models") return of_model();
    if (names_artifacts(uri_)) return artifacts();
    return remote();
  }

 private:
  tl::unexpected<Error> bad(std::string_view why) const {
    return invalid_argument(fmt::format("Invalid model version source: '{}': {}",
                                        is_valid_utf8(claim_.source) ? claim_.source.substr(0, 200)
                                                                     : std::string("(not UTF-8)"),
                                        why));
  }

  // As it stands, and as it reads after any number of decodings.
  Result<void> check_text() const {
    const std::string& source = claim_.source;
    if (source.empty()) return bad("it is empty; say where the model's files are");
    if (source.size() > kMaxBytes)
      return bad(fmt::format("it has {} bytes, {} are allowed", source.size(), kMaxBytes));
    std::string text = source;
    for (int decodings = 0; decodings <= kMaxDecodings; ++decodings) {
      MARTLET_TRY(check_reading(text));
      std::string next = decoded_once(text);
      if (next == text) return {};
      text = std::move(next);
    }
    return bad("it is percent-encoded again and again");
  }

  Result<void> check_reading(const std::string& text) const {
    if (!is_valid_utf8(text)) return bad("it isn't UTF-8");
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
      return bad("it has control characters");
    if (text.find('\\') != std::string::npos) return bad("it has a backslash");
    const Uri uri = parse_uri(text);
    if (has_parent_segment(text) || has_parent_segment(uri.path) ||
        has_parent_segment(uri.authority) || uri.extra.find("..") != std::string::npos)
      return bad("'..' is not allowed in it, however it is written; give the whole path");
    const std::string_view user =
        std::string_view(uri.authority).substr(0, uri.authority.find('@') + 1);
    if (user.find(':') != std::string_view::npos)
      return bad("it holds credentials, which would be shown to whoever reads the registry");
    return {};
  }

  Result<CheckedSource> prompt() const {
    const auto known = std::find(kPromptSources.begin(), kPromptSources.end(), claim_.source);
    if (known != kPromptSources.end()) return CheckedSource{SourceKind::Prompt, claim_.source};
    return bad("a prompt is in its tags, and its source says nothing: send 'prompt-template'");
  }

  // Of what the client names: first of the logged model, as MLflow does.
  const std::optional<std::string>& assigned() const {
    return claim_.model_id.empty() ? claim_.run_location : claim_.model_location;
  }
  std::string_view owner() const {
    return claim_.model_id.empty() ? "run that run_id names" : "logged model that model_id names";
  }
  bool has_owner() const { return !claim_.run_id.empty() || !claim_.model_id.empty(); }

  Result<CheckedSource> local() const {
    const auto refuse = [&] {
      return bad(fmt::format("a local path must lie within the artifacts of the {}; log the model "
                             "to a run, and register it from there",
                             owner()));
    };
    if (!uri_.extra.empty()) return bad("a path has no query and no fragment");
    if (uri_.has_authority && !uri_.authority.empty() && uri_.authority != "localhost")
      return bad("a file's URI names no host");
    if (!has_owner() || !assigned().has_value() || !resolve_) return refuse();
    const Uri root = parse_uri(*assigned());
    if (!is_local(root) || !path_of(uri_).starts_with('/')) return refuse();
    const auto real = resolve_(path_of(uri_));
    const auto real_root = resolve_(path_of(root));
    if (!real.has_value() || !real_root.has_value() || !within(*real, *real_root)) return refuse();
    return CheckedSource{SourceKind::Local, *real};
  }
  static std::string path_of(const Uri& uri) {
    return uri.scheme.empty() ? uri.path : decoded_once(uri.path);
  }

  Result<CheckedSource> of_run() const {
    const auto parts = segments(uri_.path);
    if (!uri_.authority.empty() || !uri_.extra.empty() || parts.empty())
      return bad("a run's artifacts are written as runs:/RUN_ID/path");
    if (claim_.run_id.empty() || parts.front() != claim_.run_id ||
        !claim_.run_location.has_value() || !claim_.model_id.empty())
      return bad("run_id must be given, and be the run that the source names");
    return CheckedSource{SourceKind::Artifacts, joined(*claim_.run_location, path_after(parts))};
  }
  static std::string path_after(const std::vector<std::string_view>& parts) {
    std::string path;
    for (std::size_t i = 1; i < parts.size(); ++i)
      path += (path.empty() ? "" : "/") + std::string(parts[i]);
    return path;
  }

  Result<CheckedSource> of_model() const {
    if (!uri_.authority.empty() || !uri_.extra.empty() || segments(uri_.path).empty())
      return bad(
          "a model is written as models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID");
    const std::string id = logged_model_of(claim_.source);
    if (!id.empty()) {
      if (id != claim_.model_id || !claim_.model_location.has_value())
        return bad("model_id must be given, and be the logged model that the source names");
      return CheckedSource{SourceKind::LoggedModel, *claim_.model_location};
    }
    auto reference = parse_model_reference(uri_.path.substr(uri_.path.find_first_not_of('/')));
    if (!reference.has_value()) return bad(reference.error().message());
    return CheckedSource{SourceKind::ModelVersion, "", std::move(*reference)};
  }

  Result<CheckedSource> artifacts() const {
    if (!uri_.extra.empty()) return bad("artifacts have no query and no fragment");
    if (!has_owner())
      return bad("run_id or model_id must be given with a source among the server's artifacts");
    if (!assigned().has_value()) return bad(fmt::format("there is no {}", owner()));
    const Uri root = parse_uri(*assigned());
    const bool same_place = root.scheme == uri_.scheme && root.authority == uri_.authority;
    if (same_place && within(fully_decoded(uri_.path), fully_decoded(root.path)))
      return CheckedSource{SourceKind::Artifacts, claim_.source};
    return bad(fmt::format("it doesn't lie within the artifacts of the {}", owner()));
  }

  Result<CheckedSource> remote() const {
    const bool known = std::find(kRemoteSchemes.begin(), kRemoteSchemes.end(), uri_.scheme) !=
                       kRemoteSchemes.end();
    if (!known) {
      return bad(fmt::format("nobody keeps models at '{}:'; there are {}", uri_.scheme,
                             fmt::join(kRemoteSchemes, ", ")));
    }
    return CheckedSource{SourceKind::Remote, claim_.source};
  }

  const SourceClaim& claim_;
  const PathResolver& resolve_;
  const Uri uri_;
};

}  // namespace

std::string logged_model_of(std::string_view source) {
  const Uri uri = parse_uri(source);
  const auto parts = segments(uri.path);
  if (uri.scheme != "models" || !uri.authority.empty() || !uri.extra.empty() || parts.size() != 1)
    return "";
  return parts.front().find('@') == std::string_view::npos ? std::string(parts.front()) : "";
}

Result<CheckedSource> check_source(const SourceClaim& claim, const PathResolver& resolve) {
  return Checker(claim, resolve).check();
}

}  // namespace martlet::registry
