// The stored form of a feature program, and back.
#include "features/internal/json_reader.h"
#include "features/internal/state.h"

namespace martlet::features {
namespace {

constexpr std::string_view kFormat = "martlet.features";
constexpr int kVersion = 1;  // of the format; a change of meaning makes a new one

Json types_to_json(const std::vector<columns::Type>& types) {
  Json list = Json::array();
  for (const columns::Type type : types) list.push_back(columns::name_of(type));
  return list;
}

Json step_to_json(const StepSpec& step) {
  if (!step.lookup) return Json{{"derive", step.name}, {"expression", step.expression}};
  return Json{{"lookup", step.lookup->to_json()}, {"types", types_to_json(step.types)}};
}

Result<StepSpec> step_from_json(const Json& json) {
  StepSpec step;
  JsonReader read(json, "a step");
  if (json.is_object() && json.contains("derive")) {
    step.name = read.text("derive");
    step.expression = read.text("expression");
    MARTLET_TRY(read.finish());
    return step;
  }
  const Json* lookup = read.raw("lookup");
  const auto types = read.texts("types");
  MARTLET_TRY(read.finish());
  MARTLET_TRY_SET(step.lookup, LookupConfig::from_json(*lookup));
  step.name = step.lookup->name;
  for (const std::string& name : types) {
    MARTLET_TRY_SET(const columns::Type type, columns::parse_type(name));
    step.types.push_back(type);
  }
  return step;
}

Result<InputSpec> input_from_json(const Json& json) {
  InputSpec input;
  JsonReader read(json, "an input");
  input.field.name = read.text("name");
  const std::string type = read.text("type");
  const std::string as = read.text("as");
  input.field.required = read.boolean("required");
  MARTLET_TRY(read.finish());
  MARTLET_TRY_SET(input.field.type, columns::parse_type(type));
  MARTLET_TRY_SET(input.slot_type, columns::parse_type(as));
  if (!accepts(input.slot_type, input.field.type))
    return corrupt("the input " + input.field.name + " has types that don't go together");
  return input;
}

}  // namespace

Json ProgramSpec::to_json() const {
  Json json{{"format", kFormat},
            {"version", kVersion},
            {"family", name_of(family)},
            {"task", name_of(task)},
            {"zone", decided_at.zone.name()},
            {"time", decided_at.time},
            {"decided_at", decided_at.expression},
            {"needs_decided_at", needs_decided_at}};
  Json list = Json::array();
  for (const InputSpec& input : inputs)
    list.push_back(Json{{"name", input.field.name},
                        {"type", columns::name_of(input.field.type)},
                        {"as", columns::name_of(input.slot_type)},
                        {"required", input.field.required}});
  json["inputs"] = std::move(list);
  list = Json::array();
  for (const Cleaner& step : cleaning) list.push_back(step.to_json());
  json["cleaning"] = std::move(list);
  list = Json::array();
  for (const StepSpec& step : steps) list.push_back(step_to_json(step));
  json["steps"] = std::move(list);
  list = Json::array();
  for (const Node& node : nodes) list.push_back(node.to_json());
  json["features"] = std::move(list);
  return json;
}

Result<ProgramSpec> ProgramSpec::from_json(const Json& json) {
  ProgramSpec spec;
  JsonReader read(json, "the feature program");
  const std::string format = read.text("format");
  const int version = read.integer("version", 1, 1 << 20);
  MARTLET_TRY(read.finish());
  if (format != kFormat)
    return corrupt("its format is \"" + format + "\", not \"" + std::string(kFormat) + "\"");
  if (version != kVersion)
    return corrupt("it's of format version " + std::to_string(version) + "; this build reads " +
                   std::to_string(kVersion));
  const std::string family = read.text("family");
  const std::string task = read.text("task");
  const std::string zone = read.text("zone");
  spec.decided_at.time = read.text("time");
  spec.decided_at.expression = read.text("decided_at");
  spec.needs_decided_at = read.boolean("needs_decided_at");
  MARTLET_TRY(read.finish());
  MARTLET_TRY_SET(spec.family, parse_family(family));
  MARTLET_TRY_SET(spec.task, parse_task(task));
  MARTLET_TRY_SET(spec.decided_at.zone, Zone::find(zone));
  for (const Json& item : read.list("inputs")) {
    MARTLET_TRY_SET(InputSpec input, input_from_json(item));
    spec.inputs.push_back(std::move(input));
  }
  for (const Json& item : read.list("cleaning")) {
    MARTLET_TRY_SET(Cleaner step, Cleaner::from_json(item));
    spec.cleaning.push_back(std::move(step));
  }
  for (const Json& item : read.list("steps")) {
    MARTLET_TRY_SET(StepSpec step, step_from_json(item));
    spec.steps.push_back(std::move(step));
  }
  for (const Json& item : read.list("features")) {
    MARTLET_TRY_SET(Node node, Node::from_json(item));
    spec.nodes.push_back(std::move(node));
  }
  MARTLET_TRY(read.finish());
  return spec;
}

}  // namespace martlet::features
