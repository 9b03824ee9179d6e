// registry/model_search.h: which models or versions to find, and in which order. Plain data.
#pragma once
#include "registry/model_version.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::registry {

// Prompts are kept as models and versions with this tag at "true"; a search that doesn't name the
// tag finds none of them.
inline constexpr std::string_view kPromptTag = "mlflow.prompt.is_prompt";

struct RegistrySearch {
  // The search language (metadata/filter.h). Of models: name (=, !=, LIKE, ILIKE, IN, NOT IN) and
  // tags.KEY (=, !=, LIKE, ILIKE). Of versions: name and run_id likewise, source_path without
  // lists, version_number (=, !=, <, <=, >, >=) and tags.KEY. What has no such tag holds no
  // comparison on it, not even !=, but for the prompt tag, where none means 'false'.
  std::string filter;
  // Terms such as "name DESC". Of models: name, creation_timestamp, last_updated_timestamp (also
  // as `timestamp`); none, and ties: by name. Of versions: those and version_number; none: the last
  // changed first; ties: by name, then the highest number.
  std::vector<std::string> order_by;
  std::int64_t limit = 100;
  std::int64_t from = 0;  // where a page begins: how many come before it
};

struct ModelPage {
  std::vector<RegisteredModel> models;
  std::optional<std::int64_t> next;  // the next page's `from`; absent on the last one
};

struct VersionPage {
  std::vector<ModelVersion> versions;
  std::optional<std::int64_t> next;
};

}  // namespace martlet::registry
