#include "artifacts/internal/s3_upload.h"

#include "artifacts/internal/s3_xml.h"

#include <fmt/format.h>

namespace martlet::artifacts {
namespace {

constexpr std::size_t kMaxParts = 10'000;
constexpr std::size_t kGrowEvery = 1'000;  // parts
constexpr std::chrono::seconds kAbortPatience{5};

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

Error bad_answer(const std::string& key, std::string_view what) {
  return {
      ErrorCode::Unavailable,
      fmt::format("uploading {}: the server's answer has no {}; is it an S3 server?", key, what)};
}

}  // namespace

Result<std::unique_ptr<S3Upload>> S3Upload::begin(const S3Client& client, std::string key) {
  S3Request request;
  request.method = net::Method::Post;
  request.key = key;
  request.query = {{"uploads", ""}};
  MARTLET_TRY_SET(const S3Answer answer, client.expect(std::move(request)));
  std::unique_ptr<S3Upload> upload(new S3Upload(client, std::move(key)));  // constructor is private
  const auto root = parse_xml(answer.response.body);
  if (root.has_value()) upload->id_ = root->child_text("UploadId");
  if (upload->id_.empty() || upload->id_.size() > 4'096)
    return fail(bad_answer(upload->key_, "UploadId"));
  upload->open_ = true;
  return upload;
}

S3Upload::~S3Upload() {
  if (open_) abort();
}

std::size_t S3Upload::next_part_bytes() const {
  return client_.options().part_bytes * (1 + tags_.size() / kGrowEvery);
}

Result<NamesAndValues> S3Upload::next_query() const {
  if (tags_.size() >= kMaxParts)
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("uploading {}: {} bytes are more than {} parts hold", key_, size_bytes_,
                            kMaxParts));
  return NamesAndValues{{"partNumber", std::to_string(tags_.size() + 1)}, {"uploadId", id_}};
}

Result<void> S3Upload::add(std::string part) {
  S3Request request;
  request.method = net::Method::Put;
  request.key = key_;
  MARTLET_TRY_SET(request.query, next_query());
  const std::size_t bytes = part.size();
  request.body = std::move(part);
  MARTLET_TRY_SET(const S3Answer answer, client_.expect(std::move(request)));
  if (answer.header("etag").empty()) return fail(bad_answer(key_, "ETag"));
  tags_.emplace_back(answer.header("etag"));
  size_bytes_ += bytes;
  return {};
}

Result<void> S3Upload::add_copy(const std::string& from_key, std::uint64_t offset,
                                std::uint64_t bytes) {
  S3Request request;
  request.method = net::Method::Put;
  request.key = key_;
  MARTLET_TRY_SET(request.query, next_query());
  request.headers = {
      {"x-amz-copy-source", fmt::format("/{}/{}", client_.location().bucket, from_key)},
      {"x-amz-copy-source-range", fmt::format("bytes={}-{}", offset, offset + bytes - 1)}};
  request.result_in_body = true;
  MARTLET_TRY_SET(const S3Answer answer, client_.expect(std::move(request)));
  const auto root = parse_xml(answer.response.body);
  if (!root.has_value() || root->child_text("ETag").empty()) return fail(bad_answer(key_, "ETag"));
  tags_.emplace_back(root->child_text("ETag"));
  size_bytes_ += bytes;
  return {};
}

Result<void> S3Upload::complete() {
  S3Request request;
  request.method = net::Method::Post;
  request.key = key_;
  request.query = {{"uploadId", id_}};
  request.body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < tags_.size(); ++i)
    request.body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1,
                                escaped(tags_[i]));
  request.body += "</CompleteMultipartUpload>";
  request.result_in_body = true;
  S3Request about;
  about.method = request.method;
  about.key = key_;
  MARTLET_TRY_SET(const S3Answer answer, client_.send(std::move(request)));
  // An attempt may have succeeded whose answer was lost: then the upload is gone and the object
  // there, which is looked at below either way.
  const bool lost = answer.status == 404 && answer.code == "NoSuchUpload" && answer.attempts > 1;
  if (!answer.is_good() && !lost) return fail(client_.error_of(about, answer));
  S3Request look;
  look.method = net::Method::Head;
  look.key = key_;
  MARTLET_TRY_SET(const S3Answer seen, client_.expect(std::move(look)));
  if (seen.header("content-length") != std::to_string(size_bytes_))
    return unavailable(fmt::format("uploading {}: the server has {} bytes of {}; try again", key_,
                                   seen.header("content-length"), size_bytes_));
  open_ = false;
  return {};
}

// Best effort: gc finds what is left.
void S3Upload::abort() const {
  S3Request request;
  request.method = net::Method::Delete;
  request.key = key_;
  request.query = {{"uploadId", id_}};
  request.patience = kAbortPatience;
  static_cast<void>(client_.send(std::move(request)).has_value());
}

}  // namespace martlet::artifacts
