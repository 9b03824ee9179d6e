#include "monitoring/prediction_log.h"

#include "base/digest.h"
#include "base/durable_directory.h"
#include "monitoring/internal/log_queue.h"
#include "monitoring/segment_check.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace martlet::monitoring {

namespace {

constexpr std::string_view kMagic = "martlet-predictions-1\n";
constexpr std::size_t kMaxFrameBytes = 16u << 20;
constexpr std::size_t kFrameHead = 12;  // length (4), checksum (8), little endian
constexpr std::size_t kOpenSegments = 4;
// Behind a frame that looks torn, a sound one is sought so far: several rows of any usual width.
constexpr std::size_t kSearchedBytes = 64u << 10;
constexpr std::size_t kSectorBytes = 512;

template <class T>
void put_number(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

template <class T>
void set_number(std::string& out, std::size_t at, T value) {
  std::memcpy(out.data() + at, &value, sizeof(T));
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

// All of a frame but its checksum, which seal() adds: whoever is answered waits for the one, the
// thread that writes files does the other. `key` appends the key's text.
template <class Entry, class Key>
void put_entry(std::string& out, const Entry& entry, const Key& key,
               std::span<const columns::Cell> row) {
  const std::size_t begin = out.size();
  out.append(kFrameHead, '\0');
  put_text(out, entry.id);
  const std::size_t key_at = out.size();
  put_number(out, std::uint32_t{0});
  key(out);
  set_number(out, key_at, static_cast<std::uint32_t>(out.size() - key_at - sizeof(std::uint32_t)));
  put_number(out, entry.at.micros);
  put_number(out, entry.version);
  put_number(out, entry.score);
  put_number(out, entry.predicted);
  put_number(out, entry.latency_micros);
  put_number(out, static_cast<std::uint8_t>(entry.failed ? 1 : 0));
  for (const columns::Cell& cell : row) put_cell(out, cell);
  set_number(out, begin, static_cast<std::uint32_t>(out.size() - begin - kFrameHead));
}

// checksum64() by a hasher that is kept: setting one up costs more than these few hundred bytes.
std::uint64_t checksum_by(Sha256& hasher, std::string_view payload) {
  hasher.update(payload);
  const Digest digest = hasher.finish();
  std::uint64_t value = 0;
  for (std::size_t i = sizeof(value); i-- > 0;) value = (value << 8) | digest.bytes()[i];
  return value;
}

// Adds the checksums to frames of put_entry().
void seal(std::string& frames) {
  Sha256 hasher;
  for (std::size_t at = 0; at < frames.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, frames.data() + at, sizeof(length));
    const std::string_view payload(frames.data() + at + kFrameHead, length);
    set_number(frames, at + sizeof(length), checksum_by(hasher, payload));
    at += kFrameHead + length;
  }
}

bool decode(std::string_view payload, const columns::Schema& schema, Prediction& prediction) {
  Reader reader(payload);
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
  return reader.finished();
}

std::int64_t day_of(Timestamp at) {
  const std::int64_t days = at.micros / kMicrosPerDay;
  return at.micros < 0 && at.micros % kMicrosPerDay != 0 ? days - 1 : days;
}

}  // namespace

namespace {

void put_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '|' || c == '\\') out += '\\';
    out += c;
  }
}

void put_key(std::string& out, std::span<const columns::Cell> parts) {
  for (const columns::Cell& part : parts) {
    if (part.missing) return;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += '|';
    if (parts[i].type == columns::Type::Text)
      put_escaped(out, parts[i].text);
    else
      put_escaped(out, columns::to_text(parts[i]));
  }
}

}  // namespace

std::string key_text(std::span<const columns::Cell> parts) {
  std::string key;
  put_key(key, parts);
  return key;
}

PredictionLog::PredictionLog(FileSystem& files, std::string directory, columns::Schema schema,
                             std::string writer, const PredictionLogOptions& options)
    : files_(files), directory_(std::move(directory)), schema_(std::move(schema)),
      writer_(std::move(writer)),
      queue_(std::make_unique<LogQueue>(LogQueueLimits{.entries = options.queue_limit,
                                                       .bytes = options.queue_bytes,
                                                       .entry_bytes = kMaxFrameBytes})) {}

PredictionLog::~PredictionLog() = default;

Result<std::unique_ptr<PredictionLog>> PredictionLog::open(FileSystem& files, std::string directory,
                                                           columns::Schema schema,
                                                           std::string writer,
                                                           const PredictionLogOptions& options) {
  MARTLET_TRY(create_directories_durably(files, directory));
  return std::unique_ptr<PredictionLog>(new PredictionLog(files, std::move(directory),
                                                          std::move(schema), std::move(writer),
                                                          options));  // the constructor is private
}

bool PredictionLog::append(const PredictionView& entry) {
  MARTLET_CHECK(entry.row.size() == schema_.size(), "a logged row must have the log's schema");
  return queue_->put(day_of(entry.at), [&](std::string& out) {
    put_entry(out, entry, [&](std::string& to) { put_key(to, entry.key); }, entry.row);
  });
}

bool PredictionLog::append(const Prediction& entry) {
  MARTLET_CHECK(entry.row.size() == schema_.size(), "a logged row must have the log's schema");
  return queue_->put(day_of(entry.at), [&](std::string& out) {
    put_entry(out, entry, [&](std::string& to) { to.append(entry.key); }, entry.row.cells());
  });
}

std::int64_t PredictionLog::shed() const { return queue_->shed(); }

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
  const auto write_all = [&]() -> Result<void> {
    std::vector<File*> touched;
    for (const std::unique_ptr<LogQueue::Buffer>& buffer : queue_->take()) {
      seal(buffer->bytes);
      const auto& marks = buffer->marks;
      for (std::size_t i = 0; i < marks.size(); ++i) {
        const std::size_t begin = marks[i].second;
        const std::size_t end = i + 1 < marks.size() ? marks[i + 1].second : buffer->bytes.size();
        MARTLET_TRY(write(std::string_view(buffer->bytes).substr(begin, end - begin),
                          marks[i].first, touched));
      }
    }
    for (File* const segment : touched) MARTLET_TRY(segment->sync());
    return {};
  };
  if (auto written = write_all(); !written.has_value()) {
    failed_ = true;
    return fail(std::move(written).error().with_context("writing the prediction log"));
  }
  return {};
}

// `touched`: the segments that are to be synced.
Result<void> PredictionLog::write(std::string_view frames, std::int64_t day,
                                  std::vector<File*>& touched) {
  // Opening a segment may close another one, which has to be safe by then.
  if (!open_.contains(day) && open_.size() >= kOpenSegments) {
    for (File* const segment : touched) MARTLET_TRY(segment->sync());
    touched.clear();
  }
  MARTLET_TRY_SET(File * segment, segment_of(day));
  if (std::ranges::find(touched, segment) == touched.end()) touched.push_back(segment);
  return segment->append(frames);
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

// Where the next sound frame begins, behind the first byte; nullopt when there is none near.
std::optional<std::size_t> next_sound_frame(std::string_view rest) {
  const std::size_t end = std::min(rest.size(), kSearchedBytes);
  for (std::size_t at = 1; at + kFrameHead < end; ++at) {
    const auto payload = next_frame(rest.substr(at));
    if (payload.has_value() && !payload->empty()) return at;
  }
  return std::nullopt;
}

// Sectors that the power was too short for read as zeros when later ones of the same flush arrived.
// That flush was never told to be safe, so all of it from the hole on is a torn end. `end`: where
// the damage ends.
bool has_hole(std::string_view bytes, std::size_t begin, std::size_t end) {
  const auto is_zero = [&](std::size_t from, std::size_t to) {
    return bytes.substr(from, to - from).find_first_not_of('\0') == std::string_view::npos;
  };
  if (begin + kFrameHead <= end && is_zero(begin, begin + kFrameHead)) return true;
  for (std::size_t sector = begin / kSectorBytes * kSectorBytes; sector < end;
       sector += kSectorBytes) {
    if (is_zero(std::max(begin, sector), std::min(sector + kSectorBytes, bytes.size())))
      return true;
  }
  return false;
}

// A torn end is what a crash leaves of the last flush: nothing sound follows it, or there is a hole
// in it. A frame that is damaged in the middle has its whole length, unless it is the length that
// is damaged.
bool is_torn_end(std::string_view bytes, std::size_t begin) {
  const std::string_view rest = bytes.substr(begin);
  if (rest.size() < kFrameHead) return true;
  const std::optional<std::size_t> sound = next_sound_frame(rest);
  if (has_hole(bytes, begin, begin + sound.value_or(rest.size()))) return true;
  if (sound.has_value()) return false;
  Reader head(rest.substr(0, kFrameHead));
  const auto length = head.number<std::uint32_t>();
  return length > kMaxFrameBytes || rest.size() - kFrameHead <= length;
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
      if (!is_torn_end(bytes, bytes.size() - rest.size())) return damaged();
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
      Prediction prediction;
      if (!decode(*payload, *schema, prediction)) return damaged();
      if (prediction.at >= begin && prediction.at < end) {
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

Result<SegmentCheck> check_segment(FileSystem& files, const std::string& path) {
  MARTLET_TRY_SET(const std::string bytes, files.read_file(path));
  SegmentCheck check;
  ReadCounts counts;
  constexpr Timestamp kFirst{std::numeric_limits<std::int64_t>::min()};
  constexpr Timestamp kLast{std::numeric_limits<std::int64_t>::max()};
  const auto read = read_segment(
      bytes, path, kFirst, kLast,
      [](const columns::Schema&, const Prediction&) -> Result<void> { return {}; }, counts);
  check.entries = counts.entries;
  check.torn_bytes = counts.torn_bytes;
  if (!read.has_value()) check.damage = read.error().message();
  return check;
}

}  // namespace martlet::monitoring
