#include "base/log.h"
#include "deployment/inference_service.h"
#include "deployment/tiny_models_testing.h"
#include "net/http_client.h"
#include "net/router.h"
#include "net/telemetry.h"
#include "platform/real_clock.h"
#include "server/app.h"
#include "server/error_mapping.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace martlet::server {
namespace {

using net::Method;
using std::chrono::milliseconds;

const std::shared_ptr<const deployment::ServedModel>& model_of(std::int64_t version) {
  static const auto kFirst = deployment::testing::tiny_model(1, 3);
  static const auto kSecond = deployment::testing::tiny_model(2, 4);
  return version == 1 ? kFirst : kSecond;
}

const char* kRow =
    R"({"dataframe_records":[{"distance":100,"carrier":"c1","seats":20,"departs":"2013-05-01T08:00Z"}]})";
const char* kTensors = R"({"inputs":[
  {"name":"distance","shape":[1],"datatype":"FP64","data":[100]},
  {"name":"carrier","shape":[1],"datatype":"BYTES","data":["c1"]},
  {"name":"seats","shape":[1],"datatype":"INT64","data":[20]},
  {"name":"departs","shape":[1],"datatype":"BYTES","data":["2013-05-01T08:00Z"]}]})";

class AppTest : public testing::Test {
 protected:
  void start(std::int64_t version, std::size_t in_flight = 8) {
    if (version > 0) slot_.swap(model_of(version));
    admission_ = std::make_unique<deployment::Admission>(in_flight);
    service_ = std::make_unique<deployment::InferenceService>(slot_, nullptr, clock_, random_,
                                                              *admission_);
    AppOptions options;
    options.port = 0;
    options.loops = 1;
    options.pool_threads = 2;
    options.version = "1.2.3";
    options.inference_body_bytes = 1 << 20;
    app_ = std::make_unique<App>(*service_, telemetry_, clock_, Log::none(), options);
    app_->add_routes([this](net::Router& router) {
      net::Route route;
      route.pattern = "/slow";
      route.permission = net::RoutePermission::Open;
      route.answer = [this](net::Request&) {
        std::unique_lock lock(mutex_);
        entered_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return released_; });
        return net::Response::text(200, "slow");
      };
      router.add(std::move(route));
    });
    const auto started = app_->start();
    ASSERT_TRUE(started.has_value()) << started.error().message();
  }

  struct Sent {
    std::string content_type = "application/json";
    std::string host = "";
  };
  net::HttpResponse send(Method method, const std::string& path, const std::string& body,
                         const Sent& how) {
    net::HttpCall call;
    call.method = method;
    call.url = app_->url() + path;
    call.body = body;
    call.policy = std::nullopt;
    if (!how.content_type.empty()) call.headers.emplace_back("Content-Type", how.content_type);
    if (!how.host.empty()) call.headers.emplace_back("Host", how.host);
    auto response = client_.send(call, {}, {});
    EXPECT_TRUE(response.has_value()) << (response.has_value() ? "" : response.error().message());
    return response.has_value() ? *response : net::HttpResponse{};
  }
  net::HttpResponse get(const std::string& path) { return send(Method::Get, path, "", {""}); }
  net::HttpResponse post(const std::string& path, const std::string& body) {
    return send(Method::Post, path, body, {});
  }
  static Json json_of(const net::HttpResponse& response) {
    auto json = parse_json(response.body);
    EXPECT_TRUE(json.has_value()) << response.body;
    return json.has_value() ? *json : Json();
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  platform::RealClock clock_;
  SeededRandom random_{1};
  net::Telemetry telemetry_;
  deployment::ModelSlot slot_;
  std::unique_ptr<deployment::Admission> admission_;
  std::unique_ptr<deployment::InferenceService> service_;
  std::mutex mutex_;  // guards the next two
  bool entered_ = false;
  bool released_ = false;
  std::condition_variable changed_;
  std::unique_ptr<App> app_;
  net::HttpClient client_;
};

TEST_F(AppTest, both_protocols_give_the_models_score) {
  start(1);
  const auto mlflow = json_of(post("/invocations", kRow));
  const auto v2 = json_of(post("/v2/models/flight-delay/infer", kTensors));
  ASSERT_EQ(mlflow["predictions"].size(), 1u) << mlflow;
  ASSERT_EQ(v2["outputs"].size(), 3u) << v2;
  EXPECT_EQ(v2["model_version"], "1");
  EXPECT_EQ(mlflow["predictions"][0]["score"], v2["outputs"][1]["data"][0]);
  EXPECT_NE(mlflow["predictions"][0]["prediction_id"], v2["outputs"][2]["data"][0]);
  const auto csv =
      send(Method::Post, "/invocations",
           "distance,carrier,seats,departs\n100,c1,20,2013-05-01T08:00Z\n", {"text/csv"});
  EXPECT_EQ(json_of(csv)["predictions"][0]["score"], v2["outputs"][1]["data"][0]);
  EXPECT_EQ(post("/v2/models/flight-delay/versions/1/infer", kTensors).status, 200);
}

TEST_F(AppTest, a_large_request_takes_the_pool_and_gets_the_same_scores) {
  start(1);
  const Json row = (*parse_json(kRow))["dataframe_records"][0];
  Json records = Json::array();
  for (int i = 0; i < 1000; ++i) records.push_back(row);
  const auto many = json_of(post("/invocations", to_text(Json{{"dataframe_records", records}})));
  const auto one = json_of(post("/invocations", kRow));
  ASSERT_EQ(many["predictions"].size(), 1000u);
  for (const Json& prediction : many["predictions"])
    EXPECT_EQ(prediction["score"], one["predictions"][0]["score"]);
  EXPECT_EQ(admission_->in_flight(), 0u);
}

TEST_F(AppTest, what_cannot_be_answered_gets_its_status_and_a_body_that_explains) {
  start(2);
  struct Case {
    Method method;
    const char* path;
    std::string body;
    Sent how;
    int status;
    const char* code;
  };
  const std::string infer = "/v2/models/flight-delay/infer";
  const Case kCases[] = {
      {Method::Get, "/nothing", "", {""}, 404, "not_found"},
      {Method::Get, "/v2/models/other", "", {""}, 404, "not_found"},
      {Method::Get, "/v2/models/flight-delay/versions/1", "", {""}, 404, "not_found"},
      {Method::Get, "/v2/models/other/ready", "", {""}, 404, "not_found"},
      {Method::Post, "/v2/models/other/infer", kTensors, {}, 404, "not_found"},
      {Method::Post, "/v2/models/flight-delay/versions/1/infer", kTensors, {}, 404, "not_found"},
      {Method::Post, "/v2/models/flight-delay/versions/x/infer", kTensors, {}, 404, "not_found"},
      {Method::Get, infer.c_str(), "", {""}, 405, "method_not_allowed"},
      {Method::Delete, "/invocations", "", {""}, 405, "method_not_allowed"},
      {Method::Post, "/health", "{}", {}, 405, "method_not_allowed"},
      {Method::Post, infer.c_str(), kTensors, {"text/plain"}, 415, "unsupported_media_type"},
      {Method::Post, infer.c_str(), "a,b\n", {"text/csv"}, 415, "unsupported_media_type"},
      {Method::Post,
       "/invocations",
       kRow,
       {"application/octet-stream"},
       415,
       "unsupported_media_type"},
      {Method::Post, "/invocations", "{", {}, 400, "invalid_argument"},
      {Method::Post, "/invocations", R"({"instances":[{"x":1}]})", {}, 400, "invalid_argument"},
      {Method::Post,
       infer.c_str(),
       "[]",
       {"application/json; charset=utf-8"},
       400,
       "invalid_argument"},
      {Method::Post, "/invocations", std::string((1 << 20) + 1, ' '), {}, 413, "body_too_large"},
      {Method::Get, "/health", "", {"", "evil.example"}, 403, "permission_denied"},
      {Method::Post,
       "/invocations",
       kRow,
       {"application/json", "localhost.evil.example"},
       403,
       "permission_denied"},
  };
  for (const Case& c : kCases) {
    const auto response = send(c.method, c.path, c.body, c.how);
    EXPECT_EQ(response.status, c.status) << c.path << " " << response.body;
    const Json error = json_of(response)["error"];
    if (std::string_view(c.path).starts_with("/v2")) {  // the protocol's errors are one text
      ASSERT_TRUE(error.is_string()) << c.path << " " << response.body;
      EXPECT_TRUE(error.get<std::string>().ends_with(" (" + std::string(c.code) + ", request " +
                                                     std::string(response.header("x-request-id")) +
                                                     ")"))
          << error;
      continue;
    }
    EXPECT_EQ(error["code"], c.code) << c.path;
    EXPECT_FALSE(error["message"].get<std::string>().empty());
    EXPECT_EQ(error["request_id"], std::string(response.header("x-request-id"))) << c.path;
  }
  const Json findings = json_of(post("/invocations", R"({"instances":[{"x":1}]})"));
  EXPECT_EQ(findings["error"]["findings"].size(), 4u)
      << findings;  // x, and three that are required
}

// F.N02: no answer is lost or mixed, whatever is live when it is given.
TEST_F(AppTest, a_thousand_swaps_under_load_fail_no_request_and_mix_no_answer) {
  start(1, 64);
  const auto score_of = [&](std::int64_t version) {
    slot_.swap(model_of(version));
    const auto answer = json_of(post("/v2/models/flight-delay/infer", kTensors));
    EXPECT_EQ(answer["model_version"], std::to_string(version));
    return answer["outputs"][1]["data"][0].get<double>();
  };
  const double second = score_of(2);
  const double first = score_of(1);
  ASSERT_NE(first, second);
  constexpr int kSwaps = 1000;
  std::atomic<int> answered{0};
  std::atomic<int> wrong{0};
  std::atomic<bool> over{false};
  const std::string url = app_->url() + "/v2/models/flight-delay/infer";
  const auto ask = [&](const char* body) {
    net::HttpClient client;
    net::HttpCall call;
    call.method = Method::Post;
    call.url = url;
    call.body = body;
    call.policy = std::nullopt;
    call.headers.emplace_back("Content-Type", "application/json");
    while (!over.load()) {
      const auto response = client.send(call, {}, {});
      const auto json = response.has_value() ? parse_json(response->body) : Result<Json>(Json());
      const bool right =
          response.has_value() && response->status == 200 && json.has_value() &&
          (*json)["outputs"][1]["data"][0] == ((*json)["model_version"] == "1" ? first : second);
      wrong += right ? 0 : 1;
      ++answered;
    }
  };
  const std::string careful = std::string(kTensors) + " ";  // the same on the other path
  std::string escaped = kTensors;
  escaped.replace(escaped.find("c1"), 2, R"(\u00631)");
  std::vector<std::thread> clients;
  for (const char* const body : {kTensors, careful.c_str(), escaped.c_str()})
    clients.emplace_back(ask, body);
  for (int swap = 0; swap < kSwaps; ++swap) {
    const int before = answered.load();
    slot_.swap(model_of(1 + swap % 2));
    while (answered.load() == before) std::this_thread::yield();
  }
  over.store(true);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong.load(), 0) << "of " << answered.load();
  EXPECT_GE(answered.load(), kSwaps);
  EXPECT_EQ(admission_->in_flight(), 0u);
}

TEST_F(AppTest, one_row_gets_the_same_answer_however_it_is_written) {
  start(1);
  std::string escaped = kTensors;
  escaped.replace(escaped.find("c1"), 2, R"(\u00631)");  // no plain spelling
  const auto plain = json_of(post("/v2/models/flight-delay/infer", kTensors));
  const auto other = json_of(post("/v2/models/flight-delay/infer", escaped));
  ASSERT_EQ(plain["outputs"].size(), 3u) << plain;
  for (const std::size_t output : {0u, 1u})
    EXPECT_EQ(plain["outputs"][output], other["outputs"][output]);
  EXPECT_EQ(plain["model_name"], other["model_name"]);
  EXPECT_EQ(plain["outputs"][2]["data"][0].get<std::string>().size(), 32u);
}

TEST_F(AppTest, only_what_is_no_web_page_may_leave_the_content_type_out) {
  start(1);
  const auto ask = [&](std::vector<std::pair<std::string, std::string>> headers) {
    net::HttpCall call;
    call.method = Method::Post;
    call.url = app_->url() + "/v2/models/flight-delay/infer";
    call.body = kTensors;
    call.policy = std::nullopt;
    call.headers = std::move(headers);
    return client_.send(call, {}, {}).value().status;
  };
  EXPECT_EQ(ask({}), 200);
  EXPECT_EQ(ask({{"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(ask({{"Origin", "null"}}), 403);
  EXPECT_EQ(ask({{"Sec-Fetch-Site", "cross-site"}}), 415);
  EXPECT_EQ(ask({{"Content-Type", "application/json"}, {"Inference-Header-Content-Length", "9"}}),
            415);
}

TEST_F(AppTest, without_a_model_it_lives_and_is_not_ready) {
  start(0);
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(json_of(get("/api/v1/health"))["ready"], false);
  EXPECT_EQ(get("/health/live").status, 200);
  EXPECT_EQ(get("/v2/health/live").status, 200);
  for (const char* path :
       {"/health/ready", "/v2/health/ready", "/ping", "/v2/models/flight-delay/ready"})
    EXPECT_EQ(get(path).status, 503) << path;
  const auto refused = post("/invocations", kRow);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  slot_.swap(model_of(1));
  for (const char* path :
       {"/health/ready", "/v2/health/ready", "/ping", "/v2/models/flight-delay/ready"})
    EXPECT_EQ(get(path).status, 200) << path;
  EXPECT_EQ(post("/invocations", kRow).status, 200);
}

TEST_F(AppTest, a_swap_changes_what_answers_and_what_is_described) {
  start(1);
  const auto before = json_of(post("/invocations", kRow));
  EXPECT_EQ(json_of(get("/v2/models/flight-delay"))["versions"][0], "1");
  slot_.swap(model_of(2));
  const auto after = json_of(post("/invocations", kRow));
  EXPECT_NE(before["predictions"][0]["score"], after["predictions"][0]["score"]);
  EXPECT_EQ(json_of(get("/v2/models/flight-delay"))["versions"][0], "2");
  EXPECT_EQ(json_of(get("/v2/models/flight-delay/versions/2"))["platform"], "martlet");
  EXPECT_EQ(json_of(get("/api/v1/health"))["version"], "2");
}

TEST_F(AppTest, requests_beyond_the_limit_are_refused_before_they_are_read) {
  start(1, 1);
  {
    const auto taken = admission_->enter();
    const auto response = post("/invocations", "no JSON at all");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.header("retry-after"), "1");
  }
  EXPECT_EQ(post("/invocations", kRow).status, 200);
}

TEST_F(AppTest, says_what_it_is_and_what_it_did) {
  start(2);
  EXPECT_EQ(json_of(get("/api/v1/version"))["version"], "1.2.3");
  EXPECT_EQ(json_of(get("/v2"))["name"], "martlet");
  post("/invocations", kRow);
  post("/invocations", "{");
  get("/nothing");
  const auto telemetry = get("/metrics");
  EXPECT_EQ(telemetry.header("content-type"), net::Telemetry::kContentType);
  for (const char* line :
       {"martlet_http_requests_total{route=\"POST /invocations\",status=\"2xx\"} 1\n",
        "martlet_http_requests_total{route=\"POST /invocations\",status=\"4xx\"} 1\n",
        "martlet_http_problems_total{status=\"4xx\"} 1\n", "martlet_model_version 2\n",
        "martlet_predictions_total{version=\"2\"} 1\n",
        "martlet_http_request_seconds_count{route=\"POST /invocations\"} 2\n"})
    EXPECT_NE(telemetry.body.find(line), std::string::npos) << line << telemetry.body;
}

TEST_F(AppTest, a_drain_answers_what_is_in_flight_and_then_nobody) {
  start(1);
  const std::string url = app_->url();
  std::atomic<int> slow{0};
  std::thread caller([&] { slow = get("/slow").status; });
  {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(10), [&] { return entered_; }));
  }
  std::thread stopper([&] { app_->stop(milliseconds(10'000)); });
  while (!app_->draining()) std::this_thread::yield();
  release();
  stopper.join();
  caller.join();
  EXPECT_EQ(slow.load(), 200);
  net::HttpCall call;
  call.url = url + "/health";
  call.policy = std::nullopt;
  EXPECT_EQ(net::HttpClient().send(call, {}, {}).error().code(), ErrorCode::Unavailable);
}

TEST_F(AppTest, other_addresses_than_loopback_are_refused) {
  deployment::Admission admission;
  deployment::InferenceService service(slot_, nullptr, clock_, random_, admission);
  for (const char* address : {"0.0.0.0", "::", "192.168.0.1", "10.0.0.1", "128.0.0.1", ""}) {
    AppOptions options;
    options.address = address;
    options.port = 0;
    App app(service, telemetry_, clock_, Log::none(), options);
    const auto started = app.start();
    ASSERT_FALSE(started.has_value()) << address;
    EXPECT_EQ(started.error().code(), ErrorCode::InvalidArgument);
    EXPECT_NE(started.error().message().find("TLS"), std::string::npos);
  }
}

TEST(LoopbackHost, is_a_name_or_number_of_this_machine_only) {
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "127.9.9.9",
                           "[::1]", "[::1]:80", "a.localhost"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"", "example.com", "localhost.example.com", "127.0.0.1.example.com",
                           "[::2]", "[::1", "[::1]x", "::1", "10.0.0.1", ".localhost", "0.0.0.0"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(ErrorMapping, internal_messages_stay_inside) {
  const Json hidden = error_body(Error(ErrorCode::Internal, "at /secret/path"), "r");
  EXPECT_EQ(to_text(hidden).find("secret"), std::string::npos);
  EXPECT_EQ(hidden["error"]["request_id"], "r");
  EXPECT_EQ(http_status(ErrorCode::Corrupt), 500);
  const Json told = error_body(
      Error(ErrorCode::InvalidArgument, "bad", {{"x", "missing", "it is missing", "", 0, 0}}), "r");
  EXPECT_EQ(told["error"]["message"], "bad");
  EXPECT_EQ(told["error"]["findings"][0]["rule"], "missing");
}

}  // namespace
}  // namespace martlet::server
