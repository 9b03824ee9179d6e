#include "artifacts/internal/s3_objects.h"

#include "artifacts/internal/s3_upload.h"
#include "artifacts/internal/s3_xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace martlet::artifacts {
namespace {

constexpr std::size_t kAnswerBytes = 64 << 10;  // headers and errors beside a body
constexpr std::uint64_t kCopyPartBytes = std::uint64_t{1} << 30;
constexpr auto kSameTime = std::chrono::seconds(2);

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

Error strange(const S3Client& client, const std::string& key, std::string_view what) {
  return {ErrorCode::Unavailable,
          fmt::format("s3://{}/{} at {}: {}; is it an S3 server?", client.location().bucket, key,
                      client.location().endpoint, what)};
}

// "bytes 0-9/123": first, last, size.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t size = 0;
};
std::optional<ContentRange> content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash)
    return std::nullopt;
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1, slash - dash - 1));
  const auto size = number(text.substr(slash + 1));
  if (!first || !last || !size || *first > *last || *last >= *size) return std::nullopt;
  return ContentRange{*first, *last, *size};
}

S3Object object_of(const S3Client& client, const S3Answer& answer) {
  S3Object object;
  object.tag = answer.header("etag");
  object.modified = client.modified(answer, answer.header("last-modified"));
  return object;
}

bool is_absent(const S3Answer& answer) {
  // A HEAD's answer has no body that would name the code.
  return answer.status == 404 && (answer.code.empty() || answer.code == "NoSuchKey");
}

Result<S3Range> ranged(const S3Client& client, const std::string& key, std::uint64_t offset,
                       std::size_t bytes, S3Answer answer) {
  S3Range range;
  range.object = object_of(client, answer);
  range.bytes = std::move(answer.response.body);
  if (answer.status == 200) {  // the whole object: allowed, but of use only if it was wanted
    if (offset != 0 || range.bytes.size() > bytes)
      return fail(strange(client, key, "it answers a range with something else"));
    range.object.size_bytes = range.bytes.size();
    return range;
  }
  const auto told = content_range(answer.header("content-range"));
  if (!told.has_value() || told->first != offset || told->last - told->first + 1 > bytes ||
      range.bytes.size() != told->last - told->first + 1 ||
      (range.bytes.size() < bytes && told->last + 1 != told->size))
    return fail(strange(client, key, "it answers a range with something else"));
  range.object.size_bytes = told->size;
  return range;
}

Result<bool> copy_in_parts(const S3Client& client, const std::string& from, const std::string& to,
                           std::uint64_t size_bytes) {
  MARTLET_TRY_SET(const std::unique_ptr<S3Upload> upload, S3Upload::begin(client, to));
  for (std::uint64_t offset = 0; offset < size_bytes; offset += kCopyPartBytes)
    MARTLET_TRY(upload->add_copy(from, offset, std::min(kCopyPartBytes, size_bytes - offset)));
  MARTLET_TRY(upload->complete());
  return true;
}

// All pages of a listing; `more` names the next one in `query` or says that there is none.
Result<void> pages(const S3Client& client, NamesAndValues query,
                   const std::function<void(const S3Answer&, const XmlElement&)>& each,
                   const std::function<NamesAndValues(const XmlElement&)>& next) {
  const NamesAndValues first = query;
  NamesAndValues before;
  for (;;) {
    S3Request request;
    request.query = query;
    MARTLET_TRY_SET(const S3Answer answer, client.expect(std::move(request)));
    const auto root = parse_xml(answer.response.body);
    if (!root.has_value()) return fail(strange(client, "", root.error().message()));
    each(answer, *root);
    if (root->child_text("IsTruncated") != "true") return {};
    NamesAndValues more = next(*root);
    if (more.empty() || more == before)
      return fail(strange(client, "", "a page of its listing doesn't lead to the next"));
    before = more;
    query = first;
    query.insert(query.end(), more.begin(), more.end());
  }
}

}  // namespace

Result<std::optional<S3Object>> look_at(const S3Client& client, const std::string& key) {
  S3Request request;
  request.method = net::Method::Head;
  request.key = key;
  const S3Request about = request;
  MARTLET_TRY_SET(const S3Answer answer, client.send(std::move(request)));
  if (is_absent(answer)) return std::optional<S3Object>();
  if (!answer.is_good()) return fail(client.error_of(about, answer));
  const auto size = number(answer.header("content-length"));
  if (!size.has_value()) return fail(strange(client, key, "it doesn't tell an object's size"));
  S3Object object = object_of(client, answer);
  object.size_bytes = *size;
  return std::optional<S3Object>(std::move(object));
}

Result<std::optional<S3Range>> read_range(const S3Client& client, const std::string& key,
                                          std::uint64_t offset, std::size_t bytes,
                                          const std::string& tag) {
  S3Request request;
  request.key = key;
  request.headers = {{"range", fmt::format("bytes={}-{}", offset, offset + bytes - 1)}};
  if (!tag.empty()) request.headers.emplace_back("if-match", tag);
  request.answer_limit_bytes = bytes + kAnswerBytes;
  const S3Request about = request;
  MARTLET_TRY_SET(S3Answer answer, client.send(std::move(request)));
  if (is_absent(answer) || answer.status == 412) return std::optional<S3Range>();
  if (answer.status == 416) {  // nothing lies there: an empty object, or the offset is beyond it
    MARTLET_TRY_SET(const std::optional<S3Object> object, look_at(client, key));
    if (!object.has_value()) return std::optional<S3Range>();
    if (object->size_bytes > offset)
      return fail(strange(client, key, "it refuses a range that it has"));
    return std::optional<S3Range>(S3Range{"", *object});
  }
  if (!answer.is_good()) return fail(client.error_of(about, answer));
  MARTLET_TRY_SET(S3Range range, ranged(client, key, offset, bytes, std::move(answer)));
  return std::optional<S3Range>(std::move(range));
}

Result<PutOutcome> put_object(const S3Client& client, const std::string& key,
                              std::string_view bytes, const Digest& digest, PutWhen when) {
  S3Request request;
  request.method = net::Method::Put;
  request.key = key;
  if (when == PutWhen::Absent) request.headers = {{"if-none-match", "*"}};
  request.body = bytes;
  request.payload = digest;
  S3Request about;
  about.method = request.method;
  about.key = key;
  MARTLET_TRY_SET(const S3Answer answer, client.send(std::move(request)));
  if (answer.is_good()) return PutOutcome::Stored;
  if (when == PutWhen::Absent && answer.status == 412) return PutOutcome::PresentBefore;
  if (when == PutWhen::Absent && answer.status == 501) return PutOutcome::NoConditions;
  return fail(client.error_of(about, answer));
}

Result<bool> copy_object(const S3Client& client, const std::string& from, const std::string& to,
                         std::uint64_t size_bytes) {
  if (size_bytes > client.options().copy_limit_bytes)
    return copy_in_parts(client, from, to, size_bytes);
  S3Request request;
  request.method = net::Method::Put;
  request.key = to;
  request.headers = {{"x-amz-copy-source", fmt::format("/{}/{}", client.location().bucket, from)},
                     {"x-amz-metadata-directive", "REPLACE"}};
  request.result_in_body = true;
  S3Request about;
  about.method = request.method;
  about.key = to;
  MARTLET_TRY_SET(const S3Answer answer, client.send(std::move(request)));
  if (is_absent(answer)) return false;
  if (!answer.is_good()) return fail(client.error_of(about, answer));
  const auto root = parse_xml(answer.response.body);
  const auto changed = parse_server_time(root.has_value() ? root->child_text("LastModified") : "");
  const auto now = parse_server_time(answer.header("date"));
  return from != to || (changed.has_value() && now.has_value() && *changed + kSameTime >= *now);
}

Result<void> remove_object(const S3Client& client, const std::string& key,
                           std::optional<std::chrono::milliseconds> patience) {
  S3Request request;
  request.method = net::Method::Delete;
  request.key = key;
  request.patience = patience;
  const S3Request about = request;
  MARTLET_TRY_SET(const S3Answer answer, client.send(std::move(request)));
  if (answer.is_good() || is_absent(answer)) return {};
  return fail(client.error_of(about, answer));
}

Result<void> abort_upload(const S3Client& client, const std::string& key, const std::string& id) {
  S3Request request;
  request.method = net::Method::Delete;
  request.key = key;
  request.query = {{"uploadId", id}};
  const S3Request about = request;
  MARTLET_TRY_SET(const S3Answer answer, client.send(std::move(request)));
  if (answer.is_good() || answer.status == 404) return {};
  return fail(client.error_of(about, answer));
}

Result<std::vector<S3Entry>> list_objects(const S3Client& client, const std::string& prefix) {
  std::vector<S3Entry> entries;
  MARTLET_TRY(pages(
      client, {{"list-type", "2"}, {"max-keys", "1000"}, {"prefix", prefix}},
      [&](const S3Answer& answer, const XmlElement& root) {
        for (const XmlElement& each : root.children) {
          const auto size = number(each.child_text("Size"));
          if (each.name != "Contents" || !size.has_value()) continue;
          entries.push_back({std::string(each.child_text("Key")), "", *size,
                             client.modified(answer, each.child_text("LastModified"))});
        }
      },
      [](const XmlElement& root) -> NamesAndValues {
        const std::string_view token = root.child_text("NextContinuationToken");
        if (token.empty()) return {};
        return {{"continuation-token", std::string(token)}};
      }));
  return entries;
}

Result<std::vector<S3Entry>> list_uploads(const S3Client& client, const std::string& prefix) {
  std::vector<S3Entry> entries;
  MARTLET_TRY(pages(
      client, {{"uploads", ""}, {"prefix", prefix}},
      [&](const S3Answer& answer, const XmlElement& root) {
        for (const XmlElement& each : root.children) {
          if (each.name != "Upload") continue;
          entries.push_back({std::string(each.child_text("Key")),
                             std::string(each.child_text("UploadId")), 0,
                             client.modified(answer, each.child_text("Initiated"))});
        }
      },
      [](const XmlElement& root) -> NamesAndValues {
        const std::string_view key = root.child_text("NextKeyMarker");
        if (key.empty()) return {};
        return {{"key-marker", std::string(key)},
                {"upload-id-marker", std::string(root.child_text("NextUploadIdMarker"))}};
      }));
  return entries;
}

}  // namespace martlet::artifacts
