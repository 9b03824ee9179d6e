// lifecycle/internal/server_reader.h: questions to an MLflow server by its REST API, and how its
// answers are read: fields that are absent or of a wrong type read as nothing.
//
// Everything only reads, and is tried again where that may help. One thread at a time.
#pragma once
#include "base/json.h"
#include "lifecycle/internal/import_source.h"
#include "net/http_client.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::lifecycle {

inline constexpr std::size_t kAnswerBytes = std::size_t{256} << 20;
inline constexpr int kMaxPages = 1'000'000;  // a server that never comes to an end is left

class ServerReader {
 public:
  // `request` outlives it.
  ServerReader(std::string url, const ImportRequest& request)
      : url_(std::move(url)), request_(request) {}

  // The JSON object at a path. NotFound, Unauthenticated, PermissionDenied, Unavailable,
  // InvalidArgument by what the server says; see is_answer().
  Result<Json> get(const std::string& path);
  // Asks again with the page token of the last answer, until there is none: as a query's
  // page_token, and as a question's that is posted.
  Result<void> get_pages(const std::string& path,
                         const std::function<Result<void>(const Json&)>& visit);
  Result<void> pages(const std::string& path, Json question,
                     const std::function<Result<void>(const Json&)>& visit);
  Result<net::HttpResponse> send(net::Method method, const std::string& path,
                                 const std::string& body, std::size_t limit,
                                 std::chrono::milliseconds timeout);
  // What an answer other than 200 means.
  Error refused(const std::string& path, const net::HttpResponse& answer) const;
  // An answer that isn't a good one, rather than none.
  static bool is_answer(const Error& error) {
    return error.code() == ErrorCode::InvalidArgument || error.code() == ErrorCode::NotFound;
  }

 private:
  Result<Json> json_of(const std::string& path, const net::HttpResponse& answer) const;
  Error endless(const std::string& path) const;

  std::string url_;
  const ImportRequest& request_;
  net::HttpClient client_;
};

// Percent-encoded, for a query or a path's segment.
std::string encoded(std::string_view text);
std::string text_of(const Json& object, const char* key);
// Numbers, and texts of numbers, as protobuf writes them.
std::optional<std::int64_t> integer_of(const Json& object, const char* key);
std::optional<double> number_of(const Json& object, const char* key);
std::optional<Timestamp> time_of(const Json& object, const char* key);
bool is_true(const Json& object, const char* key);
// A list that is left out when it is empty.
const Json& list_of(const Json& object, const char* key);
const Json& part_of(const Json& object, const char* key);
// [{key, value}]
void read_pairs(const Json& list, tracking::Texts& texts);

}  // namespace martlet::lifecycle
