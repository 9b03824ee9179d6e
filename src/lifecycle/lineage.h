// lifecycle/lineage.h: the use case "lineage": what led to a thing, and what came of it, over the
// records that exist.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/lineage_records.h"
#include "registry/names.h"
#include "tracking/lineage.h"

#include <map>
#include <string>

namespace martlet::lifecycle {

struct Lineage {
  tracking::Node start;
  tracking::LineageWalk upstream;
  tracking::LineageWalk downstream;
  std::map<tracking::Node, std::string> labels;  // of every node, for people

  const std::string& label(const tracking::Node& node) const { return labels.at(node); }
  // {start, nodes: [{kind, id, label}], edges: [{from, to, relation}], complete}
  Json to_json() const;
};

// `what`: a prediction's id; a run's id or the beginning of it; "flight-delay/3",
// "flight-delay@live" (in that environment), "departures@v3", the digest of a dataset version or
// package, or the bare name of a dataset or a model (the newest version). NotFound says what was
// looked for; InvalidArgument lists what it could mean when that is several things.
Result<Lineage> find_lineage(const Store& store, const std::string& what,
                             registry::Environment environment);

}  // namespace martlet::lifecycle
