// registry/internal/model_finding.h: from a search to the records of one page.
//
// A page costs little however many versions there are: an index gives the order, or the few that
// have a name, run or tag that the filter asks for. Only patterns (LIKE '%x%') look at everything.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "registry/internal/records.h"
#include "registry/model_search.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace martlet::registry {

template <class R>
struct Found {
  std::vector<R> records;
  std::optional<std::int64_t> next;
};

// InvalidArgument naming the clause or the term that can't be understood.
Result<Found<ModelRecord>> find_models(const metadata::ReadTransaction& tx,
                                       const RegistrySearch& search);
Result<Found<VersionRecord>> find_versions(const metadata::ReadTransaction& tx,
                                           const RegistrySearch& search);

}  // namespace martlet::registry
