// Reads MLflow's file store: a folder of experiments, each a folder of runs, each with a meta.yaml
// and one file per param, tag and metric; a key with '/' is a path of folders.
#include "artifacts/blob_store.h"
#include "base/text.h"
#include "base/yaml.h"
#include "lifecycle/internal/artifact_folders.h"
#include "lifecycle/internal/import_source.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

namespace martlet::lifecycle {

namespace {

namespace fs = std::filesystem;
using tracking::Experiment;
using tracking::Metric;

constexpr std::uint64_t kMaxMetaBytes = 32u << 20;  // a dataset's profile may be 16 MB
constexpr std::uint64_t kMaxValueBytes = 1u << 20;  // of a param or a tag
constexpr std::size_t kPieceBytes = 1u << 20;       // of a metric's file, read at a time
constexpr std::size_t kMaxLineBytes = 4096;
constexpr int kMaxKeyDepth = 64;

bool is_folder(const std::string& path) {
  std::error_code problem;
  return fs::symlink_status(path, problem).type() == fs::file_type::directory;
}

// Folders below a folder, by name; without symbolic links.
std::vector<std::string> folders_in(FileSystem& files, const std::string& path) {
  std::vector<std::string> found;
  const auto names = files.list(path);
  if (!names.has_value()) return found;
  for (const std::string& name : *names) {
    if (is_folder(join_path(path, name))) found.push_back(name);
  }
  return found;
}

// The scalars of a mapping; an empty text for null.
std::string scalar_of(const Yaml& map, std::string_view key) {
  const Yaml* found = map.find(key);
  return found != nullptr && found->is_scalar() ? found->scalar() : std::string();
}

std::optional<Timestamp> time_of(const Yaml& map, std::string_view key) {
  const std::string text = scalar_of(map, key);
  std::int64_t millis = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), millis);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return mlflow_time(millis);
}

// "1700000000000 0.5 1", what follows is about datasets and models; older ones have no step.
std::optional<Metric> point_of(const std::string& key, std::string_view line) {
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() < 2) return std::nullopt;
  Metric point;
  point.key = key;
  std::int64_t millis = 0;
  const auto whole = [](std::string_view word, std::int64_t& number) {
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    return problem == std::errc() && end == word.data() + word.size();
  };
  if (!whole(words[0], millis)) return std::nullopt;
  const auto at = mlflow_time(millis);
  if (!at.has_value()) return std::nullopt;
  point.at = *at;
  const std::string value(words[1]);
  char* end = nullptr;
  point.value = std::strtod(value.c_str(), &end);  // "nan", "inf" and "-inf" too
  if (value.empty() || end != value.c_str() + value.size()) return std::nullopt;
  if (words.size() > 2 && !whole(words[2], point.step)) return std::nullopt;
  return point;
}

class FileSource : public ImportSource {
 public:
  FileSource(FileSystem& files, std::string root, ArtifactFolders folders, Findings& findings)
      : files_(files), root_(std::move(root)), folders_(std::move(folders)), findings_(findings) {}

  std::string_view kind() const override { return "files"; }

  Result<std::vector<Experiment>> experiments() override {
    std::vector<Experiment> found;
    for (const std::string& parent : {root_, join_path(root_, ".trash")}) {
      for (const std::string& name : folders_in(files_, parent)) {
        if (name == ".trash" || name == "models") continue;
        const std::string folder = join_path(parent, name);
        auto meta = meta_of(folder);
        if (!meta.has_value()) continue;
        Experiment experiment;
        experiment.id = ExperimentId(name);
        experiment.name = scalar_of(*meta, "name");
        if (scalar_of(*meta, "lifecycle_stage") == "deleted")
          experiment.lifecycle = tracking::Lifecycle::Deleted;
        experiment.created = time_of(*meta, "creation_time").value_or(Timestamp{});
        experiment.updated = time_of(*meta, "last_update_time").value_or(experiment.created);
        MARTLET_TRY(read_values(join_path(folder, "tags"), "", 0, experiment.tags));
        places_[name] = folder;
        found.push_back(std::move(experiment));
      }
    }
    return found;
  }

  Result<void> for_each_run(const Experiment& experiment,
                            const std::function<Result<void>(const SourceRun&)>& visit) override {
    const std::string& folder = places_.at(experiment.id.text());
    for (const std::string& name : folders_in(files_, folder)) {
      // What lies beside the runs; traces are counted by nobody.
      if (name == "tags" || name == "datasets" || name == "models" || name == "traces") continue;
      const std::string place = join_path(folder, name);
      const auto meta = meta_of(place);
      if (!meta.has_value()) continue;
      MARTLET_TRY_SET(const std::optional<SourceRun> run, read_run(experiment, place, name, *meta));
      if (run.has_value()) MARTLET_TRY(visit(*run));
    }
    return {};
  }

  Result<void>
  for_each_points(const SourceRun& run,
                  const std::function<Result<void>(std::span<const Metric>)>& visit) override {
    std::vector<std::string> keys;
    MARTLET_TRY(list_keys(join_path(run.place, "metrics"), "", 0, keys));
    std::vector<Metric> points;
    for (const std::string& key : keys) MARTLET_TRY(read_points(run, key, points, visit));
    if (points.empty()) return {};
    return visit(points);
  }

  Result<std::vector<SourceArtifact>> artifacts(const SourceRun& run) override {
    std::string folder = join_path(run.place, "artifacts");
    if (!is_folder(folder)) folder = folders_.folder_of(run);
    folder_ = folder;
    if (folder.empty()) return std::vector<SourceArtifact>();
    return files_below(folder, "run " + run.run.id.text() + " artifact", findings_);
  }

  Result<tracking::Artifact> fetch(const SourceRun& /*run*/, const SourceArtifact& artifact,
                                   artifacts::BlobStore& blobs) override {
    MARTLET_TRY_SET(const artifacts::StoredBlob stored,
                    blobs.put_file(join_path(folder_, artifact.path)));
    return tracking::Artifact{
        artifact.path, stored.digest, static_cast<std::int64_t>(stored.size_bytes), {}};
  }

  Result<void> look_for_more() override {
    const std::size_t models = folders_in(files_, join_path(root_, "models")).size();
    if (models > 0)
      report(findings_, "models", "not_imported",
             fmt::format("{} registered models were left out: only experiments and runs are "
                         "imported",
                         models));
    folders_.report_elsewhere(findings_);
    return {};
  }

 private:
  // A regular file, no link, of bounded size.
  Result<std::string> read_plain(const std::string& path, std::uint64_t most) {
    std::error_code problem;
    if (fs::symlink_status(path, problem).type() != fs::file_type::regular)
      return not_found("reading " + path + ": there is no such file");
    MARTLET_TRY_SET(const FileStatus status, files_.status(path));
    if (status.size_bytes > most)
      return invalid_argument(fmt::format("reading {}: it has {} bytes, {} are allowed", path,
                                          status.size_bytes, most));
    return files_.read_file(path);
  }

  // nullopt, and a finding, when a folder has none that can be read.
  std::optional<Yaml> meta_of(const std::string& folder) {
    const std::string path = join_path(folder, "meta.yaml");
    auto text = read_plain(path, kMaxMetaBytes);
    if (text.has_value()) {
      YamlLimits limits;
      limits.size_bytes = kMaxMetaBytes;
      auto meta = Yaml::parse(*text, path, limits);
      if (meta.has_value() && meta->is_map()) return std::move(*meta);
      report(findings_, path, "bad_meta",
             meta.has_value() ? "it is no mapping" : meta.error().message());
      return std::nullopt;
    }
    report(findings_, path, "bad_meta", text.error().message());
    return std::nullopt;
  }

  Result<std::optional<SourceRun>> read_run(const Experiment& experiment, const std::string& place,
                                            const std::string& name, const Yaml& meta) {
    SourceRun found;
    found.place = place;
    found.artifact_uri = scalar_of(meta, "artifact_uri");
    tracking::Run& run = found.run;
    const std::string id = scalar_of(meta, "run_id");
    run.id = RunId(id.empty() ? scalar_of(meta, "run_uuid") : id);
    if (run.id.text() != name || !is_run_id(name)) {
      report(findings_, place, "bad_run",
             fmt::format("its meta.yaml says run \"{}\"", run.id.text().substr(0, 80)));
      return std::optional<SourceRun>();
    }
    run.experiment = experiment.id;
    run.name = scalar_of(meta, "run_name");
    run.user = scalar_of(meta, "user_id");
    const std::string status = scalar_of(meta, "status");
    const auto known = mlflow_status(status);
    if (!known.has_value()) {
      report(findings_, place, "bad_run",
             fmt::format("its status is \"{}\"", status.substr(0, 40)));
      return std::optional<SourceRun>();
    }
    run.status = *known;
    if (scalar_of(meta, "lifecycle_stage") == "deleted")
      run.lifecycle = tracking::Lifecycle::Deleted;
    run.ended = time_of(meta, "end_time");
    run.started = time_of(meta, "start_time").value_or(run.ended.value_or(Timestamp{}));
    MARTLET_TRY(read_values(join_path(place, "params"), "", 0, run.params));
    MARTLET_TRY(read_values(join_path(place, "tags"), "", 0, run.tags));
    read_inputs(parent_path(place), found);
    return std::optional<SourceRun>(std::move(found));
  }

  // Every file below a folder, by its path, which is the key. Links are told and passed over.
  Result<void> list_keys(const std::string& folder, const std::string& prefix, int depth,
                         std::vector<std::string>& keys) {
    if (!is_folder(folder)) return {};
    MARTLET_TRY_SET(const std::vector<std::string> names, files_.list(folder));
    for (const std::string& name : names) {
      const std::string path = join_path(folder, name);
      const std::string key = prefix.empty() ? name : prefix + "/" + name;
      std::error_code problem;
      const fs::file_type type = fs::symlink_status(path, problem).type();
      if (type == fs::file_type::directory && depth < kMaxKeyDepth) {
        MARTLET_TRY(list_keys(path, key, depth + 1, keys));
      } else if (type == fs::file_type::regular) {
        keys.push_back(key);
      } else {
        report(findings_, path, "no_file", "it is no file, or a link, which is not followed");
      }
    }
    return {};
  }

  Result<void> read_values(const std::string& folder, const std::string& prefix, int depth,
                           tracking::Texts& values) {
    std::vector<std::string> keys;
    MARTLET_TRY(list_keys(folder, prefix, depth, keys));
    for (const std::string& key : keys) {
      auto text = read_plain(join_path(folder, key), kMaxValueBytes);
      if (text.has_value()) {
        values[key] = std::move(*text);
      } else {
        report(findings_, join_path(folder, key), "unreadable", text.error().message());
      }
    }
    return {};
  }

  void read_inputs(const std::string& experiment, SourceRun& found) {
    const std::string folder = join_path(found.place, "inputs");
    if (!is_folder(folder)) return;
    for (const std::string& name : folders_in(files_, folder)) {
      const auto input = meta_of(join_path(folder, name));
      if (!input.has_value() || scalar_of(*input, "source_type") != "DATASET") continue;
      const std::string id = scalar_of(*input, "source_id");
      // It becomes part of a path.
      if (!is_run_id(id)) {
        report(findings_, join_path(folder, name), "bad_dataset", "it names no dataset");
        continue;
      }
      const auto dataset = meta_of(join_path(join_path(experiment, "datasets"), id));
      if (!dataset.has_value()) continue;
      tracking::DatasetInput made;
      made.name = scalar_of(*dataset, "name");
      made.digest = scalar_of(*dataset, "digest");
      if (const Yaml* tags = input->find("tags"); tags != nullptr)
        made.context = scalar_of(*tags, kContextTag);
      made.details =
          dataset_details(scalar_of(*dataset, "source_type"), scalar_of(*dataset, "source"),
                          scalar_of(*dataset, "schema"), scalar_of(*dataset, "profile"));
      found.run.inputs.push_back(std::move(made));
    }
  }

  Result<void> read_points(const SourceRun& run, const std::string& key,
                           std::vector<Metric>& points,
                           const std::function<Result<void>(std::span<const Metric>)>& visit) {
    const std::string path = join_path(join_path(run.place, "metrics"), key);
    MARTLET_TRY_SET(const std::unique_ptr<File> file, files_.open_for_reading(path));
    std::string rest;
    std::int64_t bad = 0;
    for (std::uint64_t offset = 0;;) {
      MARTLET_TRY_SET(const std::string piece, file->read_at(offset, kPieceBytes));
      offset += piece.size();
      rest += piece;
      // The last line may lack its end.
      if (piece.empty() && !rest.empty()) rest += '\n';
      std::size_t begin = 0;
      for (std::size_t end = rest.find('\n'); end != std::string::npos;
           end = rest.find('\n', begin)) {
        std::string_view line = std::string_view(rest).substr(begin, end - begin);
        begin = end + 1;
        line = trim(line);
        if (line.empty()) continue;
        if (auto point = point_of(key, line); point.has_value()) {
          points.push_back(std::move(*point));
        } else {
          ++bad;
        }
        if (points.size() >= kPointsAtOnce) {
          MARTLET_TRY(visit(points));
          points.clear();
        }
      }
      rest.erase(0, begin);
      if (piece.empty()) break;
      if (rest.size() > kMaxLineBytes) {
        ++bad;
        break;
      }
    }
    if (bad > 0)
      report(findings_, path, "bad_point",
             fmt::format("{} of its lines are no points (time, value, step); they were left out",
                         bad));
    return {};
  }

  FileSystem& files_;
  std::string root_;
  ArtifactFolders folders_;
  Findings& findings_;
  std::map<std::string, std::string> places_;  // folders of experiments, by id
  std::string folder_;                         // of the artifacts that were listed last
};

}  // namespace

Result<std::unique_ptr<ImportSource>>
open_file_source(FileSystem& files, const ImportRequest& request, Findings& findings) {
  std::string root = request.source;
  // The folder that holds mlruns is named as often.
  if (is_folder(join_path(root, "mlruns"))) root = join_path(root, "mlruns");
  bool has_experiment = false;
  for (const std::string& name : folders_in(files, root))
    has_experiment = has_experiment || files.exists(join_path(join_path(root, name), "meta.yaml"));
  if (!has_experiment) {
    return invalid_argument(fmt::format(
        "importing {}: it is no MLflow store: none of its folders has a meta.yaml; name the folder "
        "\"mlruns\", a database (sqlite:///PATH) or a server (http://HOST:PORT)",
        request.source));
  }
  ArtifactFolders folders({root}, {request.artifacts_directory});
  return std::unique_ptr<ImportSource>(
      std::make_unique<FileSource>(files, std::move(root), std::move(folders), findings));
}

}  // namespace martlet::lifecycle
