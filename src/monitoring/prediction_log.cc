#include "monitoring/prediction_log.h"

#include "base/digest.h"
#include "base/durable_directory.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace martlet::monitoring {

namespace {

constexpr std::string_view kMagic = "martlet-predictions-1\n";
constexpr std::size_t kMaxFrameBytes = 16u << 20;
constexpr std::size_t kFullFrameBytes = 1u << 20;    // a flush begins another frame
constexpr std::uint64_t kSearchBytes = 256u << 20;  // hashed at most behind a bad frame
constexpr std::size_t kFrameHead = 12;  // length (4), checksum (8), little endian
constexpr std::size_t kOpenSegments = 4;

template <class T>
void put_number(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

// Reads what put_* wrote; a read beyond the end makes everything after it fail.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      good_ = false;
      return value;
    }
    bytes_.copy(reinterpret_cast<char*>(&value), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view text() {
    const auto size = number<std::uint32_t>();
    if (bytes_.size() < size) {
      good_ = false;
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  bool finished() const { return good_ && bytes_.empty(); }
  bool good() const { return good_; }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

void put_cell(std::string& out, const columns::Cell& cell) {
  put_number(out, static_cast<std::uint8_t>(cell.missing ? 1 : 0));
  if (cell.missing) return;
  switch (cell.type) {
    case columns::Type::Bool:
      put_number(out, static_cast<std::uint8_t>(cell.boolean ? 1 : 0));
      break;
    case columns::Type::Double: put_number(out, cell.number); break;
    case columns::Type::Text: put_text(out, cell.text); break;
    default: put_number(out, cell.integer); break;
  }
}

columns::Cell get_cell(Reader& reader, columns::Type type) {
  if (reader.number<std::uint8_t>() != 0) return columns::Cell::none(type);
  switch (type) {
    case columns::Type::Bool: return columns::Cell::of_bool(reader.number<std::uint8_t>() != 0);
    case columns::Type::Double: return columns::Cell::of_double(reader.number<double>());
    case columns::Type::Text: return columns::Cell::of_text(reader.text());
    case columns::Type::Timestamp:
      return columns::Cell::of_timestamp({reader.number<std::int64_t>()});
    case columns::Type::Date: return columns::Cell::of_date(reader.number<std::int64_t>());
    case columns::Type::Int64: return columns::Cell::of_int64(reader.number<std::int64_t>());
  }
  return columns::Cell::none(type);
}

void put_frame(std::string& out, std::string_view payload) {
  put_number(out, static_cast<std::uint32_t>(payload.size()));
  put_number(out, checksum64(payload));
  out.append(payload);
}

std::string encode(const Prediction& prediction) {
  std::string payload;
  put_text(payload, prediction.id);
  put_text(payload, prediction.key);
  put_number(payload, prediction.at.micros);
  put_number(payload, prediction.version);
  put_number(payload, prediction.score);
  put_number(payload, prediction.predicted);
  put_number(payload, prediction.latency_micros);
  put_number(payload, static_cast<std::uint8_t>(prediction.failed ? 1 : 0));
  for (const columns::Cell& cell : prediction.row.cells()) put_cell(payload, cell);
  return payload;
}

bool decode(Reader& reader, const columns::Schema& schema, Prediction& prediction) {
  prediction.id = reader.text();
  prediction.key = reader.text();
  prediction.at.micros = reader.number<std::int64_t>();
  prediction.version = reader.number<std::int64_t>();
  prediction.score = reader.number<double>();
  prediction.predicted = reader.number<double>();
  prediction.latency_micros = reader.number<std::int64_t>();
  prediction.failed = reader.number<std::uint8_t>() != 0;
  for (const columns::Field& field : schema.fields()) {
    const columns::Cell cell = get_cell(reader, field.type);
    if (!reader.good()) return false;
    prediction.row.push_back(cell);
  }
  return reader.good();
}

std::int64_t day_of(Timestamp at) {
  const std::int64_t days = at.micros / kMicrosPerDay;
  return at.micros < 0 && at.micros % kMicrosPerDay != 0 ? days - 1 : days;
}

}  // namespace

std::string key_text(std::span<const columns::Cell> parts) {
  std::string key;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].missing) return "";
    if (i > 0) key += '|';
    for (const char c : columns::to_text(parts[i])) {
      if (c == '|' || c == '\\') key += '\\';
      key += c;
    }
  }
  return key;
}

Result<std::unique_ptr<PredictionLog>> PredictionLog::open(FileSystem& files, std::string directory,
                                                           columns::Schema schema,
                                                           std::string writer,
                                                           const PredictionLogOptions& options) {
  MARTLET_TRY(create_directories_durably(files, directory));
  return std::unique_ptr<PredictionLog>(new PredictionLog(files, std::move(directory),
                                                          std::move(schema), std::move(writer),
                                                          options));  // the constructor is private
}

bool PredictionLog::append(Prediction prediction) {
  MARTLET_CHECK(prediction.row.size() == schema_.size(), "a logged row must have the log's schema");
  const std::lock_guard lock(queue_mutex_);
  if (queue_.size() >= options_.queue_limit) {
    ++shed_;
    return false;
  }
  queue_.push_back(std::move(prediction));
  return true;
}

std::int64_t PredictionLog::shed() const {
  const std::lock_guard lock(queue_mutex_);
  return shed_;
}

Result<File*> PredictionLog::segment_of(std::int64_t day) {
  if (const auto found = open_.find(day); found != open_.end()) return found->second.get();
  while (open_.size() >= kOpenSegments) {
    MARTLET_TRY(open_.begin()->second->close());
    open_.erase(open_.begin());
  }
  const std::string path = join_path(directory_, date_text(day) + "-" + writer_ + ".log");
  MARTLET_TRY_SET(std::unique_ptr<File> file, files_.open_for_appending(path));
  MARTLET_TRY_SET(const std::uint64_t size_bytes, file->size_bytes());
  if (size_bytes == 0) {
    std::string head(kMagic);
    put_frame(head, to_text(schema_.to_json()));
    MARTLET_TRY(file->append(head));
    MARTLET_TRY(file->sync());
    MARTLET_TRY(files_.sync_directory(directory_));
  }
  return open_.emplace(day, std::move(file)).first->second.get();
}

Result<void> PredictionLog::flush() {
  const std::lock_guard file_lock(file_mutex_);
  if (failed_)
    return unavailable("writing the prediction log " + directory_ +
                       ": it stopped after an earlier failure; restart to recover");
  std::vector<Prediction> waiting;
  {
    const std::lock_guard queue_lock(queue_mutex_);
    waiting.swap(queue_);
  }
  // The entries of a flush share a frame, which is synced before the next one is written: so only the
  // last frame of a segment can be torn, in whatever order its sectors arrived.
  std::map<std::int64_t, std::vector<std::string>> by_day;
  for (const Prediction& prediction : waiting) {
    std::vector<std::string>& payloads = by_day[day_of(prediction.at)];
    if (payloads.empty() || payloads.back().size() >= kFullFrameBytes) payloads.emplace_back();
    payloads.back() += encode(prediction);
  }
  for (const auto& entry : by_day) {
    const auto write = [&]() -> Result<void> {
      MARTLET_TRY_SET(File * segment, segment_of(entry.first));
      for (const std::string& payload : entry.second) {
        std::string frame;
        put_frame(frame, payload);
        MARTLET_TRY(segment->append(frame));
        MARTLET_TRY(segment->sync());
      }
      return {};
    };
    if (auto written = write(); !written.has_value()) {
      failed_ = true;
      return fail(std::move(written).error().with_context("writing the prediction log"));
    }
  }
  return {};
}

namespace {

// Where the next whole frame's payload lies; nullopt when what is left is no whole, sound frame.
std::optional<std::string_view> next_frame(std::string_view rest) {
  if (rest.size() < kFrameHead) return std::nullopt;
  Reader head(rest.substr(0, kFrameHead));
  const auto length = head.number<std::uint32_t>();
  const auto checksum = head.number<std::uint64_t>();
  if (length > kMaxFrameBytes || rest.size() - kFrameHead < length) return std::nullopt;
  const std::string_view payload = rest.substr(kFrameHead, length);
  return checksum64(payload) == checksum ? std::optional(payload) : std::nullopt;
}

// A torn end is what a crash leaves of the last frame: any part of it, holes included, and nothing
// sound behind it. What is followed by a sound frame was synced once, so it was damaged later.
bool is_torn_end(std::string_view rest) {
  std::uint64_t budget = kSearchBytes;
  for (std::size_t at = 1; at + kFrameHead < rest.size(); ++at) {
    Reader head(rest.substr(at, kFrameHead));
    const auto length = head.number<std::uint32_t>();
    if (length == 0 || length > kMaxFrameBytes || rest.size() - at - kFrameHead < length) continue;
    if (length > budget) return false;  // too much to look through: not shown to be a crash
    budget -= length;
    if (next_frame(rest.substr(at)).has_value()) return false;
  }
  return true;
}

Result<void>
read_segment(std::string_view bytes, const std::string& path, Timestamp begin, Timestamp end,
             const std::function<Result<void>(const columns::Schema&, Prediction)>& each,
             ReadCounts& counts) {
  std::string_view rest = bytes;
  const auto damaged = [&] {
    return corrupt("reading predictions: " + path + " is damaged at byte " +
                   std::to_string(bytes.size() - rest.size()) +
                   "; restore it from a backup, or move it away to go on without its entries");
  };
  const std::string_view head = rest.substr(0, kMagic.size());
  if (head.size() < kMagic.size() && kMagic.starts_with(head)) {
    counts.torn_bytes += static_cast<std::int64_t>(rest.size());
    return {};
  }
  if (head != kMagic) return damaged();
  rest.remove_prefix(kMagic.size());
  std::optional<columns::Schema> schema;
  while (!rest.empty()) {
    const auto payload = next_frame(rest);
    if (!payload.has_value()) {
      if (!is_torn_end(rest)) return damaged();
      counts.torn_bytes += static_cast<std::int64_t>(rest.size());
      return {};
    }
    if (!schema.has_value()) {
      auto json = parse_json(*payload);
      auto read = json.has_value() ? columns::Schema::from_json(*json)
                                   : Result<columns::Schema>(fail(std::move(json).error()));
      if (!read.has_value()) return damaged();
      schema = std::move(*read);
    } else {
      for (Reader entries(*payload); !entries.finished();) {
        Prediction prediction;
        if (!decode(entries, *schema, prediction)) return damaged();
        if (prediction.at < begin || prediction.at >= end) continue;
        ++counts.entries;
        MARTLET_TRY(each(*schema, std::move(prediction)));
      }
    }
    rest.remove_prefix(kFrameHead + payload->size());
  }
  return {};
}

}  // namespace

Result<ReadCounts>
read_predictions(FileSystem& files, const std::string& directory, Timestamp begin, Timestamp end,
                 const std::function<Result<void>(const columns::Schema&, Prediction)>& each) {
  ReadCounts counts;
  MARTLET_TRY_SET(const std::vector<std::string> names, files.list(directory));
  for (const std::string& name : names) {
    if (!name.ends_with(".log") || name.size() < 10) continue;
    const auto day = parse_date(std::string_view(name).substr(0, 10));
    if (!day.has_value()) continue;
    if (*day < day_of(begin) || *day > day_of(end)) continue;
    const std::string path = join_path(directory, name);
    MARTLET_TRY_SET(const std::string bytes, files.read_file(path));
    MARTLET_TRY(read_segment(bytes, path, begin, end, each, counts));
  }
  return counts;
}

}  // namespace martlet::monitoring
