#include "lifecycle/internal/artifact_folders.h"

#include "artifacts/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace martlet::lifecycle {

namespace {

namespace fs = std::filesystem;

bool is_folder(const std::string& path) {
  std::error_code problem;
  return fs::symlink_status(path, problem).type() == fs::file_type::directory;
}

// "" when it doesn't exist.
std::string canonical(const std::string& path) {
  std::error_code problem;
  const fs::path found = fs::canonical(path, problem);
  return problem ? std::string() : found.string();
}

bool is_within(const std::string& path, const std::string& root) {
  return path == root || path.starts_with(root == "/" ? root : root + "/");
}

// Percent-decoded; MLflow writes "file:///a%20b".
std::string decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Location {
  std::string scheme;  // "" for a bare path
  std::string path;    // without host
};

Location location_of(const std::string& uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string::npos || uri.find('/') < colon) return {"", uri};
  Location found{uri.substr(0, colon), uri.substr(colon + 1)};
  if (found.path.starts_with("//")) {
    const std::size_t slash = found.path.find('/', 2);
    found.path = slash == std::string::npos ? "/" : found.path.substr(slash);
  }
  if (found.scheme == "file") found.path = decoded(found.path);
  return found;
}

}  // namespace

ArtifactFolders::ArtifactFolders(const std::vector<std::string>& roots,
                                 const std::vector<std::string>& proxied) {
  const auto add = [&](const std::string& root) {
    std::string real = root.empty() ? std::string() : canonical(root);
    if (real.empty()) return false;
    if (std::find(roots_.begin(), roots_.end(), real) == roots_.end())
      roots_.push_back(std::move(real));
    return true;
  };
  for (const std::string& root : proxied) proxied_ = add(root) || proxied_;
  for (const std::string& root : roots) add(root);
}

std::string ArtifactFolders::folder_of(const SourceOwner& owner) {
  const auto allowed = [&](const std::string& path) -> std::string {
    if (!is_folder(path)) return "";
    const std::string real = canonical(path);
    const bool within = std::any_of(roots_.begin(), roots_.end(),
                                    [&](const std::string& root) { return is_within(real, root); });
    return within ? real : "";
  };
  const Location where = location_of(owner.artifact_uri);
  const bool local = where.scheme.empty() || where.scheme == "file";
  if (local && !where.path.empty()) {
    if (std::string found = allowed(where.path); !found.empty()) return found;
  }
  // Below the root as a server counts it, and as MLflow lays runs out.
  const bool of_run = owner.kind == SourceOwner::Kind::Run;
  std::vector<std::string> below{owner.experiment + (of_run ? "/" : "/models/") + owner.id +
                                 "/artifacts"};
  if (where.scheme == "mlflow-artifacts") below.insert(below.begin(), decoded(where.path));
  for (const std::string& root : roots_) {
    for (const std::string& path : below) {
      if (std::string found = allowed(root + "/" + path); !found.empty()) return found;
    }
  }
  // A run without artifacts often has no folder either.
  std::error_code ignored;
  if (local && !fs::exists(where.path, ignored)) return "";
  if (where.scheme == "mlflow-artifacts" && proxied_) return "";
  if (elsewhere_++ == 0) example_ = owner.artifact_uri;
  return "";
}

void ArtifactFolders::report_elsewhere(Findings& findings) const {
  if (elsewhere_ == 0) return;
  add_finding(
      findings, "artifacts", "artifacts_elsewhere",
      fmt::format("the artifacts of {} runs and logged models lie outside of this store (the "
                  "first at {}) and "
                  "were left out; name their folder with --artifacts, or import from the "
                  "server that can read them",
                  elsewhere_, example_.substr(0, 300)));
}

std::string plain_location(const std::string& uri) {
  const Location where = location_of(uri);
  std::string plain = where.scheme.empty() || where.scheme == "file" ? where.path : uri;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

Result<std::vector<SourceArtifact>> files_below(const std::string& folder, std::string_view whose,
                                                Findings& findings) {
  std::vector<SourceArtifact> found;
  std::error_code problem;
  fs::recursive_directory_iterator at(folder, problem);
  for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
    const std::string path = at->path().lexically_relative(folder).string();
    const fs::file_type type = at->symlink_status(problem).type();
    if (problem) break;
    if (type == fs::file_type::directory) continue;
    const auto whole = fmt::format("{} {}", whose, path.substr(0, 200));
    if (type != fs::file_type::regular) {
      add_finding(findings, whole, "no_file",
                  type == fs::file_type::symlink ? "it is a symbolic link, which is not followed"
                                                 : "it is no file");
      continue;
    }
    if (const auto checked = artifacts::check_relative_path(path); !checked.has_value()) {
      add_finding(findings, whole, "bad_path", checked.error().message());
      continue;
    }
    const std::uintmax_t size = at->file_size(problem);
    if (problem) break;
    found.push_back({path, static_cast<std::int64_t>(size)});
  }
  if (problem) return unavailable(fmt::format("listing {}: {}", folder, problem.message()));
  std::sort(found.begin(), found.end(),
            [](const SourceArtifact& a, const SourceArtifact& b) { return a.path < b.path; });
  return found;
}

}  // namespace martlet::lifecycle
