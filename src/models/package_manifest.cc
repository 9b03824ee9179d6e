#include "models/package_manifest.h"

#include "columns/schema.h"

#include <cmath>

namespace martlet::models {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kMaxFiles = 1000;
constexpr std::string_view kSubject = "package manifest";

// Relative, of plain characters, and no part of it is "." or "..".
bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > 255 || path == kManifestFile) return false;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-' || c == '/';
    if (!plain) return false;
  }
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
  return false;
}

Json texts_json(const std::map<std::string, std::string>& texts) {
  Json json = Json::object();
  for (const auto& [key, value] : texts) json[key] = value;
  return json;
}

Result<std::map<std::string, std::string>> texts_from(const Json& json, std::string_view key) {
  MARTLET_TRY_SET(const Json* object, member(json, key, kSubject));
  if (!object->is_object()) return corrupt(fmt::format("{}: {} is no object", kSubject, key));
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : object->items()) {
    if (!value.is_string())
      return corrupt(fmt::format("{}: {}.{} is no text", kSubject, key, name));
    texts[name] = value.get<std::string>();
  }
  return texts;
}

Result<std::vector<std::string>> list_from(const Json& json, std::string_view key) {
  MARTLET_TRY_SET(const Json* listed, member(json, key, kSubject));
  if (!listed->is_array()) return corrupt(fmt::format("{}: {} is no list", kSubject, key));
  std::vector<std::string> texts;
  for (const Json& value : *listed) {
    if (!value.is_string())
      return corrupt(fmt::format("{}: {} holds what is no text", kSubject, key));
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

Json provenance_json(const Provenance& provenance) {
  Json json = Json::object();
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  text("dataset", provenance.dataset);
  text("dataset_digest", provenance.dataset_digest);
  text("run_id", provenance.run_id);
  text("code_version", provenance.code_version);
  text("created_by", provenance.created_by);
  text("created_at", provenance.created_at);
  json["libraries"] = texts_json(provenance.libraries);
  json["cpu_features"] = provenance.cpu_features;
  json["more"] = provenance.more;
  return json;
}

Result<Provenance> provenance_from(const Json& json) {
  Provenance provenance;
  const auto text = [&](const char* key, std::string& value) {
    if (const auto found = json.find(key); found != json.end() && found->is_string())
      value = found->get<std::string>();
  };
  text("dataset", provenance.dataset);
  text("dataset_digest", provenance.dataset_digest);
  text("run_id", provenance.run_id);
  text("code_version", provenance.code_version);
  text("created_by", provenance.created_by);
  text("created_at", provenance.created_at);
  MARTLET_TRY_SET(provenance.libraries, texts_from(json, "libraries"));
  MARTLET_TRY_SET(provenance.cpu_features, list_from(json, "cpu_features"));
  MARTLET_TRY_SET(const Json* more, member(json, "more", kSubject));
  if (!more->is_object()) return corrupt("package manifest: more is no object");
  provenance.more = *more;
  return provenance;
}

Json inputs_json(const Manifest& manifest) {
  Json listed = Json::array();
  for (const features::InputField& input : manifest.inputs) {
    Json entry = {
        {"name", input.name}, {"type", columns::name_of(input.type)}, {"required", input.required}};
    if (const auto unit = manifest.units.find(input.name); unit != manifest.units.end())
      entry["unit"] = unit->second;
    listed.push_back(std::move(entry));
  }
  return listed;
}

Result<void> read_inputs(const Json& json, Manifest& manifest) {
  MARTLET_TRY_SET(const Json* listed, member(json, "inputs", kSubject));
  if (!listed->is_array()) return corrupt("package manifest: inputs is no list");
  for (const Json& entry : *listed) {
    features::InputField input;
    MARTLET_TRY_SET(input.name, text_member(entry, "name", kSubject));
    MARTLET_TRY_SET(const std::string type, text_member(entry, "type", kSubject));
    MARTLET_TRY_SET(input.type, columns::parse_type(type));
    MARTLET_TRY_SET(input.required, boolean_member(entry, "required", kSubject));
    if (entry.contains("unit")) {
      MARTLET_TRY_SET(manifest.units[input.name], text_member(entry, "unit", kSubject));
    }
    manifest.inputs.push_back(std::move(input));
  }
  return {};
}

Result<void> read_files(const Json& json, Manifest& manifest) {
  MARTLET_TRY_SET(const Json* files, member(json, "files", kSubject));
  if (!files->is_object() || files->size() > kMaxFiles)
    return corrupt("package manifest: files is no object of at most 1,000 files");
  for (const auto& [path, entry] : files->items()) {
    if (!is_safe_path(path))
      return corrupt(
          fmt::format("package manifest: the path \"{}\" is not allowed in a package", path));
    PackageFile file;
    MARTLET_TRY_SET(const std::string digest, text_member(entry, "digest", kSubject));
    MARTLET_TRY_SET(file.digest, Digest::parse(digest));
    MARTLET_TRY_SET(const std::int64_t size, integer_member(entry, "size_bytes", kSubject));
    if (size < 0) return corrupt("package manifest: a size is negative");
    file.size_bytes = static_cast<std::uint64_t>(size);
    manifest.files[path] = file;
  }
  return {};
}

Result<Manifest> read(std::string_view bytes) {
  MARTLET_TRY_SET(const Json json, parse_json(bytes));
  MARTLET_TRY_SET(const std::int64_t format, integer_member(json, "format", kSubject));
  if (format != kFormat)
    return corrupt(fmt::format("package manifest: format {} is not known to this version", format));
  Manifest manifest;
  MARTLET_TRY_SET(manifest.name, text_member(json, "name", kSubject));
  MARTLET_TRY_SET(manifest.task, text_member(json, "task", kSubject));
  MARTLET_TRY_SET(manifest.target, text_member(json, "target", kSubject));
  MARTLET_TRY_SET(manifest.flavour, text_member(json, "flavour", kSubject));
  MARTLET_TRY_SET(manifest.model_file, text_member(json, "model_file", kSubject));
  MARTLET_TRY_SET(const Json* link, member(json, "link", kSubject));
  MARTLET_TRY_SET(manifest.link, link_from_json(*link));
  MARTLET_TRY_SET(const Json* threshold, member(json, "threshold", kSubject));
  if (!threshold->is_null()) {
    MARTLET_TRY_SET(manifest.threshold, number_member(json, "threshold", kSubject));
  }
  MARTLET_TRY(read_inputs(json, manifest));
  MARTLET_TRY_SET(manifest.lookups, list_from(json, "lookups"));
  MARTLET_TRY_SET(const std::string program, text_member(json, "feature_program", kSubject));
  MARTLET_TRY_SET(manifest.feature_program, Digest::parse(program));
  MARTLET_TRY_SET(const Json* provenance, member(json, "provenance", kSubject));
  MARTLET_TRY_SET(manifest.provenance, provenance_from(*provenance));
  MARTLET_TRY(read_files(json, manifest));
  return manifest;
}

}  // namespace

std::string Manifest::to_bytes() const {
  Json json = {{"format", kFormat},
               {"name", name},
               {"task", task},
               {"target", target},
               {"flavour", flavour},
               {"model_file", model_file},
               {"link", to_json(link)},
               {"threshold", threshold ? Json(*threshold) : Json()},
               {"inputs", inputs_json(*this)},
               {"lookups", lookups},
               {"feature_program", feature_program.text()},
               {"provenance", provenance_json(provenance)}};
  Json listed = Json::object();
  for (const auto& [path, file] : files)
    listed[path] = {{"digest", file.digest.text()}, {"size_bytes", file.size_bytes}};
  json["files"] = std::move(listed);
  return to_pretty_text(json) + "\n";
}

Result<Manifest> Manifest::parse(std::string_view bytes) {
  auto manifest = read(bytes);
  // Whatever the JSON reader complained of, to the caller it is a damaged package.
  if (!manifest.has_value()) return corrupt(manifest.error().message());
  return manifest;
}

}  // namespace martlet::models
