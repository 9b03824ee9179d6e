// Streamed bodies over real sockets.
#include "base/clock.h"
#include "base/log.h"
#include "net/body_source.h"
#include "net/byte_range.h"
#include "net/http_server.h"
#include "net/internal/test_client.h"
#include "net/router.h"
#include "platform/host.h"
#include "platform/real_clock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace martlet::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool eventually(const std::function<bool()>& holds) {
  const CancelToken never;
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    platform::pause_until(platform::deadline_in(milliseconds(5)), never);
  }
  return false;
}

// What every body here consists of, again and again; its length divides nothing else here.
const std::string& period() {
  static const std::string text = [] {
    std::string made;
    for (int i = 0; made.size() < 65'521; ++i) made += std::to_string(i * 7919) + ' ';
    made.resize(65'521);
    return made;
  }();
  return text;
}

// What stands at an offset, as far as the period's end.
std::string_view from(std::uint64_t offset, std::size_t most) {
  return std::string_view(period()).substr(static_cast<std::size_t>(offset % period().size()),
                                           most);
}

void fill(std::uint64_t offset, std::span<char> into) {
  while (!into.empty()) {
    const std::string_view part = from(offset, into.size());
    std::ranges::copy(part, into.begin());
    into = into.subspan(part.size());
    offset += part.size();
  }
}

// Of the parts that a period's end cuts the bytes into.
std::uint64_t wrong_parts(std::uint64_t offset, std::string_view bytes) {
  std::uint64_t wrong = 0;
  while (!bytes.empty()) {
    const std::string_view part = from(offset, bytes.size());
    wrong += bytes.starts_with(part) ? 0 : 1;
    bytes.remove_prefix(part.size());
    offset += part.size();
  }
  return wrong;
}

class Pattern : public BodySource {
 public:
  Pattern(std::uint64_t size, std::uint64_t fail_at) : size_(size), fail_at_(fail_at) {}
  std::uint64_t size_bytes() const override { return size_; }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    if (offset >= fail_at_) return corrupt("the disk is scratched");
    fill(offset, into);
    return into.size();
  }

 private:
  std::uint64_t size_;
  std::uint64_t fail_at_;
};

class HttpStreams : public testing::Test {
 protected:
  HttpStreams() {
    Route upload;
    upload.method = Method::Put;
    upload.pattern = "/blob";
    upload.permission = RoutePermission::Open;
    upload.body = BodyMode::Streamed;
    upload.handle = [this](Exchange exchange) { receive(std::move(exchange)); };
    router_.add(std::move(upload));
    Route refusal;
    refusal.method = Method::Put;
    refusal.pattern = "/refused";
    refusal.permission = RoutePermission::Open;
    refusal.body = BodyMode::Streamed;
    refusal.handle = [](Exchange exchange) { exchange.respond(Response::text(409, "no")); };
    router_.add(std::move(refusal));
    Route download;
    download.pattern = "/blob/{size}/{fail_at}";
    download.permission = RoutePermission::Open;
    download.answer = [](Request& request) {
      const auto source =
          std::make_shared<Pattern>(std::stoull(std::string(request.path_value("size"))),
                                    std::stoull(std::string(request.path_value("fail_at"))));
      return content_response(request, {.source = source, .etag = entity_tag("v1")});
    };
    router_.add(std::move(download));
    Route plain;
    plain.pattern = "/plain";
    plain.permission = RoutePermission::Open;
    plain.answer = [](Request&) { return Response::text(200, "plain"); };
    router_.add(std::move(plain));
  }
  // Checks each byte, and how much the server holds meanwhile.
  void receive(Exchange exchange) {
    ++receiving_;
    RequestBody body = exchange.body();
    std::uint64_t size = 0;
    std::uint64_t wrong = 0;
    for (;;) {
      const Result<std::string_view> piece = body.read();
      note_buffered();
      if (!piece.has_value()) {
        const std::lock_guard lock(failures_mutex_);
        failures_.push_back(piece.error().code());
        cancelled_ += exchange.request().cancel.cancelled() ? 1 : 0;
        exchange.respond(Response::text(500, "failed"));
        return;
      }
      if (piece->empty()) break;
      wrong += wrong_parts(size, *piece);
      size += piece->size();
    }
    exchange.respond(Response::text(200, std::to_string(size) + " " + std::to_string(wrong)));
  }
  void note_buffered() {
    const std::uint64_t now = server_->counts().buffered_bytes;
    for (std::uint64_t most = buffered_;
         now > most && !buffered_.compare_exchange_weak(most, now);) {}
  }
  void start() {
    options_.loops = 2;
    auto started = HttpServer::start(options_, router_, clock_, log_);
    ASSERT_TRUE(started.has_value()) << started.error().message();
    server_ = std::move(*started);
  }
  std::vector<ErrorCode> failures() {
    const std::lock_guard lock(failures_mutex_);
    return failures_;
  }
  // The answer to an upload of so many bytes; "" when there was none.
  static std::string upload(TestClient& client, std::uint64_t size, bool chunked) {
    client.send("PUT /blob HTTP/1.1\r\nHost: h\r\n" +
                (chunked ? std::string("Transfer-Encoding: chunked")
                         : "Content-Length: " + std::to_string(size)) +
                "\r\n\r\n");
    std::string piece(100'000, ' ');
    for (std::uint64_t sent = 0; sent < size; sent += piece.size()) {
      piece.resize(std::min<std::uint64_t>(piece.size(), size - sent));
      fill(sent, piece);
      if (chunked) client.send(fmt::format("{:x}\r\n", piece.size()));
      if (!client.send(piece)) return "";
      if (chunked) client.send("\r\n");
    }
    if (chunked) client.send("0\r\n\r\n");
    const auto response = client.read();
    return response.has_value() ? response->body : "";
  }

  HttpServerOptions options_;
  Router router_;
  platform::RealClock clock_;
  Log& log_ = Log::none();
  std::atomic<int> receiving_{0};
  std::atomic<std::uint64_t> buffered_{0};
  std::mutex failures_mutex_;
  std::vector<ErrorCode> failures_;
  int cancelled_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpStreams, two_hundred_megabytes_go_up_through_a_window) {
  start();
  TestClient client(server_->port());
  EXPECT_EQ(upload(client, 200'000'000, false), "200000000 0");
  EXPECT_GT(buffered_, 0u);
  EXPECT_LE(buffered_, options_.limits.stream_window_bytes);
  EXPECT_EQ(upload(client, 3'000'000, true), "3000000 0");  // on the same connection
  EXPECT_EQ(server_->counts().connections, 1u);
  EXPECT_EQ(server_->counts().buffered_bytes, 0u);
}

TEST_F(HttpStreams, two_hundred_megabytes_go_down_through_a_window) {
  start();
  TestClient client(server_->port());
  ASSERT_TRUE(client.get("/blob/200000000/200000000"));
  ASSERT_NE(client.read_head().find("content-length: 200000000\r\n"), std::string::npos);
  std::uint64_t size = 0;
  std::uint64_t wrong = 0;
  while (size < 200'000'000) {
    const std::string piece = client.read_some();
    ASSERT_FALSE(piece.empty()) << size;
    note_buffered();
    wrong += wrong_parts(size, piece);
    size += piece.size();
  }
  EXPECT_EQ(size, 200'000'000u);
  EXPECT_EQ(wrong, 0u);
  EXPECT_LE(buffered_, options_.limits.stream_window_bytes);
  ASSERT_TRUE(client.get("/plain"));
  EXPECT_EQ(client.read()->body, "plain");
}

TEST_F(HttpStreams, a_client_that_takes_nothing_holds_up_its_source) {
  start();
  TestClient client(server_->port());
  ASSERT_TRUE(client.get("/blob/200000000/200000000"));
  ASSERT_TRUE(eventually([&] { return server_->counts().responses == 1; }));
  TestClient other(server_->port());
  ASSERT_TRUE(other.get("/plain"));
  EXPECT_EQ(other.read()->body, "plain");
  EXPECT_LE(server_->counts().buffered_bytes, options_.limits.stream_window_bytes);
}

TEST_F(HttpStreams, parts_are_answered_with_what_they_are) {
  start();
  TestClient client(server_->port());
  ASSERT_TRUE(client.send("GET /blob/1000000/1000000 HTTP/1.1\r\nHost: h\r\nRange: bytes=500000-"
                          "899999\r\nIf-Range: \"v1\"\r\n\r\n"));
  const auto part = client.read();
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->status, 206);
  EXPECT_NE(part->head.find("Content-Range: bytes 500000-899999/1000000"), std::string::npos);
  EXPECT_EQ(part->body.size(), 400'000u);
  EXPECT_EQ(wrong_parts(500'000, part->body), 0u);
  ASSERT_TRUE(client.send("GET /blob/10/10 HTTP/1.1\r\nHost: h\r\nRange: bytes=10-\r\n\r\n"));
  EXPECT_EQ(client.read()->status, 416);
  ASSERT_TRUE(client.send("GET /blob/10/10 HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"v1\"\r\n\r\n"));
  EXPECT_EQ(client.read()->status, 304);
  ASSERT_TRUE(client.get("/blob/0/0"));
  EXPECT_EQ(client.read()->status, 200);
}

TEST_F(HttpStreams, a_source_that_fails_midway_shows_as_a_body_cut_short) {
  start();
  TestClient client(server_->port());
  ASSERT_TRUE(client.get("/blob/10000000/5000000"));
  EXPECT_NE(client.read_head().find("200 OK"), std::string::npos);
  std::size_t size = 0;
  for (std::string piece; !(piece = client.read_some()).empty();) size += piece.size();
  EXPECT_LE(size, 5'000'000u + options_.limits.stream_window_bytes);
  EXPECT_GT(size, 0u);
  EXPECT_EQ(server_->counts().source_failures, 1u);
}

TEST_F(HttpStreams, a_client_that_vanishes_while_it_sends_frees_the_handler) {
  start();
  for (const bool reset : {false, true}) {
    TestClient client(server_->port());
    client.send("PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegun");
    const int before = receiving_;
    ASSERT_TRUE(eventually([&] { return receiving_ == 1 + (reset ? 1 : 0); })) << before;
    reset ? client.vanish() : client.close();
    ASSERT_TRUE(eventually([&] { return failures().size() == (reset ? 2u : 1u); }));
  }
  EXPECT_EQ(failures(), (std::vector{ErrorCode::Cancelled, ErrorCode::Cancelled}));
  EXPECT_EQ(cancelled_, 2);
  EXPECT_EQ(server_->counts().vanished, 2u);
}

TEST_F(HttpStreams, a_client_that_sends_too_slowly_is_told) {
  options_.limits.rate_window = milliseconds(60);
  start();
  TestClient client(server_->port());
  client.send("PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegun");
  const auto response = client.read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 408);
  ASSERT_TRUE(eventually([&] { return failures().size() == 1; }));
  EXPECT_EQ(failures()[0], ErrorCode::DeadlineExceeded);
}

TEST_F(HttpStreams, an_early_answer_reaches_a_client_that_still_sends) {
  start();
  TestClient client(server_->port());
  ASSERT_TRUE(client.send("PUT /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n"));
  ASSERT_TRUE(client.send(std::string(20'000'000, 'x')));
  const auto response = client.read();
  ASSERT_TRUE(response.has_value());  // not lost to a reset
  EXPECT_EQ(response->status, 409);
  EXPECT_TRUE(response->says_close());
}

TEST_F(HttpStreams, stopping_frees_handlers_that_wait_for_their_clients) {
  start();
  TestClient client(server_->port());
  client.send("PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegun");
  ASSERT_TRUE(eventually([&] { return receiving_ == 1; }));
  server_->stop(milliseconds(50));
  EXPECT_EQ(failures(), std::vector{ErrorCode::Cancelled});
  EXPECT_EQ(server_->counts().cut_at_stop, 1u);
}

TEST_F(HttpStreams, a_handler_may_ask_for_counts_while_the_server_waits_for_it) {
  Route route;
  route.method = Method::Put;
  route.pattern = "/counting";
  route.permission = RoutePermission::Open;
  route.body = BodyMode::Streamed;
  route.handle = [this](Exchange exchange) {
    ++receiving_;
    while (exchange.body().read().has_value()) {}
    // stop() waits for this thread by then, or soon.
    for (int i = 0; i < 20; ++i) {
      (void)server_->counts();
      platform::pause_until(platform::deadline_in(milliseconds(2)), CancelToken());
    }
  };
  router_.add(std::move(route));
  start();
  TestClient client(server_->port());
  client.send("PUT /counting HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nbegun");
  ASSERT_TRUE(eventually([&] { return receiving_ == 1; }));
  server_->stop(milliseconds(0));
  EXPECT_EQ(server_->counts().cut_at_stop, 1u);
}

TEST_F(HttpStreams, a_drain_waits_for_uploads_and_downloads_that_go_on) {
  start();
  TestClient up(server_->port());
  up.send("PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  TestClient down(server_->port());
  ASSERT_TRUE(down.get("/blob/30000000/30000000"));
  ASSERT_TRUE(eventually([&] { return receiving_ == 1 && server_->counts().responses == 1; }));
  std::thread stopper([&] { server_->stop(seconds(10)); });
  ASSERT_TRUE(eventually([&] { return server_->draining(); }));
  std::string body(1000, ' ');
  fill(0, body);
  ASSERT_TRUE(up.send(body));
  const auto response = up.read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "1000 0");
  EXPECT_TRUE(response->says_close());
  const auto taken = down.read();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(wrong_parts(0, taken->body), 0u);
  EXPECT_TRUE(down.ended());
  stopper.join();
  EXPECT_EQ(server_->counts().cut_at_stop, 0u);
}

TEST_F(HttpStreams, slow_uploads_keep_no_other_request_waiting) {
  options_.pool_threads = 1;
  options_.stream_threads = 2;
  start();
  std::vector<std::unique_ptr<TestClient>> slow;
  for (int i = 0; i < 5; ++i) {
    slow.push_back(std::make_unique<TestClient>(server_->port()));
    slow.back()->send("PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  }
  ASSERT_TRUE(eventually([&] { return server_->counts().queued == 3 && receiving_ == 2; }));
  TestClient client(server_->port());
  ASSERT_TRUE(client.get("/plain"));
  EXPECT_EQ(client.read()->body, "plain");
  ASSERT_TRUE(client.get("/blob/1000000/1000000"));
  EXPECT_EQ(client.read()->body.size(), 1'000'000u);
  std::string body(5, ' ');
  fill(0, body);
  for (const auto& one : slow) ASSERT_TRUE(one->send(body));
  for (const auto& one : slow) EXPECT_EQ(one->read()->body, "5 0");  // the queued ones too
}

TEST_F(HttpStreams, many_at_once_each_get_their_own_bytes) {
  start();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      TestClient client(server_->port());
      for (int round = 0; round < 6; ++round) {
        const std::uint64_t size = 1 + 300'000u * static_cast<unsigned>((t + round) % 4);
        if ((t + round) % 2 == 0) {
          right += upload(client, size, round % 4 < 2) == std::to_string(size) + " 0" ? 1 : 0;
          continue;
        }
        client.get("/blob/" + std::to_string(size) + "/" + std::to_string(size));
        const auto response = client.read();
        right += response.has_value() && response->body.size() == size &&
                         wrong_parts(0, response->body) == 0
                     ? 1
                     : 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 48);
  EXPECT_EQ(server_->counts().buffered_bytes, 0u);
}

}  // namespace
}  // namespace martlet::net
