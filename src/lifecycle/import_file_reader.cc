// Reads what MLflow's file store writes: see the header.
#include "base/text.h"
#include "lifecycle/internal/file_store_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace martlet::lifecycle {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxMetaBytes = 32u << 20;  // a dataset's profile may be 16 MB
constexpr std::uint64_t kMaxValueBytes = 1u << 20;  // of a param or a tag
constexpr std::size_t kPieceBytes = 1u << 20;       // of a metric's file, read at a time
constexpr std::size_t kMaxLineBytes = 4096;
constexpr int kMaxKeyDepth = 64;

}  // namespace

std::string scalar_of(const Yaml& map, std::string_view key) {
  const Yaml* found = map.find(key);
  return found != nullptr && found->is_scalar() ? found->scalar() : std::string();
}

std::optional<std::int64_t> integer_of(const Yaml& map, std::string_view key) {
  const std::string text = scalar_of(map, key);
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<Timestamp> time_of(const Yaml& map, std::string_view key) {
  const auto millis = integer_of(map, key);
  return millis.has_value() ? mlflow_time(*millis) : std::nullopt;
}

std::optional<tracking::Metric> point_of(const std::string& key, std::string_view line) {
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() < 2) return std::nullopt;
  tracking::Metric point;
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

bool FileStoreReader::is_folder(const std::string& path) {
  std::error_code problem;
  return fs::symlink_status(path, problem).type() == fs::file_type::directory;
}

std::vector<std::string> FileStoreReader::folders_in(const std::string& path) const {
  std::vector<std::string> found;
  const auto names = files_.list(path);
  if (!names.has_value()) return found;
  for (const std::string& name : *names) {
    if (is_folder(join_path(path, name))) found.push_back(name);
  }
  return found;
}

// A regular file, no link, of bounded size.
Result<std::string> FileStoreReader::read_plain(const std::string& path, std::uint64_t most) {
  std::error_code problem;
  if (fs::symlink_status(path, problem).type() != fs::file_type::regular)
    return not_found("reading " + path + ": there is no such file");
  MARTLET_TRY_SET(const FileStatus status, files_.status(path));
  if (status.size_bytes > most)
    return invalid_argument(
        fmt::format("reading {}: it has {} bytes, {} are allowed", path, status.size_bytes, most));
  return files_.read_file(path);
}

std::optional<Yaml> FileStoreReader::meta_of(const std::string& folder) {
  const std::string path = join_path(folder, "meta.yaml");
  auto text = read_plain(path, kMaxMetaBytes);
  if (text.has_value()) {
    YamlLimits limits;
    limits.size_bytes = kMaxMetaBytes;
    auto meta = Yaml::parse(*text, path, limits);
    if (meta.has_value() && meta->is_map()) return std::move(*meta);
    add_finding(findings_, path, "bad_meta",
                meta.has_value() ? "it is no mapping" : meta.error().message());
    return std::nullopt;
  }
  add_finding(findings_, path, "bad_meta", text.error().message());
  return std::nullopt;
}

Result<void> FileStoreReader::list_keys(const std::string& folder, std::vector<std::string>& keys) {
  return list_keys(folder, "", 0, keys);
}

Result<void> FileStoreReader::list_keys(const std::string& folder, const std::string& prefix,
                                        int depth, std::vector<std::string>& keys) {
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
      add_finding(findings_, path, "no_file", "it is no file, or a link, which is not followed");
    }
  }
  return {};
}

Result<void> FileStoreReader::read_values(const std::string& folder, tracking::Texts& values) {
  std::vector<std::string> keys;
  MARTLET_TRY(list_keys(folder, keys));
  for (const std::string& key : keys) {
    auto text = read_plain(join_path(folder, key), kMaxValueBytes);
    if (text.has_value()) {
      values[key] = std::move(*text);
    } else {
      add_finding(findings_, join_path(folder, key), "unreadable", text.error().message());
    }
  }
  return {};
}

Result<std::int64_t>
FileStoreReader::for_each_line(const std::string& path,
                               const std::function<Result<bool>(std::string_view)>& visit) {
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
      const std::string_view line = trim(std::string_view(rest).substr(begin, end - begin));
      begin = end + 1;
      if (line.empty()) continue;
      MARTLET_TRY_SET(const bool understood, visit(line));
      bad += understood ? 0 : 1;
    }
    rest.erase(0, begin);
    if (piece.empty()) return bad;
    if (rest.size() > kMaxLineBytes) return bad + 1;
  }
}

}  // namespace martlet::lifecycle
