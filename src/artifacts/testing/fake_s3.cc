#include "artifacts/testing/fake_s3.h"

#include "base/text.h"
#include "platform/real_clock.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace martlet::artifacts {
namespace {

std::string http_date(Timestamp at) {
  static constexpr std::array<const char*, 7> kDays{"Mon", "Tue", "Wed", "Thu",
                                                    "Fri", "Sat", "Sun"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const CivilTime civil = civil_utc(at);
  const auto day = static_cast<std::size_t>(weekday_of(days_from_civil(civil.date)));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(day), civil.date.day,
                     kMonths.at(static_cast<std::size_t>(civil.date.month - 1)), civil.date.year,
                     civil.hour, civil.minute, civil.second);
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Up to the end of the body; false when the peer is gone.
bool read_request(int connection, FakeS3Request& request) {
  std::string bytes;
  std::array<char, 65536> piece{};
  std::size_t head = std::string::npos;
  std::size_t wanted = 0;
  while (head == std::string::npos || bytes.size() < head + 4 + wanted) {
    const ssize_t got = ::recv(connection, piece.data(), piece.size(), 0);
    if (got <= 0) return false;
    bytes.append(piece.data(), static_cast<std::size_t>(got));
    if (head != std::string::npos) continue;
    head = bytes.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const std::string top = bytes.substr(0, head);
    const auto lines = split(top, '\n');
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::size_t colon = lines[i].find(':');
      request.headers[lower_ascii(lines[i].substr(0, colon))] = trim(lines[i].substr(colon + 1));
    }
    if (request.headers.contains("content-length"))
      wanted = std::stoul(request.headers["content-length"]);
    const auto words = split(lines[0], ' ');
    request.method = words[0];
    const std::string target(words[1]);
    const std::size_t question = target.find('?');
    const std::string path = target.substr(0, question);
    const std::size_t slash = path.find('/', 1);
    request.key = slash == std::string::npos ? "" : path.substr(slash + 1);
    if (question != std::string::npos) {
      for (const std::string_view pair :
           split(std::string_view(target).substr(question + 1), '&')) {
        const std::size_t equal = pair.find('=');
        request.query[unescaped(pair.substr(0, equal))] =
            equal == std::string_view::npos ? "" : unescaped(pair.substr(equal + 1));
      }
    }
  }
  request.body = bytes.substr(head + 4, wanted);
  return true;
}

void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

FakeS3Response refusal(int status, const std::string& code) {
  FakeS3Response response;
  response.status = status;
  response.body = FakeS3::error_xml(code);
  return response;
}

}  // namespace

FakeS3::FakeS3(const Clock& clock) : clock_(clock) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  MARTLET_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::listen(listener_, 64) == 0 &&
                    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
                "no loopback port");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FakeS3::~FakeS3() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

S3Location FakeS3::location() const {
  return *parse_s3_location(
      fmt::format("s3://bucket/pre?endpoint=http://127.0.0.1:{}&region=r-1", port_));
}

std::string FakeS3::error_xml(const std::string& code) {
  return "<?xml version=\"1.0\"?>\n<Error><Code>" + code +
         "</Code><Message>not for show</Message></Error>";
}

void FakeS3::set_fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}
void FakeS3::set_change(Change change) {
  const std::lock_guard lock(mutex_);
  change_ = std::move(change);
}

std::map<std::string, std::string> FakeS3::objects() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> found;
  for (const auto& [key, object] : objects_) found[key] = object.bytes;
  return found;
}
void FakeS3::damage(const std::string& key, std::string bytes) {
  const std::lock_guard lock(mutex_);
  objects_.at(key).bytes = std::move(bytes);
}
std::size_t FakeS3::open_uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}
std::vector<std::string> FakeS3::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeS3::serve() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    const timeval patience{5, 0};
    ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    answer(connection);
    ::close(connection);
  }
}

void FakeS3::answer(int connection) {
  FakeS3Request request;
  if (!read_request(connection, request)) return;
  FakeS3Response response;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request.method + " " + request.key);
    const auto fault = fault_ ? fault_(request) : std::nullopt;
    response = fault.has_value() ? *fault : carry_out(request);
    if (!fault.has_value() && change_) change_(request, response);
    response.headers.emplace_back("Date", http_date(now()));
  }
  if (response.stall.count() > 0)
    platform::pause_until(platform::deadline_in(response.stall), CancelToken());
  if (response.drop) return;
  std::string top = fmt::format("HTTP/1.1 {} Word\r\nConnection: close\r\n", response.status);
  bool has_length = false;
  for (const auto& [name, value] : response.headers) {
    top += name + ": " + value + "\r\n";
    has_length = has_length || name == "Content-Length";
  }
  if (!has_length) top += fmt::format("Content-Length: {}\r\n", response.body.size());
  send_all(connection, top + "\r\n");
  if (request.method != "HEAD")
    send_all(connection, std::string_view(response.body).substr(0, response.cut_after));
}

Timestamp FakeS3::now() const {
  return clock_.now() + Duration(clock_ahead_seconds * kMicrosPerSecond);
}

std::string FakeS3::tag_of(const Object& object) {
  return fmt::format("\"{}\"", object.generation);  // damage doesn't show in it
}

std::string FakeS3::store(const std::string& key, std::string bytes) {
  objects_[key] = {std::move(bytes), now(), ++generation_};
  return tag_of(objects_[key]);
}

FakeS3Response FakeS3::carry_out(const FakeS3Request& request) {
  if (!request.headers.contains("authorization")) return refusal(403, "AccessDenied");
  if (request.headers.at("x-amz-content-sha256") != digest_of(std::string_view(request.body)).hex())
    return refusal(400, "XAmzContentSHA256Mismatch");
  if (request.key.empty()) return list(request);
  if (request.method == "GET" || request.method == "HEAD") return get(request);
  if (request.method == "PUT")
    return request.headers.contains("x-amz-copy-source") ? copy(request) : put(request);
  if (request.method == "POST") return post(request);
  if (request.has("uploadId")) {
    if (uploads_.erase(request.query.at("uploadId")) == 0) return refusal(404, "NoSuchUpload");
  } else {
    objects_.erase(request.key);
  }
  FakeS3Response gone;
  gone.status = 204;
  return gone;
}

FakeS3Response FakeS3::get(const FakeS3Request& request) {
  const auto found = objects_.find(request.key);
  if (found == objects_.end()) return refusal(404, "NoSuchKey");
  const Object& object = found->second;
  if (request.headers.contains("if-match") && request.headers.at("if-match") != tag_of(object))
    return refusal(412, "PreconditionFailed");
  FakeS3Response response;
  response.headers = {{"ETag", tag_of(object)}, {"Last-Modified", http_date(object.modified)}};
  response.body = object.bytes;
  if (request.headers.contains("range")) {
    const std::string range = request.headers.at("range").substr(6);
    const std::size_t first = std::stoul(range);
    const std::size_t last =
        std::min(std::stoul(range.substr(range.find('-') + 1)), object.bytes.size() - 1);
    if (first >= object.bytes.size()) return refusal(416, "InvalidRange");
    response.status = 206;
    response.body = object.bytes.substr(first, last - first + 1);
    response.headers.emplace_back("Content-Range",
                                  fmt::format("bytes {}-{}/{}", first, last, object.bytes.size()));
  }
  return response;
}

FakeS3Response FakeS3::put(const FakeS3Request& request) {
  FakeS3Response response;
  if (request.has("uploadId")) {
    const auto upload = uploads_.find(request.query.at("uploadId"));
    if (upload == uploads_.end()) return refusal(404, "NoSuchUpload");
    upload->second.parts[std::stoi(request.query.at("partNumber"))] = request.body;
    response.headers.emplace_back("ETag", "\"part" + request.query.at("partNumber") + "\"");
    return response;
  }
  if (request.headers.contains("if-none-match") && objects_.contains(request.key))
    return refusal(412, "PreconditionFailed");
  response.headers.emplace_back("ETag", store(request.key, request.body));
  return response;
}

FakeS3Response FakeS3::copy(const FakeS3Request& request) {
  const std::string source = request.headers.at("x-amz-copy-source").substr(8);  // "/bucket/"
  const auto from = objects_.find(source);
  if (from == objects_.end()) return refusal(404, "NoSuchKey");
  FakeS3Response response;
  if (request.has("uploadId")) {
    const std::string range = request.headers.at("x-amz-copy-source-range").substr(6);
    const std::size_t first = std::stoul(range);
    const std::size_t last = std::stoul(range.substr(range.find('-') + 1));
    uploads_.at(request.query.at("uploadId")).parts[std::stoi(request.query.at("partNumber"))] =
        from->second.bytes.substr(first, last - first + 1);
    response.body = "<CopyPartResult><ETag>\"x\"</ETag></CopyPartResult>";
    return response;
  }
  const Timestamp before = from->second.modified;
  const std::string bytes = from->second.bytes;
  const std::string tag = store(request.key, bytes);
  if (!copy_onto_itself_moves_time && source == request.key)
    objects_[request.key].modified = before;
  response.body = "<CopyObjectResult><LastModified>" + to_text(objects_[request.key].modified) +
                  "</LastModified><ETag>" + tag + "</ETag></CopyObjectResult>";
  return response;
}

FakeS3Response FakeS3::post(const FakeS3Request& request) {
  FakeS3Response response;
  if (request.has("uploads")) {
    const std::string id = fmt::format("upload+{}/=", ++generation_);
    uploads_[id].key = request.key;
    response.body = "<InitiateMultipartUploadResult><UploadId>" + id +
                    "</UploadId></InitiateMultipartUploadResult>";
    return response;
  }
  const auto upload = uploads_.find(request.query.at("uploadId"));
  if (upload == uploads_.end()) return refusal(404, "NoSuchUpload");
  std::string bytes;
  for (const auto& [number, part] : upload->second.parts) bytes += part;
  uploads_.erase(upload);
  store(request.key, std::move(bytes));
  response.body = "\n <CompleteMultipartUploadResult/>";
  return response;
}

FakeS3Response FakeS3::list(const FakeS3Request& request) const {
  FakeS3Response response;
  const std::string& prefix = request.query.at("prefix");
  if (request.has("uploads")) {
    response.body = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>";
    for (const auto& [id, upload] : uploads_)
      response.body += "<Upload><Key>" + upload.key + "</Key><UploadId>" + id +
                       "</UploadId><Initiated>" + to_text(now()) + "</Initiated></Upload>";
    response.body += "</ListMultipartUploadsResult>";
    return response;
  }
  const std::string after =
      request.has("continuation-token") ? request.query.at("continuation-token") : "";
  response.body = "<ListBucketResult>";
  std::size_t count = 0;
  std::string last;
  bool more = false;
  for (auto at = objects_.upper_bound(after); at != objects_.end(); ++at) {
    if (!at->first.starts_with(prefix)) continue;
    more = count == page;
    if (more) break;
    ++count;
    last = at->first;
    response.body += fmt::format(
        "<Contents><Key>{}</Key><Size>{}</Size><LastModified>{}</LastModified></Contents>",
        at->first, at->second.bytes.size(), to_text(at->second.modified));
  }
  response.body += fmt::format("<IsTruncated>{}</IsTruncated>", more);
  if (more) response.body += "<NextContinuationToken>" + last + "</NextContinuationToken>";
  response.body += "</ListBucketResult>";
  return response;
}

}  // namespace martlet::artifacts
