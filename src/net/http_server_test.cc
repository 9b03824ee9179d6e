#include "base/clock.h"
#include "base/log.h"
#include "net/http_server.h"
#include "net/internal/test_client.h"
#include "net/router.h"
#include "platform/host.h"
#include "platform/real_clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

namespace martlet::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Waits for what other threads bring about, for at most ten seconds.
bool eventually(const std::function<bool()>& holds) {
  const CancelToken never;
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    platform::pause_until(platform::deadline_in(milliseconds(5)), never);
  }
  return false;
}

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    add(Method::Get, "/hello", Where::Loop, [](Request&) { return Response::text(200, "hello"); });
    add(Method::Post, "/echo", Where::Loop,
        [](Request& request) { return Response::text(200, std::string(request.body)); });
    add(Method::Post, "/pooled", Where::Pool,
        [](Request& request) { return Response::text(200, std::string(request.body)); });
    add(Method::Get, "/big", Where::Pool,
        [](Request&) { return Response::text(200, std::string(5'000'000, 'b')); });
    add(Method::Get, "/wait", Where::Pool, [this](Request&) {
      ++waiting_;
      std::unique_lock lock(gate_mutex_);
      gate_opened_.wait_for(lock, seconds(10), [&] { return gate_open_; });
      return Response::text(200, "waited");
    });
    Route later;
    later.pattern = "/later";
    later.permission = RoutePermission::Open;
    later.where = Where::Loop;
    later.handle = [this](Exchange exchange) {
      const std::lock_guard lock(gate_mutex_);
      kept_.push_back(std::move(exchange));
    };
    router_.add(std::move(later));
  }
  ~HttpServerTest() override { open_gate(); }

  void add(Method method, std::string pattern, Where where,
           std::function<Response(Request&)> answer) {
    Route route;
    route.method = method;
    route.pattern = std::move(pattern);
    route.permission = RoutePermission::Open;
    route.where = where;
    route.answer = std::move(answer);
    router_.add(std::move(route));
  }
  void start() {
    options_.loops = 2;
    auto started = HttpServer::start(options_, router_, clock_, log_);
    ASSERT_TRUE(started.has_value()) << started.error().message();
    server_ = std::move(*started);
  }
  void open_gate() {
    const std::lock_guard lock(gate_mutex_);
    gate_open_ = true;
    gate_opened_.notify_all();
  }
  std::size_t kept() {
    const std::lock_guard lock(gate_mutex_);
    return kept_.size();
  }
  std::uint16_t port() const { return server_->port(); }

  HttpServerOptions options_;
  Router router_;
  platform::RealClock clock_;
  Log& log_ = Log::none();
  std::mutex gate_mutex_;
  std::condition_variable gate_opened_;
  bool gate_open_ = false;
  std::atomic<int> waiting_{0};
  std::vector<Exchange> kept_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, keeps_a_connection_for_many_requests) {
  start();
  TestClient client(port());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.get("/hello"));
    const auto response = client.read();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->body, "hello");
    EXPECT_FALSE(response->says_close());
  }
  EXPECT_EQ(server_->counts().connections, 1u);
  EXPECT_EQ(server_->counts().requests, 100u);
}

TEST_F(HttpServerTest, answers_three_pipelined_requests_in_order) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
                          "POST /pooled HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n22"
                          "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "1\r\n3\r\n2\r\n33\r\n0\r\n\r\n"));
  EXPECT_EQ(client.read()->body, "hello");
  EXPECT_EQ(client.read()->body, "22");
  EXPECT_EQ(client.read()->body, "333");
}

TEST_F(HttpServerTest, large_bodies_go_both_ways) {
  start();
  const std::string body(8'000'000, 'x');
  for (const std::string path : {"/echo", "/pooled"}) {
    TestClient client(port());
    std::thread sender([&] {
      client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n" +
                  body);
    });
    const auto response = client.read();
    sender.join();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->body.size(), body.size());
    ASSERT_TRUE(client.get("/hello"));
    EXPECT_EQ(client.read()->body, "hello");
  }
}

TEST_F(HttpServerTest, a_body_over_the_limit_gets_its_413_though_the_client_still_sends) {
  options_.limits.body_bytes = 1000;
  start();
  TestClient client(port());
  ASSERT_TRUE(client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n"));
  (void)client.send(std::string(400'000, 'x'));
  const auto response = client.read();
  ASSERT_TRUE(response.has_value());  // not lost to a reset
  EXPECT_EQ(response->status, 413);
  EXPECT_TRUE(response->says_close());
}

TEST_F(HttpServerTest, a_slow_head_is_408_and_a_silent_client_is_let_go) {
  options_.limits.header_timeout = milliseconds(60);
  start();
  TestClient slow(port());
  TestClient silent(port());
  ASSERT_TRUE(slow.send("GET /hello HTT"));
  const auto response = slow.read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 408);
  EXPECT_TRUE(slow.ended());
  EXPECT_TRUE(silent.ended());
}

TEST_F(HttpServerTest, an_idle_connection_is_closed) {
  options_.limits.idle_timeout = milliseconds(50);
  start();
  TestClient client(port());
  ASSERT_TRUE(client.get("/hello"));
  ASSERT_TRUE(client.read().has_value());
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, a_client_may_shut_its_side_and_still_get_its_answer) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.send("POST /pooled HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"));
  client.shut();
  EXPECT_EQ(client.read()->body, "x");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, an_exchange_may_be_answered_later_from_another_thread) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.get("/later"));
  ASSERT_TRUE(eventually([&] { return kept() == 1; }));
  std::thread other([&] { kept_[0].respond(Response::text(200, "later")); });
  EXPECT_EQ(client.read()->body, "later");
  other.join();
}

TEST_F(HttpServerTest, a_client_that_vanishes_harms_nobody) {
  start();
  {
    TestClient client(port());
    ASSERT_TRUE(client.get("/later"));
    ASSERT_TRUE(eventually([&] { return kept() == 1; }));
    client.vanish();
  }
  ASSERT_TRUE(eventually([&] { return kept_[0].request().cancel.cancelled(); }));
  EXPECT_EQ(kept_[0].request().path, "/later");
  kept_[0].respond(Response::text(200, "nobody hears"));
  // One that goes away while a large response is on its way.
  for (int i = 0; i < 5; ++i) {
    TestClient client(port());
    ASSERT_TRUE(client.get("/big"));
    client.vanish();
  }
  TestClient client(port());
  ASSERT_TRUE(client.get("/hello"));
  EXPECT_EQ(client.read()->body, "hello");
  EXPECT_TRUE(eventually([&] { return server_->counts().open_connections == 1; }));
  EXPECT_GE(server_->counts().vanished, 1u);
}

TEST_F(HttpServerTest, an_exchange_may_outlive_the_server) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.get("/later"));
  ASSERT_TRUE(eventually([&] { return kept() == 1; }));
  server_->stop(milliseconds(0));
  server_.reset();
  EXPECT_EQ(kept_[0].request().path, "/later");
  kept_[0].respond(Response::text(200, "too late"));
  kept_.clear();
}

TEST_F(HttpServerTest, a_full_queue_is_503_and_the_loops_go_on) {
  options_.pool_threads = 1;
  options_.limits.queued_requests = 2;
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TestClient>(port()));
    ASSERT_TRUE(clients.back()->get("/wait"));
    if (i == 0) {
      ASSERT_TRUE(eventually([&] { return waiting_ == 1; }));
    }
  }
  ASSERT_TRUE(eventually([&] { return server_->counts().queued == 2; }));
  TestClient refused(port());
  ASSERT_TRUE(refused.get("/wait"));
  const auto response = refused.read();
  EXPECT_EQ(response->status, 503);
  EXPECT_NE(response->head.find("Retry-After: 1"), std::string::npos);
  ASSERT_TRUE(refused.get("/hello"));
  EXPECT_EQ(refused.read()->status, 200);
  open_gate();
  for (const auto& client : clients) EXPECT_EQ(client->read()->body, "waited");
}

TEST_F(HttpServerTest, beyond_the_limit_connections_wait_for_others_to_end) {
  options_.limits.connections = 3;
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TestClient>(port()));
    ASSERT_TRUE(clients.back()->get("/hello"));
    ASSERT_TRUE(clients.back()->read().has_value());
  }
  TestClient fourth(port());  // the kernel takes it; the server does not yet
  ASSERT_TRUE(fourth.get("/hello"));
  ASSERT_TRUE(clients[1]->get("/hello"));
  ASSERT_TRUE(clients[1]->read().has_value());
  EXPECT_EQ(server_->counts().connections, 3u);
  clients[0]->close();
  EXPECT_EQ(fourth.read()->body, "hello");
}

TEST_F(HttpServerTest, sixty_four_connections_at_once_each_get_their_own_answers) {
  start();
  constexpr int kClients = 64;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::vector<std::unique_ptr<TestClient>> clients;
      for (int i = 0; i < kClients / 8; ++i)
        clients.push_back(std::make_unique<TestClient>(port()));
      for (int round = 0; round < 20; ++round) {
        for (std::size_t i = 0; i < clients.size(); ++i) {
          const std::string body =
              std::to_string(t) + "-" + std::to_string(i) + "-" + std::to_string(round);
          clients[i]->send(std::string("POST ") + (round % 2 == 0 ? "/echo" : "/pooled") +
                           " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body);
        }
        for (std::size_t i = 0; i < clients.size(); ++i) {
          const auto response = clients[i]->read();
          if (response.has_value() && response->body == std::to_string(t) + "-" +
                                                            std::to_string(i) + "-" +
                                                            std::to_string(round))
            ++right;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kClients * 20);
}

TEST_F(HttpServerTest, draining_answers_what_is_in_flight_and_closes_what_is_idle) {
  start();
  TestClient idle(port());
  ASSERT_TRUE(idle.get("/hello"));
  ASSERT_TRUE(idle.read().has_value());
  TestClient busy(port());
  ASSERT_TRUE(busy.get("/wait"));
  ASSERT_TRUE(eventually([&] { return waiting_ == 1; }));
  std::thread stopper([&] { server_->stop(seconds(10)); });
  ASSERT_TRUE(eventually([&] { return server_->draining(); }));
  EXPECT_TRUE(idle.ended());
  open_gate();
  const auto response = busy.read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "waited");
  EXPECT_TRUE(response->says_close());
  EXPECT_TRUE(busy.ended());
  stopper.join();
  EXPECT_FALSE(TestClient(port()).connected());
  EXPECT_EQ(server_->counts().cut_at_stop, 0u);
}

TEST_F(HttpServerTest, the_grace_ends_a_drain_that_would_not_end) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.get("/later"));
  ASSERT_TRUE(eventually([&] { return kept() == 1; }));
  server_->stop(milliseconds(50));
  EXPECT_TRUE(kept_[0].request().cancel.cancelled());
  EXPECT_EQ(server_->counts().cut_at_stop, 1u);
  EXPECT_FALSE(client.read().has_value());
}

// Clients that reconnect whenever they are told to, and count every request that was sent and not
// answered.
TEST_F(HttpServerTest, a_drain_under_load_drops_no_request) {
  for (int round = 0; round < 2; ++round) {
    start();
    std::atomic<int> answered{0};
    std::atomic<int> dropped{0};
    std::latch warm(8);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        int mine = 0;
        for (;;) {
          TestClient client(port());
          if (!client.connected())
            break;  // refused: the server has stopped, and no request was lost
          for (bool open = true; open;) {
            if (!client.get(mine % 10 == 0 ? "/big" : "/hello")) {
              ++dropped;
              break;
            }
            const auto response = client.read();
            if (!response.has_value() || response->status != 200) {
              ++dropped;
              break;
            }
            ++answered;
            if (++mine == 20) warm.count_down();
            open = !response->says_close() && mine % 50 != 0;
          }
        }
        if (mine < 20) warm.count_down();
      });
    warm.wait();
    server_->stop(seconds(10));
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(dropped, 0) << "of " << answered;
    EXPECT_GT(answered, 8 * 20);
    EXPECT_EQ(server_->counts().cut_at_stop, 0u);
  }
}

TEST_F(HttpServerTest, an_idle_server_uses_no_cpu) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.get("/hello"));
  ASSERT_TRUE(client.read().has_value());
  const double before = platform::process_cpu_seconds();
  platform::pause_until(platform::deadline_in(milliseconds(300)), CancelToken());
  EXPECT_LT(platform::process_cpu_seconds() - before, 0.05);  // the test itself looks every 20 ms
}

TEST_F(HttpServerTest, what_keeps_it_from_starting_is_said) {
  start();
  HttpServerOptions options;
  options.port = port();
  const auto taken = HttpServer::start(options, router_, clock_, log_);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(taken.error().message().find("choose another port"), std::string::npos);
  options.address = "localhost";
  EXPECT_EQ(HttpServer::start(options, router_, clock_, log_).error().code(),
            ErrorCode::InvalidArgument);
  options = {};
  options.limits.headers = 0;
  options.limits.connections = 0;
  EXPECT_EQ(HttpServer::start(options, router_, clock_, log_).error().findings().size(), 2u);
  Router open;
  Route route;
  route.pattern = "/";
  route.answer = [](Request&) { return Response(); };
  open.add(std::move(route));
  EXPECT_EQ(HttpServer::start({}, open, clock_, log_).error().findings().at(0).rule,
            "missing_permission");
}

TEST(HttpServer, knows_loopback_addresses) {
  for (const char* address : {"127.0.0.1", "127.8.8.8", "::1"})
    EXPECT_TRUE(is_loopback_address(address)) << address;
  for (const char* address : {"0.0.0.0", "::", "192.168.0.1", "localhost", "::ffff:127.0.0.1", ""})
    EXPECT_FALSE(is_loopback_address(address)) << address;
}

}  // namespace
}  // namespace martlet::net
