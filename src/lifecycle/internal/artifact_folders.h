// lifecycle/internal/artifact_folders.h: artifacts of a foreign store that lie on this machine.
//
// The store's records say where; they may have been written by a stranger, so only folders that the
// person named (the store's own, --artifacts) are read, and symbolic links are not followed.
#pragma once
#include "base/result.h"
#include "lifecycle/internal/import_source.h"

#include <string>
#include <vector>

namespace martlet::lifecycle {

class ArtifactFolders {
 public:
  // Folders that may be read, the most likely first; in those of `proxied` "mlflow-artifacts:/"
  // may begin.
  ArtifactFolders(const std::vector<std::string>& roots, const std::vector<std::string>& proxied);

  // The folder of its artifacts: where its URI points, if that is in one of the roots; else
  // `<root>/<experiment>/<run>/artifacts`, `<root>/<experiment>/models/<model>/artifacts`, of the
  // first root that has it. "" when it has none, or when they lie elsewhere, which is counted.
  std::string folder_of(const SourceOwner& owner);
  // One finding for all whose artifacts lie elsewhere.
  void report_elsewhere(Findings& findings) const;

 private:
  std::vector<std::string> roots_;  // canonical
  bool proxied_ = false;            // there is a root where "mlflow-artifacts:/" begins
  std::int64_t elsewhere_ = 0;      // runs and logged models
  std::string example_;
};

// "file:///a%20b" and "/a b" are one place; other URIs stay as they are. Without a slash at the
// end.
std::string plain_location(const std::string& uri);

// A folder without symbolic links: every regular file below it, by path. Links and what is no file
// are told.
Result<std::vector<SourceArtifact>> files_below(const std::string& folder, std::string_view whose,
                                                Findings& findings);

}  // namespace martlet::lifecycle
