#include "lifecycle/explain_difference.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "data/version_difference.h"
#include "models/model_difference.h"
#include "models/package_manifest.h"

namespace martlet::lifecycle {

namespace {

Result<Json> read_json(const StoredOutput& output) {
  MARTLET_TRY_SET(const std::string bytes, output.store.blobs().get(output.digest));
  return parse_json(bytes, {.size_bytes = std::size_t{1} << 30});
}

data::VersionStore versions_of(const Store& store) {
  return {store.database(), store.blobs(), store.host().files, store.host().clock,
          store.scratch_directory()};
}

// The first file but the manifest that both have in other bytes, or that only one has.
std::string first_other_file(const artifacts::Tree& expected, const artifacts::Tree& actual) {
  for (const auto& [path, file] : expected) {
    if (path == models::kManifestFile) continue;
    const auto other = actual.find(path);
    if (other == actual.end() || !(other->second == file)) return path;
  }
  for (const auto& [path, file] : actual) {
    if (!expected.contains(path)) return path;
  }
  return "";
}

Result<Json> explain_file(const std::string& path, const StoredOutput& expected,
                          const StoredOutput& actual) {
  if (expected.digest.is_zero() || actual.digest.is_zero()) {
    return Json{
        {"where", path},
        {"expected", expected.digest.is_zero() ? Json(nullptr) : Json(expected.digest.text())},
        {"actual", actual.digest.is_zero() ? Json(nullptr) : Json(actual.digest.text())}};
  }
  MARTLET_TRY_SET(Json difference, explain_model(expected, actual));
  if (difference.is_null())
    return Json{{"where", path}, {"expected", nullptr}, {"actual", nullptr}};
  difference["where"] = path + ": " + difference["where"].get<std::string>();
  return difference;
}

}  // namespace

Json difference_json(const JsonDifference& difference) {
  return Json{{"where", difference.path.empty() ? "the whole value" : difference.path},
              {"expected", difference.expected.value_or(nullptr)},
              {"actual", difference.actual.value_or(nullptr)}};
}

Result<Json> explain_document(const StoredOutput& expected, const StoredOutput& actual) {
  MARTLET_TRY_SET(const Json ours, read_json(expected));
  MARTLET_TRY_SET(const Json theirs, read_json(actual));
  const auto found = json_differences(ours, theirs, 1);
  return found.empty() ? Json(nullptr) : difference_json(found.front());
}

Result<Json> explain_model(const StoredOutput& expected, const StoredOutput& actual) {
  MARTLET_TRY_SET(const std::string ours, expected.store.blobs().get(expected.digest));
  MARTLET_TRY_SET(const std::string theirs, actual.store.blobs().get(actual.digest));
  const auto found = models::first_difference(ours, theirs);
  if (!found.has_value()) return Json(nullptr);
  return Json{{"where", found->where}, {"expected", found->expected}, {"actual", found->actual}};
}

Result<Json> explain_dataset(const std::string& dataset, const StoredOutput& expected,
                             const StoredOutput& actual) {
  const data::VersionStore ours = versions_of(expected.store);
  const data::VersionStore theirs = versions_of(actual.store);
  MARTLET_TRY_SET(const data::DatasetVersion before,
                  ours.find(dataset + "@" + expected.digest.text()));
  MARTLET_TRY_SET(const data::DatasetVersion after,
                  theirs.find(dataset + "@" + actual.digest.text()));
  MARTLET_TRY_SET(const auto difference, data::first_difference(ours, before, theirs, after));
  return difference.has_value() ? data::to_json(*difference) : Json(nullptr);
}

Result<PackageDifference> explain_package(const StoredOutput& expected,
                                          const StoredOutput& actual) {
  MARTLET_TRY_SET(const artifacts::Tree ours,
                  artifacts::read_tree(expected.store.blobs(), expected.digest));
  MARTLET_TRY_SET(const artifacts::Tree theirs,
                  artifacts::read_tree(actual.store.blobs(), actual.digest));
  const auto file_of = [](const artifacts::Tree& tree, const std::string& path) {
    const auto found = tree.find(path);
    return found == tree.end() ? Digest() : found->second.digest;
  };
  PackageDifference found;
  std::string path = first_other_file(ours, theirs);
  if (!path.empty()) {
    MARTLET_TRY_SET(found.difference, explain_file(path, {expected.store, file_of(ours, path)},
                                                   {actual.store, file_of(theirs, path)}));
    return found;
  }
  path = models::kManifestFile;
  MARTLET_TRY_SET(const Json before, read_json({expected.store, file_of(ours, path)}));
  MARTLET_TRY_SET(const Json after, read_json({actual.store, file_of(theirs, path)}));
  const auto all = json_differences(before, after, 2);
  if (all.empty()) return found;
  found.code_version_only = all.size() == 1 && all.front().path == "provenance.code_version";
  found.difference = difference_json(all.front());
  found.difference["where"] = path + ": " + all.front().path;
  return found;
}

}  // namespace martlet::lifecycle
