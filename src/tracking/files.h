// tracking/files.h: the files of a run, of a logged model or of a trace: names for blobs.
//
// Free functions inside the caller's transaction. A name is a relative path
// (artifacts::check_relative_path); directories exist by the files below them.
#pragma once
#include "base/ids.h"
#include "base/result.h"
#include "tracking/run.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::metadata {
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata

namespace martlet::tracking {

// One of the three.
struct FileOwner {
  RunId run;
  std::string model{};
  std::string trace{};
  bool operator==(const FileOwner&) const = default;
};

struct FileEntry {
  std::string name;  // within its directory
  bool is_directory = false;
  std::int64_t size_bytes = 0;
};

// Where MLflow's clients find its files: "mlflow-artifacts:/12/RUN/artifacts".
std::string artifact_location(const ExperimentId& experiment, const FileOwner& owner);

// NotFound for an unknown owner.
Result<ExperimentId> experiment_of(const metadata::ReadTransaction& tx, const FileOwner& owner);

// Replaces a file of that name. NotFound for an unknown owner; InvalidArgument for a deleted one,
// and where a file would be a directory as well.
Result<void> put_file(metadata::Transaction& tx, const FileOwner& owner, const Artifact& file);
Result<Artifact> find_file(const metadata::ReadTransaction& tx, const FileOwner& owner,
                           const std::string& path);  // NotFound
// By name; empty for what is no directory. "" is the root.
Result<std::vector<FileEntry>> list_files(const metadata::ReadTransaction& tx,
                                          const FileOwner& owner, const std::string& directory);
// A file, or everything below a directory ("" : everything); how many. Their blobs go with the next
// garbage collection, unless others need them.
Result<std::int64_t> remove_files(metadata::Transaction& tx, const FileOwner& owner,
                                  const std::string& path);

}  // namespace martlet::tracking
