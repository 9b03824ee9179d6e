#include "net/internal/fake_host.h"
#include "net/router.h"

#include <gtest/gtest.h>

namespace martlet::net {
namespace {

Route route(Method method, std::string pattern, std::string name,
            std::optional<RoutePermission> permission = RoutePermission::Open) {
  Route made;
  made.method = method;
  made.pattern = std::move(pattern);
  made.permission = permission;
  made.where = Where::Loop;
  made.answer = [name](Request& request) {
    std::string text = name;
    for (const auto& [key, value] : request.path_parameters)
      text += " " + std::string(key) + "=" + std::string(value);
    return Response::text(200, text);
  };
  return made;
}

// The status and body of one request to a router.
std::pair<int, std::string> ask(Router& router, const std::string& method, const std::string& path,
                                std::string* head = nullptr) {
  FakeHost host;
  host.shared->handler = &router;
  const auto connection = host.connect();
  const std::string said =
      host.talk(*connection, method + " " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::size_t end = said.find("\r\n\r\n");
  if (head != nullptr) *head = said.substr(0, end);
  return {std::stoi(said.substr(9, 3)), said.substr(end + 4)};
}

TEST(Router, finds_the_most_literal_route) {
  Router router;
  router.add(route(Method::Get, "/", "root"));
  router.add(route(Method::Get, "/v2/models/{name}", "model"));
  router.add(route(Method::Get, "/v2/models/{name}/versions/{version}", "version"));
  router.add(route(Method::Get, "/v2/models/all", "all"));
  router.add(route(Method::Post, "/v2/models/{name}/infer", "infer"));
  router.add(route(Method::Get, "/files/{path...}", "file"));
  router.add(route(Method::Get, "/files/special", "special"));
  ASSERT_TRUE(router.check().has_value());
  struct Case {
    const char* method;
    const char* path;
    int status;
    const char* body;
  };
  for (const Case& c :
       {Case{"GET", "/", 200, "root"}, Case{"GET", "/v2/models/m", 200, "model name=m"},
        Case{"GET", "/v2/models/all", 200, "all"},
        Case{"GET", "/v2/models/all/versions/3", 200, "version name=all version=3"},
        Case{"GET", "/v2/models/a%20b", 200, "model name=a b"},
        Case{"POST", "/v2/models/m/infer", 200, "infer name=m"},
        Case{"GET", "/files/a/b/c.txt", 200, "file path=a/b/c.txt"},
        Case{"GET", "/files/special", 200, "special"},
        Case{"GET", "/files/special/x", 200, "file path=special/x"},
        Case{"GET", "/files/", 200, "file path="}, Case{"HEAD", "/v2/models/m", 200, ""}}) {
    const auto [status, body] = ask(router, c.method, c.path);
    EXPECT_EQ(status, c.status) << c.path;
    EXPECT_EQ(body, c.body) << c.path;
  }
  for (const char* path : {"/v2", "/v2/models", "/v2/models/", "/v2/models/m/", "/files", "/x"})
    EXPECT_EQ(ask(router, "GET", path).first, 404) << path;
}

TEST(Router, tells_which_methods_are_allowed) {
  Router router;
  router.add(route(Method::Get, "/x", "get"));
  router.add(route(Method::Delete, "/x", "delete"));
  std::string head;
  EXPECT_EQ(ask(router, "POST", "/x", &head).first, 405);
  EXPECT_NE(head.find("Allow: GET, HEAD, DELETE, OPTIONS"), std::string::npos) << head;
  EXPECT_EQ(ask(router, "OPTIONS", "/x", &head).first, 204);
  EXPECT_NE(head.find("Allow: GET, HEAD, DELETE, OPTIONS"), std::string::npos);
}

TEST(Router, refuses_to_start_with_every_reason_at_once) {
  Router router;
  router.add(route(Method::Get, "/a", "a", std::nullopt));
  router.add(route(Method::Get, "/b", "b", RoutePermission::Admin));
  router.add(route(Method::Get, "/c", "c"));
  router.add(route(Method::Get, "/c", "again"));
  router.add(route(Method::Get, "d", "d"));
  router.add(route(Method::Get, "/e/{X}", "e"));
  router.add(route(Method::Get, "/f/{rest...}/g", "f"));
  router.add(route(Method::Get, "/h/{one}", "h"));
  router.add(route(Method::Put, "/h/{two}", "h"));
  Route without;
  without.pattern = "/i";
  without.permission = RoutePermission::Open;
  router.add(std::move(without));
  Route streamed = route(Method::Put, "/j", "j");
  streamed.body = BodyMode::Streamed;  // `answer` could not read it
  router.add(std::move(streamed));
  Route looped;
  looped.pattern = "/k";
  looped.permission = RoutePermission::Open;
  looped.where = Where::Loop;
  looped.body = BodyMode::Streamed;
  looped.handle = [](Exchange) {};
  router.add(std::move(looped));
  const auto checked = router.check();
  ASSERT_FALSE(checked.has_value());
  std::set<std::string> rules;
  for (const Finding& finding : checked.error().findings())
    rules.insert(finding.rule + " " + finding.path);
  EXPECT_EQ(rules, (std::set<std::string>{
                       "missing_permission GET /a", "missing_guard GET /b", "doubled_route GET /c",
                       "bad_pattern GET d", "bad_pattern GET /e/{X}",
                       "bad_pattern GET /f/{rest...}/g", "bad_pattern PUT /h/{two}",
                       "bad_handler GET /i", "bad_stream PUT /j", "bad_stream GET /k"}));
}

TEST(Router, the_guard_sees_every_route_that_is_not_open) {
  Router router;
  router.add(route(Method::Get, "/open", "open"));
  Route guarded = route(Method::Get, "/guarded", "guarded", RoutePermission::Write);
  guarded.answer = [](Request& request) {
    return Response::text(200, std::any_cast<std::string>(request.identity));
  };
  router.add(std::move(guarded));
  bool allowed = false;
  int asked = 0;
  router.set_guard([&](Request& request, const Route& which) -> std::optional<Response> {
    ++asked;
    EXPECT_EQ(name_of(*which.permission), "write");
    if (!allowed) return Response::text(403, "no");
    request.identity = std::string("ann");
    return std::nullopt;
  });
  ASSERT_TRUE(router.check().has_value());
  EXPECT_EQ(ask(router, "GET", "/open").second, "open");
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(ask(router, "GET", "/guarded").first, 403);
  allowed = true;
  EXPECT_EQ(ask(router, "GET", "/guarded").second, "ann");
}

TEST(Router, the_gate_comes_before_everything_and_errors_take_the_given_shape) {
  Router router;
  router.add(route(Method::Get, "/x", "x"));
  router.set_gate([](const Request& request) -> std::optional<Response> {
    if (request.header("host") != "h") return Response::text(421, "other host");
    return std::nullopt;
  });
  router.set_problem_shape([](const HttpProblem& problem, const Request* request) {
    return Response::text(problem.status,
                          std::string(problem.code) + " " +
                              std::string(request == nullptr ? "?" : request->path));
  });
  EXPECT_EQ(ask(router, "GET", "/y").second, "not_found /y");
  EXPECT_EQ(ask(router, "GET", "/%zz").second, "bad_target ?");
}

}  // namespace
}  // namespace martlet::net
