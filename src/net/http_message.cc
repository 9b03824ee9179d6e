#include "net/http_message.h"

#include "base/json.h"

#include <algorithm>
#include <array>

namespace martlet::net {
namespace {

struct NamedMethod {
  std::string_view name;
  Method method;
};
constexpr std::array<NamedMethod, 7> kMethods = {{{"GET", Method::Get},
                                                  {"HEAD", Method::Head},
                                                  {"POST", Method::Post},
                                                  {"PUT", Method::Put},
                                                  {"PATCH", Method::Patch},
                                                  {"DELETE", Method::Delete},
                                                  {"OPTIONS", Method::Options}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

const Parameter* find(const std::vector<Parameter>& parameters, std::string_view name) {
  for (const Parameter& parameter : parameters)
    if (parameter.name == name) return &parameter;
  return nullptr;
}

}  // namespace

std::string_view name_of(Method method) {
  for (const NamedMethod& known : kMethods)
    if (known.method == method) return known.name;
  return "";
}

std::optional<Method> method_of(std::string_view name) {
  for (const NamedMethod& known : kMethods)
    if (known.name == name) return known.method;
  return std::nullopt;
}

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers)
    if (same_name(header.name, name)) return header.value;
  return "";
}

bool Request::has_header(std::string_view name) const {
  return std::ranges::any_of(headers,
                             [&](const Header& header) { return same_name(header.name, name); });
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  const Parameter* found = find(query, name);
  return found == nullptr ? std::nullopt : std::optional(found->value);
}

std::string_view Request::path_value(std::string_view name) const {
  const Parameter* found = find(path_parameters, name);
  return found == nullptr ? std::string_view() : found->value;
}

Response Response::json(int status, std::string body) {
  return {status, "application/json", {}, std::move(body)};
}

Response Response::text(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", {}, std::move(body)};
}

Response problem_response(const HttpProblem& problem) {
  const Json body = {
      {"error",
       {{"code", problem.code}, {"message", problem.message}, {"request_id", problem.request_id}}}};
  return Response::json(problem.status, to_text(body));
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

std::vector<Finding> HttpLimits::validate() const {
  std::vector<Finding> findings;
  const auto require = [&](bool holds, std::string_view name, std::string_view message) {
    if (!holds)
      findings.push_back({std::string(name), "out_of_range", std::string(message), "", 0, 0});
  };
  require(header_bytes >= 256 && header_bytes <= (1u << 20), "header_bytes",
          "must lie between 256 bytes and 1 MiB");
  require(headers >= 1, "headers", "must be at least 1");
  require(all_bodies_bytes >= body_bytes, "all_bodies_bytes", "must be at least body_bytes");
  require(stream_window_bytes >= 1024 && stream_window_bytes <= all_bodies_bytes,
          "stream_window_bytes", "must lie between 1 KiB and all_bodies_bytes");
  require(header_timeout.count() > 0, "header_timeout", "must be positive");
  require(idle_timeout.count() > 0, "idle_timeout", "must be positive");
  require(handler_timeout.count() > 0, "handler_timeout", "must be positive");
  require(rate_window.count() > 0, "rate_window", "must be positive");
  require(connections >= 1, "connections", "must be at least 1");
  require(queued_requests >= 1, "queued_requests", "must be at least 1");
  require(drain_idle.count() >= 0, "drain_idle", "must not be negative");
  return findings;
}

}  // namespace martlet::net
