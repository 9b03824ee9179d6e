#include "tracking/openlineage.h"

#include "base/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace martlet::tracking::openlineage {

namespace {

constexpr std::string_view kEvent =
    "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
// No address: martlet's documents are described in docs/tracking.md.
constexpr std::string_view kOwnFacet = "martlet://schema/openlineage/1-0-0/MartletRunFacet.json";

struct FacetVersion {
  std::string_view name, version;
};
constexpr FacetVersion kParent{"ParentRunFacet", "1-2-0"};
constexpr FacetVersion kErrorMessage{"ErrorMessageRunFacet", "1-0-1"};
constexpr FacetVersion kEngine{"ProcessingEngineRunFacet", "1-1-1"};
constexpr FacetVersion kJobType{"JobTypeJobFacet", "2-0-4"};
constexpr FacetVersion kSourceCode{"SourceCodeJobFacet", "1-0-1"};
constexpr FacetVersion kSchema{"SchemaDatasetFacet", "1-2-0"};
constexpr FacetVersion kVersion{"DatasetVersionDatasetFacet", "1-0-1"};
constexpr FacetVersion kQuality{"DataQualityMetricsInputDatasetFacet", "1-0-3"};
constexpr FacetVersion kStatistics{"OutputStatisticsOutputDatasetFacet", "1-0-2"};

// Clients give runs any time at all; a date-time (RFC 3339) has the years 1 to 9999.
std::string event_time(Timestamp at) {
  constexpr std::int64_t kYear1 = -62'135'596'800'000'000;
  constexpr std::int64_t kEndOf9999 = 253'402'300'799'999'999;
  return to_text(Timestamp{std::clamp(at.micros, kYear1, kEndOf9999)});
}

std::string producer_of(const RunEvent& event) {
  return "martlet://program/" +
         (event.program_version.empty() ? std::string("unknown") : event.program_version);
}

class Document {
 public:
  explicit Document(const RunEvent& event) : event_(event), producer_(producer_of(event)) {}

  Json json() const {
    Json run_facets = Json::object();
    if (event_.parent.has_value()) run_facets["parent"] = parent();
    if (!event_.error.empty()) {
      Json facet = begin(kErrorMessage);
      facet["message"] = event_.error;
      facet["programmingLanguage"] = "C++";
      run_facets["errorMessage"] = std::move(facet);
    }
    if (!event_.program_version.empty()) {
      Json facet = begin(kEngine);
      facet["name"] = "martlet";
      facet["version"] = event_.program_version;
      run_facets["processing_engine"] = std::move(facet);
    }
    if (event_.facts.is_object()) {
      Json facet{{"_producer", producer_}, {"_schemaURL", std::string(kOwnFacet)}};
      facet["facts"] = event_.facts;
      run_facets["martlet_run"] = std::move(facet);
    }
    Json inputs = Json::array(), outputs = Json::array();
    for (const Dataset& dataset : event_.inputs) inputs.push_back(input(dataset));
    for (const Dataset& dataset : event_.outputs) outputs.push_back(output(dataset));
    return Json{{"eventType", std::string(name_of(event_.type))},
                {"eventTime", event_time(event_.at)},
                {"run", Json{{"runId", event_.run}, {"facets", std::move(run_facets)}}},
                {"job", job()},
                {"inputs", std::move(inputs)},
                {"outputs", std::move(outputs)},
                {"producer", producer_},
                {"schemaURL", std::string(kEvent)}};
  }

 private:
  Json begin(const FacetVersion& facet) const {
    return Json{
        {"_producer", producer_},
        {"_schemaURL", fmt::format("https://openlineage.io/spec/facets/{}/{}.json#/$defs/{}",
                                   facet.version, facet.name, facet.name)}};
  }

  Json parent() const {
    Json facet = begin(kParent);
    facet["run"] = Json{{"runId", event_.parent->run}};
    facet["job"] =
        Json{{"namespace", event_.parent->job.name_space}, {"name", event_.parent->job.name}};
    return facet;
  }

  Json job() const {
    Json facets = Json::object();
    Json type = begin(kJobType);
    type["processingType"] = "BATCH";
    type["integration"] = "MARTLET";
    type["jobType"] = event_.job_type;
    facets["jobType"] = std::move(type);
    if (!event_.source.empty()) {
      Json source = begin(kSourceCode);
      source["language"] = event_.source_language;
      source["sourceCode"] = event_.source;
      facets["sourceCode"] = std::move(source);
    }
    return Json{{"namespace", event_.job.name_space},
                {"name", event_.job.name},
                {"facets", std::move(facets)}};
  }

  Json dataset(const Dataset& dataset) const {
    Json facets = Json::object();
    if (!dataset.columns.empty()) {
      Json fields = Json::array();
      for (const Column& column : dataset.columns)
        fields.push_back(Json{{"name", column.name}, {"type", column.type}});
      Json facet = begin(kSchema);
      facet["fields"] = std::move(fields);
      facets["schema"] = std::move(facet);
    }
    if (!dataset.version.empty()) {
      Json facet = begin(kVersion);
      facet["datasetVersion"] = dataset.version;
      facets["version"] = std::move(facet);
    }
    return Json{
        {"namespace", dataset.name_space}, {"name", dataset.name}, {"facets", std::move(facets)}};
  }

  static Json metrics_json(const ColumnMetrics& metrics) {
    Json json = Json::object();
    if (metrics.nulls.has_value()) json["nullCount"] = *metrics.nulls;
    if (metrics.distinct.has_value()) json["distinctCount"] = *metrics.distinct;
    if (metrics.min.has_value()) json["min"] = *metrics.min;
    if (metrics.max.has_value()) json["max"] = *metrics.max;
    if (!metrics.quantiles.empty()) {
      Json quantiles = Json::object();
      for (const auto& [share, value] : metrics.quantiles) quantiles[share] = value;
      json["quantiles"] = std::move(quantiles);
    }
    return json;
  }

  Json input(const Dataset& of) const {
    Json json = dataset(of);
    Json columns = Json::object();
    for (const Column& column : of.columns) {
      if (column.metrics.has_value()) columns[column.name] = metrics_json(*column.metrics);
    }
    if (columns.empty() && !of.rows.has_value()) return json;
    Json facet = begin(kQuality);
    facet["columnMetrics"] = std::move(columns);
    if (of.rows.has_value()) facet["rowCount"] = *of.rows;
    if (of.size_bytes.has_value()) facet["bytes"] = *of.size_bytes;
    json["inputFacets"] = Json{{"dataQualityMetrics", std::move(facet)}};
    return json;
  }

  Json output(const Dataset& of) const {
    Json json = dataset(of);
    if (!of.rows.has_value() && !of.size_bytes.has_value()) return json;
    Json facet = begin(kStatistics);
    if (of.rows.has_value()) facet["rowCount"] = *of.rows;
    if (of.size_bytes.has_value()) facet["size"] = *of.size_bytes;
    json["outputFacets"] = Json{{"outputStatistics", std::move(facet)}};
    return json;
  }

  const RunEvent& event_;
  std::string producer_;
};

std::string with_dashes(std::string_view hex) {
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

// RFC 9562 §5.8: what a vendor makes of what it likes.
std::string uuid_of(std::string_view text) {
  std::string hex = digest_of(text).hex().substr(0, 32);
  hex[12] = '8';
  constexpr std::string_view kVariant = "89ab";
  const char c = hex[16];
  hex[16] = kVariant[static_cast<std::size_t>((c <= '9' ? c - '0' : c - 'a' + 10) & 3)];
  return with_dashes(hex);
}

}  // namespace

std::string_view name_of(EventType type) {
  constexpr std::array<std::string_view, 5> kNames{"START", "RUNNING", "COMPLETE", "ABORT", "FAIL"};
  return kNames[static_cast<std::size_t>(type)];
}

Json to_json(const RunEvent& event) { return Document(event).json(); }

std::string run_uuid(std::string_view id) {
  const bool hex = id.size() == 32 && std::all_of(id.begin(), id.end(), [](char c) {
                     return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                   });
  return hex ? with_dashes(id) : uuid_of(id);
}

std::string step_uuid(std::string_view run, std::string_view step) {
  return uuid_of(fmt::format("{}/{}", run, step));
}

}  // namespace martlet::tracking::openlineage
