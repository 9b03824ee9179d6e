#include "base/log.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/router.h"
#include "platform/real_clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace martlet::net {
namespace {

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() {
    add(Method::Get, "/hello", [](Request& request) {
      Response response = Response::text(200, "hello " + std::string(request.header("X-Name")));
      response.headers.emplace_back("X-Reply", "yes");
      return response;
    });
    for (const Method method : {Method::Post, Method::Put, Method::Patch, Method::Delete})
      add(method, "/echo", [](Request& request) {
        return Response::text(201, std::string(name_of(request.method)) + " " +
                                       std::string(request.header("content-type")) + " " +
                                       std::string(request.body));
      });
    add(Method::Get, "/big",
        [](Request&) { return Response::text(200, std::string(100'000, 'x')); });
    add(Method::Get, "/who", [](Request& request) {
      return Response::text(200, std::string(request.header("authorization")));
    });
    add(Method::Get, "/again/{n}", [](Request& request) {
      const int n = std::stoi(std::string(request.path_value("n")));
      Response response;
      response.status = 302;
      response.headers.emplace_back("Location",
                                    n == 0 ? "/hello" : "/again/" + std::to_string(n - 1));
      return response;
    });
    add(Method::Get, "/never", [](Request& request) {
      platform::pause_until(platform::deadline_in(std::chrono::seconds(10)), request.cancel);
      return Response();
    });
    auto started = HttpServer::start({}, router_, clock_, Log::none());
    server_ = std::move(*started);
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }
  void add(Method method, std::string pattern, std::function<Response(Request&)> answer) {
    Route route;
    route.method = method;
    route.pattern = std::move(pattern);
    route.permission = RoutePermission::Open;
    route.answer = std::move(answer);
    router_.add(std::move(route));
  }
  HttpCall call(const std::string& path) const {
    HttpCall made;
    made.url = base_ + path;
    made.policy = std::nullopt;
    made.timeout = std::chrono::seconds(10);
    return made;
  }
  Result<HttpResponse> send(const HttpCall& made) {
    return client_.send(made, Deadline::none(), CancelToken());
  }

  Router router_;
  platform::RealClock clock_;
  std::unique_ptr<HttpServer> server_;
  std::string base_;
  HttpClient client_;
};

TEST_F(HttpClientTest, gets_status_headers_and_body_over_a_kept_connection) {
  HttpCall get = call("/hello");
  get.headers = {{"X-Name", "ann"}};
  for (int i = 0; i < 3; ++i) {
    const auto response = send(get);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "hello ann");
    EXPECT_EQ(response->header("x-reply"), "yes");
  }
  EXPECT_EQ(server_->counts().connections, 1u);
  EXPECT_EQ(send(call("/none"))->status, 404);  // a response, not an error
}

TEST_F(HttpClientTest, sends_every_method_with_its_body_and_no_invented_type) {
  for (const Method method : {Method::Post, Method::Put, Method::Patch, Method::Delete}) {
    HttpCall made = call("/echo");
    made.method = method;
    made.body = "body";
    EXPECT_EQ(send(made)->body, std::string(name_of(method)) + "  body");
    made.headers = {{"Content-Type", "application/json"}};
    made.body = std::string(500'000, 'j');
    EXPECT_EQ(send(made)->body.size(), std::string(name_of(method)).size() + 18 + 500'000);
  }
  HttpCall head = call("/hello");
  head.method = Method::Head;
  EXPECT_EQ(send(head)->body, "");
}

TEST_F(HttpClientTest, is_bounded_in_size_and_time_and_can_be_cancelled) {
  HttpCall big = call("/big");
  big.response_limit_bytes = 50'000;
  EXPECT_EQ(send(big).error().code(), ErrorCode::ResourceExhausted);
  HttpCall never = call("/never");
  never.timeout = std::chrono::milliseconds(80);
  EXPECT_EQ(send(never).error().code(), ErrorCode::DeadlineExceeded);
  never.timeout = std::chrono::seconds(20);
  EXPECT_EQ(client_.send(never, platform::deadline_in(std::chrono::milliseconds(50)), CancelToken())
                .error()
                .code(),
            ErrorCode::DeadlineExceeded);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(client_.send(never, Deadline::none(), cancel).error().code(), ErrorCode::Cancelled);
}

TEST_F(HttpClientTest, refuses_injected_headers_and_guarded_addresses) {
  HttpCall injected = call("/hello");
  injected.headers = {{"X", "a\r\nY: b"}, {"B d", "x"}};
  injected.bearer = Secret("a\nb");
  EXPECT_EQ(send(injected).error().findings().size(), 3u);
  HttpCall guarded = call("/hello");
  guarded.policy = UrlPolicy{};
  EXPECT_EQ(send(guarded).error().code(), ErrorCode::PermissionDenied);
  HttpCall file = call("");
  file.url = "file:///etc/passwd";
  EXPECT_EQ(send(file).error().code(), ErrorCode::InvalidArgument);
}

TEST_F(HttpClientTest, follows_redirects_only_as_far_as_it_was_told) {
  HttpCall again = call("/again/2");
  EXPECT_EQ(send(again)->status, 302);
  again.redirects = 2;
  EXPECT_EQ(send(again).error().code(), ErrorCode::Unavailable);
  again.redirects = 3;
  EXPECT_EQ(send(again)->body, "hello ");
}

TEST_F(HttpClientTest, a_bearer_token_is_sent) {
  HttpCall who = call("/who");
  who.bearer = Secret("t0ken");
  EXPECT_EQ(send(who)->body, "Bearer t0ken");
}

TEST_F(HttpClientTest, a_server_that_is_not_there_is_unavailable_and_said_without_the_path) {
  HttpCall gone = call("/secret-path?token=x");
  server_->stop(std::chrono::milliseconds(0));
  const auto failed = send(gone);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(failed.error().message().find("secret"), std::string::npos) << failed.error().message();
}

}  // namespace
}  // namespace martlet::net
