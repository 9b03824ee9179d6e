#include "models/internal/training_spec.h"

#include "base/digest.h"

#include <bit>
#include <cstring>

namespace martlet::models {
namespace {

constexpr std::string_view kMagic = "MRTLTRN1";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + Digest::kBytes;
constexpr std::uint32_t kMaxJsonBytes = 64u << 20;

std::string_view bytes_of(std::span<const double> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::string floats_of(std::span<const double> values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<float>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(float), &value, sizeof(float));
  }
  return bytes;
}

std::string u32_bytes(std::uint32_t value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

Json settings_json(const TrainingSpec& spec, const SpecView& view) {
  return {{"features", spec.features},
          {"categorical", spec.categorical},
          {"settings", spec.settings},
          {"rounds", spec.rounds},
          {"early_stopping", spec.early_stopping},
          {"metric", spec.metric},
          {"alpha", spec.alpha},
          {"train_rows", view.train_labels.size()},
          {"train_weighted", !view.train_weights.empty()},
          {"validation_rows", view.validation_labels.size()},
          {"validation_weighted", !view.validation_weights.empty()}};
}

tl::unexpected<Error> broken(std::string_view what) {
  return corrupt(
      fmt::format("training specification: {}; the training has to be started again", what));
}

// Reads the file front to back, hashing as it goes.
class Reader {
 public:
  Reader(const File& file, std::uint64_t size) : file_(file), size_(size) {}
  std::uint64_t left() const { return size_ - at_; }
  Result<std::string> take(std::uint64_t count) {
    if (count > left()) return broken("it was cut off");
    constexpr std::uint64_t kPiece = 256u << 20;  // one read call moves two gigabytes at most
    std::string bytes;
    bytes.reserve(count);
    while (bytes.size() < count) {
      const auto want = static_cast<std::size_t>(std::min(kPiece, count - bytes.size()));
      MARTLET_TRY_SET(const std::string piece, file_.read_at(at_, want));
      if (piece.empty()) return broken("it was cut off");
      bytes += piece;
      at_ += piece.size();
    }
    hash_.update(std::string_view(bytes));
    return bytes;
  }
  // Of everything taken since the last call.
  Digest digest() { return hash_.finish(); }

 private:
  const File& file_;
  std::uint64_t size_ = 0, at_ = 0;
  Sha256 hash_;
};

Result<void> read_rows(Reader& reader, const Json& json, std::string_view prefix, std::size_t width,
                       SpecRows& rows) {
  MARTLET_TRY_SET(const std::int64_t count,
                  integer_member(json, fmt::format("{}_rows", prefix), "training specification"));
  MARTLET_TRY_SET(const bool weighted, boolean_member(json, fmt::format("{}_weighted", prefix),
                                                      "training specification"));
  if (count < 0 || static_cast<std::uint64_t>(count) > reader.left() / (width * sizeof(double))) {
    return broken("it claims more rows than it holds");
  }
  rows.rows = static_cast<std::uint64_t>(count);
  MARTLET_TRY_SET(rows.values, reader.take(rows.rows * width * sizeof(double)));
  MARTLET_TRY_SET(rows.labels, reader.take(rows.rows * sizeof(float)));
  if (!weighted) return {};
  MARTLET_TRY_SET(rows.weights, reader.take(rows.rows * sizeof(float)));
  return {};
}

Result<void> read_settings(const Json& json, TrainingSpec& spec) {
  constexpr std::string_view kSubject = "training specification";
  const auto integer = [&](std::string_view key, int& out) -> Result<void> {
    MARTLET_TRY_SET(const std::int64_t value, integer_member(json, key, kSubject));
    if (value < 0 || value > 1'000'000) return broken(fmt::format("{} is out of range", key));
    out = static_cast<int>(value);
    return {};
  };
  const auto texts = [&](std::string_view key, std::vector<std::string>& out) -> Result<void> {
    MARTLET_TRY_SET(const Json* listed, member(json, key, kSubject));
    for (const Json& entry : *listed) {
      if (!entry.is_string()) return broken(fmt::format("{} is no list of texts", key));
      out.push_back(entry.get<std::string>());
    }
    return {};
  };
  MARTLET_TRY(texts("features", spec.features));
  MARTLET_TRY(texts("settings", spec.settings));
  if (spec.features.empty()) return broken("there are no features");
  MARTLET_TRY_SET(const Json* categorical, member(json, "categorical", kSubject));
  for (const Json& entry : *categorical) {
    if (!entry.is_number_unsigned() || entry.get<std::size_t>() >= spec.features.size()) {
      return broken("a categorical feature does not exist");
    }
    spec.categorical.push_back(entry.get<std::size_t>());
  }
  MARTLET_TRY(integer("rounds", spec.rounds));
  MARTLET_TRY(integer("early_stopping", spec.early_stopping));
  MARTLET_TRY_SET(spec.metric, text_member(json, "metric", kSubject));
  MARTLET_TRY_SET(spec.alpha, number_member(json, "alpha", kSubject));
  return {};
}

}  // namespace

Result<void> write_spec(FileSystem& files, const std::string& path, const SpecView& view) {
  const std::string json = to_text(settings_json(*view.settings, view));
  const std::string train_labels = floats_of(view.train_labels),
                    train_weights = floats_of(view.train_weights);
  const std::string validation_labels = floats_of(view.validation_labels);
  const std::string validation_weights = floats_of(view.validation_weights);
  const std::string_view parts[] = {json,
                                    bytes_of(view.train_values),
                                    train_labels,
                                    train_weights,
                                    bytes_of(view.validation_values),
                                    validation_labels,
                                    validation_weights};
  if (json.size() > kMaxJsonBytes)
    return fail(ErrorCode::ResourceExhausted, "there are too many features to train on");
  Sha256 hash;
  for (const std::string_view part : parts) hash.update(part);
  const Digest digest = hash.finish();

  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.create_new(path));
  std::string header(kMagic);
  header += u32_bytes(kVersion) + u32_bytes(static_cast<std::uint32_t>(json.size()));
  header.append(reinterpret_cast<const char*>(digest.bytes().data()), Digest::kBytes);
  MARTLET_TRY(file->append(header));
  for (const std::string_view part : parts) MARTLET_TRY(file->append(part));
  return file->close();  // not synced: nobody reads it after a crash
}

Result<TrainingSpec> read_spec(FileSystem& files, const std::string& path) {
  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.open_for_reading(path));
  MARTLET_TRY_SET(const std::uint64_t size, file->size_bytes());
  Reader reader(*file, size);
  MARTLET_TRY_SET(const std::string header, reader.take(kHeaderBytes));
  static_cast<void>(reader.digest());
  if (!header.starts_with(kMagic)) return broken("the file is of another kind");
  std::uint32_t version = 0, json_size = 0;
  std::memcpy(&version, header.data() + 8, sizeof(version));
  std::memcpy(&json_size, header.data() + 12, sizeof(json_size));
  if (version != kVersion) return broken("another version of martlet wrote it");
  if (json_size > kMaxJsonBytes) return broken("its settings are too long");
  MARTLET_TRY_SET(const std::string text, reader.take(json_size));
  const auto json = parse_json(text, {.size_bytes = kMaxJsonBytes});
  if (!json.has_value()) return broken("its settings are no JSON");

  TrainingSpec spec;
  MARTLET_TRY(read_settings(*json, spec));
  MARTLET_TRY(read_rows(reader, *json, "train", spec.features.size(), spec.train));
  MARTLET_TRY(read_rows(reader, *json, "validation", spec.features.size(), spec.validation));
  if (reader.left() != 0) return broken("it is longer than it should be");
  std::array<std::uint8_t, Digest::kBytes> expected{};
  std::memcpy(expected.data(), header.data() + 16, Digest::kBytes);
  if (reader.digest() != Digest(expected)) return broken("its bytes have changed");
  return spec;
}

}  // namespace martlet::models
