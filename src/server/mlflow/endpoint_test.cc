#include "base/log.h"
#include "deployment/inference_service.h"
#include "metadata/database.h"
#include "net/http_client.h"
#include "net/telemetry.h"
#include "platform/real_clock.h"
#include "server/app.h"
#include "server/internal/endpoint.h"
#include "server/mlflow/endpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <stdlib.h>

namespace martlet::server::mlflow {
namespace {

constexpr std::string_view kReason = "reading page 7 of metadata.db: the disk is gone";

class EndpointTest : public testing::Test {
 protected:
  EndpointTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    database_ = metadata::Database::open(directory_ + "/metadata.db", {}).value();
    idempotency_.emplace(*database_, clock_);
    AppOptions options;
    options.port = 0;
    options.loops = 1;
    options.pool_threads = 2;
    options.version = "1.2.3";
    app_.emplace(service_, telemetry_, clock_, Log::none(), options);
    app_->add_routes([this](net::Router& router) {
      endpoints_.emplace(router, telemetry_, clock_, log_);
      add_to(*endpoints_);
    });
    EXPECT_TRUE(app_->start().has_value());
  }
  ~EndpointTest() override {
    app_.reset();
    idempotency_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  // One call of each kind; they fail for reasons that are the server's, and one for the caller's.
  void add_to(Endpoints& endpoints) {
    const auto failure = [] { return fail(ErrorCode::Internal, std::string(kReason)); };
    Calls calls(endpoints, *idempotency_);
    calls.get("fails", "", [failure](Message&, const net::Request&) -> Result<std::string> {
      return failure();
    });
    calls.get("refuses", "", [](Message&, const net::Request&) -> Result<std::string> {
      return invalid_argument("no such thing");
    });
    calls.create("makes", "",
                 [failure](Message&, const net::Request&, Once&) -> Result<net::Response> {
                   return failure();
                 });
    calls.stream_call(net::Method::Put, "2.0", "/mlflow/streams", "",
                      [failure](const net::Request&, net::RequestBody) -> Result<net::Response> {
                        return failure();
                      });
  }

  struct Told {
    net::HttpResponse response;
    std::string logged;
  };
  Told send(net::Method method, const std::string& call, const std::string& key = "") {
    net::HttpCall asked;
    asked.method = method;
    asked.url = app_->url() + "/api/2.0/mlflow/" + call;
    asked.policy = std::nullopt;
    if (method != net::Method::Get) {
      asked.body = "{}";
      asked.headers.emplace_back("Content-Type", "application/json");
    }
    if (!key.empty()) asked.headers.emplace_back("Idempotency-Key", key);
    testing::internal::CaptureStderr();
    auto response = client_.send(asked, {}, {});
    Told told{{}, testing::internal::GetCapturedStderr()};
    EXPECT_TRUE(response.has_value());
    if (response.has_value()) told.response = std::move(*response);
    return told;
  }

  std::string directory_;
  platform::RealClock clock_;
  Log log_{LogLevel::Warn};
  SeededRandom random_{1};
  std::unique_ptr<metadata::Database> database_;
  std::optional<Idempotency> idempotency_;
  net::Telemetry telemetry_;
  deployment::ModelSlot slot_;
  deployment::Admission admission_{8};
  deployment::InferenceService service_{slot_, nullptr, clock_, random_, admission_};
  std::optional<Endpoints> endpoints_;
  std::optional<App> app_;
  net::HttpClient client_;
};

TEST_F(EndpointTest, the_reason_of_a_failure_is_in_the_log_and_not_in_the_answer) {
  for (const auto& [method, call] :
       {std::pair(net::Method::Get, "fails"), std::pair(net::Method::Post, "makes"),
        std::pair(net::Method::Put, "streams")}) {
    for (const char* key : {"", "k"}) {
      SCOPED_TRACE(std::string(call) + " " + key);
      const Told told = send(method, call, key);
      EXPECT_EQ(told.response.status, 500);
      EXPECT_EQ(told.response.body.find(kReason), std::string::npos) << told.response.body;
      const auto json = parse_json(told.response.body);
      ASSERT_TRUE(json.has_value()) << told.response.body;
      EXPECT_EQ(json->value("error_code", std::string()), "INTERNAL_ERROR");
      EXPECT_NE(told.logged.find("http.failed"), std::string::npos) << told.logged;
      EXPECT_NE(told.logged.find(kReason), std::string::npos) << told.logged;
      // The answer says where to look.
      const std::string message = json->value("message", std::string());
      const std::size_t at = message.rfind("request ");
      ASSERT_NE(at, std::string::npos) << message;
      EXPECT_NE(told.logged.find(message.substr(at + 8)), std::string::npos) << told.logged;
    }
  }
}

TEST_F(EndpointTest, what_the_caller_did_wrong_is_told_to_the_caller_alone) {
  const Told told = send(net::Method::Get, "refuses");
  EXPECT_EQ(told.response.status, 400);
  EXPECT_NE(told.response.body.find("no such thing"), std::string::npos);
  EXPECT_EQ(told.logged, "");
}

}  // namespace
}  // namespace martlet::server::mlflow
