#include "net/http_client.h"

#include "base/text.h"
#include "net/internal/request_parser.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace martlet::net {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kKeptHandles = 16;

struct FreeHandle {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, FreeHandle>;
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
  curl_slist* longer = ::curl_slist_append(list.get(), text.c_str());
  if (longer != nullptr) {
    (void)list.release();
    list.reset(longer);
  }
}

// What one transfer collects.
struct Transfer {
  HttpResponse response;
  std::size_t limit = 0;
  bool too_large = false;
  const CancelToken* cancel = nullptr;
};

std::size_t on_body(char* bytes, std::size_t one, std::size_t count, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  const std::size_t size = one * count;
  if (size > transfer.limit - transfer.response.body.size()) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(bytes, size);
  return size;
}

std::size_t on_header(char* bytes, std::size_t one, std::size_t count, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  const std::string_view line(bytes, one * count);
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // a 100 Continue came before
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && transfer.response.headers.size() < 200)
    transfer.response.headers.emplace_back(lower_ascii(trim(line.substr(0, colon))),
                                           std::string(trim(line.substr(colon + 1))));
  return line.size();
}

int on_progress(void* target, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(target)->cancel->cancelled() ? 1 : 0;
}

Result<void> check_headers(const HttpCall& call) {
  std::vector<Finding> findings;
  for (const auto& [name, value] : call.headers)
    if (!is_token(name) || !is_field_value(value))
      findings.push_back({name, "bad_header",
                          "a header's name is a token and its value holds no control characters",
                          "", 0, 0});
  if (!is_field_value(call.bearer.reveal()))
    findings.push_back({"bearer", "bad_header", "the token holds a control character", "", 0, 0});
  if (!findings.empty()) return invalid("the headers of an HTTP request", std::move(findings));
  return {};
}

Error error_of(CURLcode code, const Transfer& transfer, std::string_view words,
               const std::string& where) {
  if (transfer.too_large)
    return {ErrorCode::ResourceExhausted,
            fmt::format("calling {}: the response is larger than {} bytes", where, transfer.limit)};
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::DeadlineExceeded, fmt::format("calling {}: no answer in time", where)};
    case CURLE_ABORTED_BY_CALLBACK:
      return {ErrorCode::Cancelled, fmt::format("calling {} was cancelled", where)};
    default:
      return {ErrorCode::Unavailable,
              fmt::format("calling {}: {}", where,
                          words.empty() ? std::string_view(::curl_easy_strerror(code)) : words)};
  }
}

// "https://host:443": what may be shown, without a path or query that could hold a secret.
std::string shown(const CheckedUrl& url) {
  return fmt::format("{}://{}:{}", url.scheme, url.host, url.port);
}

// Redirects a GET may follow (RFC 9110 §15.4).
bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<std::string> resolved_against(const std::string& base, std::string_view location) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(::curl_url(), ::curl_url_cleanup);
  char* text = nullptr;
  if (::curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      ::curl_url_set(url.get(), CURLUPART_URL, std::string(location).c_str(), 0) != CURLUE_OK ||
      ::curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK)
    return unavailable("the server redirects to what is no URL");
  std::string copy = text;
  ::curl_free(text);
  return copy;
}

void set_fixed_options(CURL* handle) {
  ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  ::curl_easy_setopt(handle, CURLOPT_PROXY, "");
  ::curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  ::curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  ::curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  ::curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  ::curl_easy_setopt(handle, CURLOPT_USERAGENT, "martlet");
  ::curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  ::curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
}

void set_method(CURL* handle, const HttpCall& call) {
  const bool carries_body = !call.body.empty() || call.method == Method::Post ||
                            call.method == Method::Put || call.method == Method::Patch;
  if (carries_body) {
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(call.body.size()));
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.data());
  }
  if (call.method == Method::Head) ::curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  ::curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, std::string(name_of(call.method)).c_str());
}

List header_list(const HttpCall& call, bool to_same_host) {
  List list;
  bool has_type = false;
  for (const auto& [name, value] : call.headers) {
    const std::string lower = lower_ascii(name);
    has_type = has_type || lower == "content-type";
    // Credentials never follow a redirect to another host.
    if (to_same_host || (lower != "authorization" && lower != "cookie"))
      append(list, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  if (!has_type) append(list, "Content-Type:");  // libcurl would call every body a form
  if (!call.bearer.empty() && to_same_host)
    append(list, "Authorization: Bearer " + call.bearer.reveal());
  append(list, "Expect:");  // no pause for a 100 Continue that many servers never send
  return list;
}

}  // namespace

std::string_view HttpResponse::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_name) return value;
  return "";
}

struct HttpClient::State {
  std::mutex handles_mutex;
  // Idle, each with its open connections. Guarded calls have their own: they must not meet a
  // connection that was made without the guard.
  std::array<std::vector<Handle>, 2> idle;

  Handle take(bool guarded) {
    const std::lock_guard lock(handles_mutex);
    std::vector<Handle>& handles = idle[guarded ? 1 : 0];
    if (handles.empty()) return Handle(::curl_easy_init());
    Handle handle = std::move(handles.back());
    handles.pop_back();
    return handle;
  }
  void give_back(Handle handle, bool guarded) {
    ::curl_easy_reset(handle.get());
    const std::lock_guard lock(handles_mutex);
    std::vector<Handle>& handles = idle[guarded ? 1 : 0];
    if (handles.size() < kKeptHandles) handles.push_back(std::move(handle));
  }
  Result<HttpResponse> send_once(const HttpCall& call, const CheckedUrl& url, bool same_host,
                                 milliseconds timeout, const CancelToken& cancel);
};

HttpClient::HttpClient() : state_(std::make_unique<State>()) {
  static std::once_flag started;
  std::call_once(started, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::State::send_once(const HttpCall& call, const CheckedUrl& url,
                                                  bool same_host, milliseconds timeout,
                                                  const CancelToken& cancel) {
  const bool guarded = call.policy.has_value();
  Handle handle = take(guarded);
  if (handle == nullptr)
    return fail(ErrorCode::ResourceExhausted, "starting an HTTP request: libcurl has no handle");
  CURL* curl = handle.get();
  Transfer transfer;
  transfer.limit = call.response_limit_bytes;
  transfer.cancel = &cancel;
  std::array<char, CURL_ERROR_SIZE> words{};
  set_fixed_options(curl);
  set_method(curl, call);
  ::curl_easy_setopt(curl, CURLOPT_URL, url.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(timeout, call.connect_timeout).count()));
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
  if (!call.certificate_authority.empty())
    ::curl_easy_setopt(curl, CURLOPT_CAINFO, call.certificate_authority.c_str());
  const List headers = header_list(call, same_host);
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  // Pinned to the addresses that were judged: the name is not resolved a second time.
  List pinned;
  std::string addresses;
  for (const std::string& address : url.addresses)
    addresses += (addresses.empty() ? "" : ",") +
                 (address.find(':') == std::string::npos ? address : "[" + address + "]");
  append(pinned, fmt::format("{}:{}:{}", url.host, url.port, addresses));
  ::curl_easy_setopt(curl, CURLOPT_RESOLVE, pinned.get());

  const CURLcode code = ::curl_easy_perform(curl);
  if (code != CURLE_OK)
    return fail(error_of(code, transfer, words.data(), shown(url)));  // a broken handle is not kept
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  give_back(std::move(handle), guarded);
  return std::move(transfer.response);
}

Result<HttpResponse> HttpClient::send(const HttpCall& call, Deadline deadline,
                                      const CancelToken& cancel) {
  MARTLET_TRY(check_headers(call));
  const auto end = std::min(std::chrono::steady_clock::now() + call.timeout,
                            deadline.at.value_or(std::chrono::steady_clock::time_point::max()));
  const UrlPolicy policy = call.policy.value_or(UrlPolicy{.addresses = UrlPolicy::Addresses::Any});
  std::string next = call.url;
  std::string first_host;
  for (int hop = 0;; ++hop) {
    MARTLET_TRY_SET(const CheckedUrl url, check_url(next, policy));
    const std::string host = shown(url);
    if (hop == 0) first_host = host;
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return fail(ErrorCode::DeadlineExceeded, fmt::format("calling {}: no time left", host));
    if (cancel.cancelled())
      return fail(ErrorCode::Cancelled, fmt::format("calling {} was cancelled", host));
    MARTLET_TRY_SET(HttpResponse response,
                    state_->send_once(call, url, host == first_host, left, cancel));
    const std::string_view location = response.header("location");
    const bool follows = is_redirect(response.status) && !location.empty() && call.redirects > 0 &&
                         (call.method == Method::Get || call.method == Method::Head);
    if (!follows) return response;
    if (hop >= call.redirects)
      return unavailable(fmt::format("calling {}: more than {} redirects", host, call.redirects));
    MARTLET_TRY_SET(next, resolved_against(url.url, location));
  }
}

}  // namespace martlet::net
