// lifecycle/internal/file_store_reader.h: how MLflow's file store writes things: folders with a
// meta.yaml, and one file per param, tag and metric; a key with '/' is a path of folders.
//
// Nothing is taken as a path that leads out of the folder that is read: symbolic links are told and
// not followed, sizes and depths are bounded. One thread at a time.
#pragma once
#include "base/file_system.h"
#include "base/yaml.h"
#include "lifecycle/internal/import_source.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

class FileStoreReader {
 public:
  // Both outlive it.
  FileStoreReader(FileSystem& files, Findings& findings) : files_(files), findings_(findings) {}

  // A folder, not a link to one.
  static bool is_folder(const std::string& path);
  // Folders below a folder, by name; without symbolic links.
  std::vector<std::string> folders_in(const std::string& path) const;
  // Of a folder; nullopt, and a finding, when it has none that can be read.
  std::optional<Yaml> meta_of(const std::string& folder);
  // Every file below a folder, by its path, which is the key.
  Result<void> list_keys(const std::string& folder, std::vector<std::string>& keys);
  // Likewise with what is in them.
  Result<void> read_values(const std::string& folder, tracking::Texts& values);
  // The lines of a file, trimmed, without empty ones; `visit` says whether it understood one. How
  // many it didn't, and one more for a line that is too long, where reading ends.
  Result<std::int64_t> for_each_line(const std::string& path,
                                     const std::function<Result<bool>(std::string_view)>& visit);

 private:
  Result<std::string> read_plain(const std::string& path, std::uint64_t most);
  Result<void> list_keys(const std::string& folder, const std::string& prefix, int depth,
                         std::vector<std::string>& keys);

  FileSystem& files_;
  Findings& findings_;
};

// The scalars of a mapping; an empty text for null.
std::string scalar_of(const Yaml& map, std::string_view key);
std::optional<std::int64_t> integer_of(const Yaml& map, std::string_view key);
std::optional<Timestamp> time_of(const Yaml& map, std::string_view key);
// "1700000000000 0.5 1" and what follows, which is about datasets and models; older lines have no
// step. nullopt for what is none.
std::optional<tracking::Metric> point_of(const std::string& key, std::string_view line);

}  // namespace martlet::lifecycle
