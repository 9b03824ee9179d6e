// Asks an MLflow server: see the header.
#include "lifecycle/internal/server_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace martlet::lifecycle {

namespace {

constexpr std::chrono::seconds kTimeout{60};
constexpr int kAttempts = 3;

}  // namespace

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> integer_of(const Json& object, const char* key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (!found->is_string()) return std::nullopt;
  const std::string text = found->get<std::string>();
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<double> number_of(const Json& object, const char* key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number()) return mlflow_value(found->get<double>());
  if (!found->is_string()) return std::nullopt;
  const std::string text = found->get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

std::optional<Timestamp> time_of(const Json& object, const char* key) {
  const auto millis = integer_of(object, key);
  return millis.has_value() ? mlflow_time(*millis) : std::nullopt;
}

bool is_true(const Json& object, const char* key) {
  if (!object.is_object()) return false;
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

const Json& list_of(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNone;
}

void read_pairs(const Json& list, tracking::Texts& texts) {
  for (const Json& pair : list) texts[text_of(pair, "key")] = text_of(pair, "value");
}

const Json& part_of(const Json& object, const char* key) {
  static const Json kNone = Json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kNone;
}

Result<void> ServerReader::pages(const std::string& path, Json question,
                                 const std::function<Result<void>(const Json&)>& visit) {
  for (int page = 0; page < kMaxPages; ++page) {
    MARTLET_TRY_SET(const net::HttpResponse answer,
                    send(net::Method::Post, path, to_text(question), kAnswerBytes, kTimeout));
    MARTLET_TRY_SET(const Json json, json_of(path, answer));
    MARTLET_TRY(visit(json));
    const std::string token = text_of(json, "next_page_token");
    if (token.empty()) return {};
    question["page_token"] = token;
  }
  return fail(endless(path));
}

Result<void> ServerReader::get_pages(const std::string& path,
                                     const std::function<Result<void>(const Json&)>& visit) {
  const char mark = path.find('?') == std::string::npos ? '?' : '&';
  std::string token;
  for (int page = 0; page < kMaxPages; ++page) {
    MARTLET_TRY_SET(
        const Json answer,
        get(token.empty() ? path : fmt::format("{}{}page_token={}", path, mark, encoded(token))));
    MARTLET_TRY(visit(answer));
    token = text_of(answer, "next_page_token");
    if (token.empty()) return {};
  }
  return fail(endless(path));
}

Error ServerReader::endless(const std::string& path) const {
  return Error(ErrorCode::Unavailable, fmt::format("reading {}{}: the pages come to no end", url_,
                                                   path.substr(0, path.find('?'))));
}

Result<Json> ServerReader::get(const std::string& path) {
  MARTLET_TRY_SET(const net::HttpResponse answer,
                  send(net::Method::Get, path, "", kAnswerBytes, kTimeout));
  return json_of(path, answer);
}

Result<Json> ServerReader::json_of(const std::string& path, const net::HttpResponse& answer) const {
  if (answer.status != 200) return fail(refused(path, answer));
  JsonLimits limits;
  limits.size_bytes = kAnswerBytes;
  auto json = parse_json(answer.body, limits);
  if (json.has_value() && json->is_object()) return json;
  return invalid_argument(fmt::format("reading {}{}: the answer is no JSON object; is it an "
                                      "MLflow server?",
                                      url_, path.substr(0, path.find('?'))));
}

Error ServerReader::refused(const std::string& path, const net::HttpResponse& answer) const {
  std::string said = answer.body.substr(0, 300);
  if (const auto json = parse_json(answer.body); json.has_value() && json->is_object())
    said = text_of(*json, "message").substr(0, 300);
  const ErrorCode code = answer.status == 401   ? ErrorCode::Unauthenticated
                         : answer.status == 403 ? ErrorCode::PermissionDenied
                         : answer.status == 404 ? ErrorCode::NotFound
                         : answer.status >= 500 ? ErrorCode::Unavailable
                                                : ErrorCode::InvalidArgument;
  return Error(code, fmt::format("reading {}{}: the server answers {}: {}", url_,
                                 path.substr(0, path.find('?')), answer.status, said));
}

Result<net::HttpResponse> ServerReader::send(net::Method method, const std::string& path,
                                             const std::string& body, std::size_t limit,
                                             std::chrono::milliseconds timeout) {
  net::HttpCall call;
  call.method = method;
  call.url = url_ + path;
  if (!body.empty()) call.headers.emplace_back("content-type", "application/json");
  call.body = body;
  call.bearer = request_.token;
  call.timeout = timeout;
  call.response_limit_bytes = limit;
  call.policy = std::nullopt;  // whoever calls the command names the server
  for (int attempt = 1;; ++attempt) {
    auto answer = client_.send(call, Deadline::none(), request_.cancel);
    const bool passing = answer.has_value() ? answer->status == 429 || answer->status >= 500
                                            : answer.error().code() == ErrorCode::Unavailable;
    if (!passing || attempt == kAttempts) return answer;
  }
}

}  // namespace martlet::lifecycle
