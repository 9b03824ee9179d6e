#include "artifacts/s3_blob_store.h"

#include "artifacts/internal/s3_objects.h"
#include "artifacts/internal/s3_state.h"
#include "artifacts/internal/s3_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace martlet::artifacts {
namespace {

constexpr std::chrono::seconds kTidyPatience{5};
constexpr std::string_view kUploadMark = "?uploadId=";

// Of a key below the prefix: "ab/cdef…".
std::optional<Digest> digest_of_name(std::string_view name) {
  if (name.size() != 2 * Digest::kBytes + 1 || name[2] != '/') return std::nullopt;
  std::string hex(name);
  hex.erase(2, 1);
  const auto digest = Digest::parse(hex);
  return digest.has_value() ? std::optional<Digest>(*digest) : std::nullopt;
}

Error in_store(Error error, const S3Client& client) {
  return std::move(error).with_context(
      fmt::format("the blobs in s3://{}/{}", client.location().bucket, client.location().prefix));
}

}  // namespace

// Up to a part is kept and stored under its name at once; more goes to an object of its own, since
// its digest isn't known before the end, and is copied by the server.
class S3BlobStore::Writer : public BlobWriter {
 public:
  explicit Writer(State& state) : state_(state) {}
  ~Writer() override {
    upload_.reset();
    tidy();
  }

 private:
  std::size_t part_bytes() const {
    return upload_ == nullptr ? state_.client.options().part_bytes : upload_->next_part_bytes();
  }
  // Best effort: what is left behind is found by leftovers().
  void tidy() {
    if (!temporary_.empty())
      static_cast<void>(remove_object(state_.client, temporary_, kTidyPatience).has_value());
    temporary_.clear();
  }
  Result<void> flush() {
    if (upload_ == nullptr) {
      MARTLET_TRY_SET(upload_, S3Upload::begin(state_.client, state_.client.location().prefix +
                                                                  std::string(kTemporaryFolder) +
                                                                  state_.client.fresh_name()));
    }
    MARTLET_TRY(upload_->add(std::move(buffer_)));
    buffer_.clear();
    return {};
  }
  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      if (buffer_.size() >= part_bytes()) MARTLET_TRY(in_context(flush()));
      const std::size_t taken = std::min(bytes.size(), part_bytes() - buffer_.size());
      buffer_ += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
    }
    return {};
  }
  Result<void> settle(const StoredBlob& blob) override {
    return in_context(upload_ == nullptr ? state_.put(buffer_, blob.digest) : name_it(blob));
  }
  Result<void> name_it(const StoredBlob& blob) {
    MARTLET_TRY_SET(const bool present, state_.mark_present(blob.digest, blob.size_bytes));
    if (present) {
      upload_.reset();  // aborted
      return {};
    }
    if (!buffer_.empty()) MARTLET_TRY(flush());
    MARTLET_TRY(upload_->complete());
    temporary_ = upload_->key();
    const std::string key = state_.key_of(blob.digest);
    {
      MARTLET_TRY_SET(const auto held, state_.hold(CollectionShare::Shared));
      MARTLET_TRY_SET(const bool copied,
                      copy_object(state_.client, temporary_, key, blob.size_bytes));
      if (!copied)
        return unavailable("what was uploaded has vanished; was `martlet gc` run with an age "
                           "shorter than an upload takes?");
    }
    MARTLET_TRY_SET(const std::optional<S3Object> seen, look_at(state_.client, key));
    if (!seen.has_value() || seen->size_bytes != blob.size_bytes)
      return unavailable("the server has acknowledged a copy that isn't whole; try again");
    tidy();
    return {};
  }
  Result<void> in_context(Result<void> done) const {
    if (done.has_value()) return done;
    return fail(in_store(std::move(done).error(), state_.client).with_context("storing a blob"));
  }

  State& state_;
  std::string buffer_;
  std::unique_ptr<S3Upload> upload_;
  std::string temporary_;  // the object that was completed under another name; "" before
};

S3BlobStore::S3BlobStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
S3BlobStore::~S3BlobStore() = default;

Result<std::unique_ptr<S3BlobStore>> S3BlobStore::open(FileSystem& file_system, const Clock& clock,
                                                       Random& random, S3Location location,
                                                       const S3Options& options) {
  if (options.credentials.key_id.empty() || options.credentials.secret.empty()) {
    return fail(ErrorCode::Unauthenticated,
                fmt::format("opening the blobs in s3://{}/{}: there are no credentials; set "
                            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN "
                            "with temporary ones)",
                            location.bucket, location.prefix));
  }
  auto state = std::make_unique<State>(file_system, clock, random, std::move(location), options);
  S3Request request;
  request.query = {
      {"list-type", "2"}, {"max-keys", "1"}, {"prefix", state->client.location().prefix}};
  const S3Request about = request;
  auto answer = state->client.send(std::move(request));
  if (!answer.has_value())
    return fail(in_store(std::move(answer).error(), state->client).with_context("opening"));
  if (!answer->is_good()) {
    Error error = state->client.error_of(about, *answer);
    if (answer->code == "NoSuchBucket") error = Error(ErrorCode::NotFound, error.message());
    return fail(in_store(std::move(error), state->client).with_context("opening"));
  }
  return std::unique_ptr<S3BlobStore>(new S3BlobStore(std::move(state)));
}

Result<std::vector<Digest>> S3BlobStore::put_many(std::span<const std::string_view> blobs) {
  std::vector<Digest> digests;
  digests.reserve(blobs.size());
  std::set<Digest> seen;
  std::vector<std::size_t> distinct;
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    digests.push_back(digest_of(blobs[i]));
    if (seen.insert(digests[i]).second) distinct.push_back(i);
  }
  auto stored = state_->each(distinct.size(), [&](std::size_t at) {
    return state_->put(blobs[distinct[at]], digests[distinct[at]]);
  });
  if (!stored.has_value())
    return fail(in_store(std::move(stored).error(), state_->client).with_context("storing blobs"));
  return digests;
}

Result<StoredBlob> S3BlobStore::put_file(const std::string& path) {
  auto stored = state_->copy_in(path);
  if (!stored.has_value())
    return fail(std::move(stored).error().with_context("storing the file " + path));
  return stored;
}

Result<std::unique_ptr<BlobWriter>> S3BlobStore::writer() {
  return std::make_unique<Writer>(*state_);
}

Result<std::string> S3BlobStore::get(const Digest& digest) const {
  std::string bytes;
  MARTLET_TRY(state_->stream(digest, [&](std::string_view piece) { bytes += piece; }));
  return bytes;
}

Result<bool> S3BlobStore::exists(const Digest& digest) const {
  MARTLET_TRY_SET(const std::optional<S3Object> object,
                  look_at(state_->client, state_->key_of(digest)));
  return object.has_value();
}

Result<std::uint64_t> S3BlobStore::size_bytes(const Digest& digest) const {
  MARTLET_TRY_SET(const S3Object object, state_->look(digest));
  return object.size_bytes;
}

Result<std::optional<std::string>> S3BlobStore::local_path(const Digest& digest) const {
  MARTLET_TRY(state_->look(digest));
  return std::optional<std::string>();
}

Result<std::vector<StoredBlob>> S3BlobStore::list() const {
  const std::string& prefix = state_->client.location().prefix;
  MARTLET_TRY_SET(const std::vector<S3Entry> entries, list_objects(state_->client, prefix));
  std::vector<StoredBlob> blobs;
  for (const S3Entry& entry : entries) {
    if (!entry.key.starts_with(prefix)) continue;
    const auto digest = digest_of_name(std::string_view(entry.key).substr(prefix.size()));
    if (digest.has_value()) blobs.push_back({*digest, entry.size_bytes});
  }
  return blobs;
}

Result<void> S3BlobStore::remove(const Digest& digest) {
  state_->forget(digest);
  return remove_object(state_->client, state_->key_of(digest));
}

Result<void> S3BlobStore::verify(const Digest& digest) const {
  return state_->stream(digest, [](std::string_view) {});
}

std::string S3BlobStore::place_of(const Digest& digest) const {
  return fmt::format("s3://{}/{}", state_->client.location().bucket, state_->key_of(digest));
}

Result<Timestamp> S3BlobStore::last_put(const Digest& digest) const {
  MARTLET_TRY_SET(const S3Object object, state_->look(digest));
  if (!object.modified.has_value())
    return unavailable("the server doesn't tell when " + place_of(digest) + " was stored");
  return *object.modified;
}

Result<bool> S3BlobStore::remove_unless_put_since(const Digest& digest, Timestamp since) {
  MARTLET_TRY_SET(const auto held, state_->hold(CollectionShare::Alone));
  const auto put = last_put(digest);
  if (!put.has_value() && put.error().code() == ErrorCode::NotFound) return false;
  if (!put.has_value()) return fail(put.error());
  if (*put >= since) return false;
  MARTLET_TRY(remove(digest));
  return true;
}

Result<std::vector<Leftover>> S3BlobStore::leftovers() const {
  const S3Location& location = state_->client.location();
  MARTLET_TRY_SET(std::vector<S3Entry> entries,
                  list_objects(state_->client, location.prefix + std::string(kTemporaryFolder)));
  MARTLET_TRY_SET(const std::vector<S3Entry> uploads,
                  list_uploads(state_->client, location.prefix));
  entries.insert(entries.end(), uploads.begin(), uploads.end());
  std::vector<Leftover> found;
  for (const S3Entry& entry : entries) {
    // One whose age nobody knows isn't removed.
    if (!entry.modified.has_value() || !entry.key.starts_with(location.prefix)) continue;
    std::string place = fmt::format("s3://{}/{}", location.bucket, entry.key);
    if (!entry.upload_id.empty()) place += std::string(kUploadMark) + entry.upload_id;
    found.push_back({std::move(place), entry.size_bytes, *entry.modified});
  }
  return found;
}

Result<void> S3BlobStore::remove_leftover(const Leftover& leftover) {
  const S3Location& location = state_->client.location();
  const std::string before = fmt::format("s3://{}/", location.bucket);
  const std::size_t mark = leftover.place.find(kUploadMark);
  const std::string key = leftover.place.starts_with(before)
                              ? leftover.place.substr(before.size(), mark - before.size())
                              : std::string();
  if (mark != std::string::npos && key.starts_with(location.prefix))
    return abort_upload(state_->client, key, leftover.place.substr(mark + kUploadMark.size()));
  if (key.starts_with(location.prefix + std::string(kTemporaryFolder)))
    return remove_object(state_->client, key);
  return invalid_argument("removing " + leftover.place + ": it is no leftover of this store");
}

}  // namespace martlet::artifacts
