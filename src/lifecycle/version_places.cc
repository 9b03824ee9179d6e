#include "lifecycle/internal/version_places.h"

#include "lifecycle/internal/artifact_folders.h"
#include "registry/model_search.h"
#include "registry/version_source.h"
#include "tracking/files.h"

namespace martlet::lifecycle {

namespace {

using Kind = SourceOwner::Kind;

bool is_prompt(const registry::Texts& tags) {
  const auto tag = tags.find(std::string(registry::kPromptTag));
  return tag != tags.end() && tag->second == "true";
}

std::string key_of(Kind kind, std::string_view id) {
  return (kind == Kind::Run ? "run " : "logged model ") + std::string(id);
}

// The run that "runs:/RUN/path" names.
std::string run_of(const std::string& source) {
  constexpr std::string_view kScheme = "runs:/";
  if (!source.starts_with(kScheme)) return "";
  const std::size_t begin = kScheme.size();
  return source.substr(begin, source.find('/', begin) - begin);
}

}  // namespace

std::string VersionPlaces::Owner::location() const {
  tracking::FileOwner owner;
  if (kind == Kind::Run) {
    owner.run = RunId(id);
  } else {
    owner.model = id;
  }
  return tracking::artifact_location(experiment, owner);
}

void VersionPlaces::add(const SourceOwner& owner, const ExperimentId& experiment) {
  const auto [at, fresh] =
      by_id_.insert_or_assign(owner.told(), Owner{owner.kind, owner.id, experiment});
  for (const std::string& recorded : {owner.artifact_uri, owner.place + "/artifacts"}) {
    if (!recorded.empty() && recorded != "/artifacts")
      by_place_[plain_location(recorded)] = &at->second;
  }
}

const VersionPlaces::Owner* VersionPlaces::find(Kind kind, std::string_view id) const {
  const auto found = by_id_.find(key_of(kind, id));
  return found == by_id_.end() ? nullptr : &found->second;
}

VersionPlaces::Place VersionPlaces::place_of(const std::string& recorded) const {
  const std::string whole = plain_location(recorded);
  for (std::size_t end = whole.size(); end != std::string::npos && end > 0;
       end = whole.rfind('/', end - 1)) {
    const auto found = by_place_.find(std::string_view(whole).substr(0, end));
    if (found != by_place_.end()) return {found->second, whole.substr(end)};
  }
  return {};
}

Result<registry::ModelVersion> VersionPlaces::placed(const SourceVersion& version,
                                                     const registry::Texts& model_tags) const {
  registry::ModelVersion made = version.version;
  registry::SourceClaim claim;
  claim.source = made.source;
  claim.prompt = is_prompt(made.tags) || is_prompt(model_tags);
  const auto claim_of = [&](const Owner* owner) {
    if (owner == nullptr) return;
    (owner->kind == Kind::Run ? claim.run_id : claim.model_id) = owner->id;
    (owner->kind == Kind::Run ? claim.run_location : claim.model_location) = owner->location();
  };
  const std::string model = registry::logged_model_of(made.source);
  const std::string run = run_of(made.source);
  if (!model.empty()) {
    claim_of(find(Kind::LoggedModel, model));
  } else if (!run.empty()) {
    claim_of(find(Kind::Run, run));
  } else if (const Place place = place_of(made.source); place.owner != nullptr && !claim.prompt) {
    claim_of(place.owner);
    claim.source = place.owner->location() + place.rest;
  }
  MARTLET_TRY_SET(const registry::CheckedSource checked, registry::check_source(claim));
  made.source = claim.source;
  if (checked.kind == registry::SourceKind::ModelVersion) {
    // A copy: its files are those of what was copied.
    const Place place = place_of(version.storage);
    made.location = place.owner == nullptr ? std::string() : place.owner->location() + place.rest;
    if (place.owner == nullptr && !version.storage.empty()) {
      registry::SourceClaim storage;
      storage.source = version.storage;
      MARTLET_TRY_SET(const auto elsewhere, registry::check_source(storage));
      made.location = elsewhere.location;
    }
  } else if (checked.location != made.source) {
    made.location = checked.location;
  }
  if (made.model_id.empty()) made.model_id = claim.model_id;
  return made;
}

}  // namespace martlet::lifecycle
