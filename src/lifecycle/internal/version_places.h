// lifecycle/internal/version_places.h: where the files of imported model versions are here.
//
// A version's source was recorded as a place of the store that it comes from. Where that is within
// the artifacts of a run or logged model that is taken over, it becomes the same place within
// theirs here; remote URIs stay as they are. All of it passes the registry's checks, as if a client
// had registered it. Holds about 200 bytes for each run and logged model that it is told. One
// thread at a time; of one import.
#pragma once
#include "lifecycle/internal/import_source.h"

#include <map>
#include <string>
#include <string_view>

namespace martlet::lifecycle {

class VersionPlaces {
 public:
  // `experiment`: the one that it is in here.
  void add(const SourceOwner& owner, const ExperimentId& experiment);

  // The version with source, location and logged model as they are here. InvalidArgument when its
  // files aren't among those that may be read.
  Result<registry::ModelVersion> placed(const SourceVersion& version,
                                        const registry::Texts& model_tags) const;

 private:
  struct Owner {
    SourceOwner::Kind kind = SourceOwner::Kind::Run;
    std::string id;
    ExperimentId experiment;
    std::string location() const;  // here
  };
  struct Place {
    const Owner* owner = nullptr;
    std::string rest;  // of the path, behind the owner's place, with the slash before it
  };
  const Owner* find(SourceOwner::Kind kind, std::string_view id) const;
  // Whose artifacts the place is within; none: nobody's.
  Place place_of(const std::string& recorded) const;

  std::map<std::string, Owner, std::less<>> by_id_;            // "run …", "logged model …"
  std::map<std::string, const Owner*, std::less<>> by_place_;  // as it was recorded
};

}  // namespace martlet::lifecycle
