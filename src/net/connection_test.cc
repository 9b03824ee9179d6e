#include "net/internal/connection.h"
#include "net/internal/fake_host.h"

#include <gtest/gtest.h>

namespace martlet::net {
namespace {

using State = Connection::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string body_of(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string::npos ? "" : response.substr(end + 4);
}

int status_of(const std::string& response) {
  return response.starts_with("HTTP/1.1 ") ? std::stoi(response.substr(9, 3)) : 0;
}

int count(std::string_view text, std::string_view wanted) {
  int found = 0;
  for (std::size_t at = text.find(wanted); at != std::string_view::npos;
       at = text.find(wanted, at + 1))
    ++found;
  return found;
}

TEST(Connection, answers_a_request_and_stays_open) {
  FakeHost host;
  const auto connection = host.connect();
  const std::string said =
      host.talk(*connection, "GET /a%20b?x=1&y=%2B+z&empty&=v HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(said, "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                  "content-type: text/plain; charset=utf-8\r\ncontent-length: 29\r\n"
                  "x-request-id: 0000000000000001\r\n\r\nGET /a b x=1 y=+ z empty= =v\n");
  EXPECT_EQ(connection->state(), State::Head);
}

TEST(Connection, the_same_bytes_in_any_pieces_give_the_same_answers) {
  const std::string requests =
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "\r\nPOST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
      "DELETE http://h/4?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  std::string whole;
  for (const std::size_t piece :
       {std::size_t{100'000}, std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}}) {
    FakeHost host;
    const auto connection = host.connect();
    const std::string said = host.talk(*connection, requests, piece);
    if (whole.empty()) whole = said;
    EXPECT_EQ(said, whole) << "in pieces of " << piece;
    EXPECT_EQ(connection->state(), State::Lingering);
  }
  EXPECT_EQ(count(whole, "HTTP/1.1 200 OK"), 4);
  EXPECT_NE(whole.find("POST /2\nhello"), std::string::npos);
  EXPECT_NE(whole.find("POST /3\nabc0123456789"), std::string::npos);
  EXPECT_NE(whole.find("DELETE /4 q=\n"), std::string::npos);
  EXPECT_EQ(count(whole, "connection: close"), 1);
}

TEST(Connection, malformed_requests_are_refused_each_with_its_status) {
  struct Case {
    std::string bytes;
    int status;
    std::string code;
  };
  const std::string h = "Host: h\r\n";
  const std::vector<Case> cases = {
      {"\x16\x03\x01\x02", 400, "not_http"},
      {" GET / HTTP/1.1\r\n\r\n", 400, "not_http"},
      {"GET /\r\n\r\n", 400, "bad_request_line"},
      {"GET / HTTP/1.1\nHost: h\n\n", 400, "bad_line_end"},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "bad_line_end"},
      {"G@T / HTTP/1.1\r\n" + h + "\r\n", 400, "bad_request_line"},
      {"BREW / HTTP/1.1\r\n" + h + "\r\n", 501, "unknown_method"},
      {"get / HTTP/1.1\r\n" + h + "\r\n", 501, "unknown_method"},
      {"CONNECT a:1 HTTP/1.1\r\n" + h + "\r\n", 501, "unknown_method"},
      {"PRI * HTTP/2.0\r\n\r\n", 505, "bad_version"},
      {"GET / HTTX/1.1\r\n" + h + "\r\n", 400, "bad_version"},
      {"GET  / HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /a b HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /\xC3\xA9 HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET a HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET * HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /#x HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /%4 HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /%zz HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /?a=%1 HTTP/1.1\r\n" + h + "\r\n", 400, "bad_target"},
      {"GET /%00 HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET /a%0d%0ab HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET /%ff HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET /?a=%ff HTTP/1.1\r\n" + h + "\r\n", 400, "bad_query"},
      {"GET /a/../b HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET /a/%2e%2E/b HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET /a%2f..%2fb HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET /.. HTTP/1.1\r\n" + h + "\r\n", 400, "bad_path"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "bad_host"},
      {"GET / HTTP/1.1\r\n" + h + h + "\r\n", 400, "bad_host"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_host"},
      {"GET / HTTP/1.1\r\n" + h + "X : 1\r\n\r\n", 400, "bad_header"},
      {"GET / HTTP/1.1\r\n" + h + ": 1\r\n\r\n", 400, "bad_header"},
      {"GET / HTTP/1.1\r\n" + h + "X: a\r\n b\r\n\r\n", 400, "bad_header"},
      {"GET / HTTP/1.1\r\n" + h + "no colon\r\n\r\n", 400, "bad_header"},
      {"GET / HTTP/1.1\r\n" + h + "X: a\rb\r\n\r\n", 400, "bad_header"},
      {"GET / HTTP/1.1\r\n" + h + std::string("X: a\0b\r\n\r\n", 10), 400, "bad_header"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length : 3\r\n\r\nabc", 400, "bad_header"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: +3\r\n\r\nabc", 400, "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: -3\r\n\r\nabc", 400, "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 3, 3\r\n\r\nabc", 400, "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 0x3\r\n\r\nabc", 400, "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length:\r\n\r\nabc", 400, "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 99999999999999999999\r\n\r\n", 400,
       "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400,
       "bad_content_length"},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
       400, "conflicting_lengths"},
      {"POST / HTTP/1.1\r\n" + h +
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400, "conflicting_lengths"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "conflicting_lengths"},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
       "unknown_transfer_encoding"},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: xchunked\r\n\r\n", 501,
       "unknown_transfer_encoding"},
      {"POST / HTTP/1.1\r\n" + h + "Expect: miracles\r\nContent-Length: 1\r\n\r\na", 417,
       "unknown_expectation"},
      {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n" + h + "\r\n", 431, "headers_too_large"},
      {std::string(20'000, 'a'), 431, "headers_too_large"},
  };
  for (const Case& c : cases) {
    FakeHost host;
    const auto connection = host.connect();
    const std::string said =
        host.talk(*connection, c.bytes + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(said), c.status) << c.bytes.substr(0, 80) << "\n" << said;
    EXPECT_NE(said.find("\"code\":\"" + c.code + "\""), std::string::npos)
        << c.bytes.substr(0, 80) << "\n"
        << said;
    EXPECT_NE(said.find("connection: close"), std::string::npos);
    EXPECT_EQ(said.find("smuggled"), std::string::npos) << c.bytes.substr(0, 80);
    EXPECT_EQ(count(said, "x-request-id: "), 1);
    EXPECT_EQ(connection->state(), State::Lingering);
  }
}

TEST(Connection, a_refusal_has_nothing_of_the_request_before) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{200'000}}) {  // its buffer is freed
    FakeHost host;
    const auto connection = host.connect();
    const std::string first = host.talk(
        *connection, "POST / HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine\r\nContent-Length: " +
                         std::to_string(length) + "\r\n\r\n" + std::string(length, 'x'));
    EXPECT_NE(first.find("x-request-id: mine\r\n"), std::string::npos);
    const std::string refusal = host.talk(*connection, "\x16\x03\x01");
    EXPECT_EQ(status_of(refusal), 400);
    EXPECT_EQ(refusal.find("mine"), std::string::npos) << refusal;
  }
}

TEST(Connection, malformed_chunks_are_refused) {
  for (const std::string chunks :
       {"3\r\nabcXX0\r\n\r\n", "3\rXabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "\r\nabc", "g\r\n",
        "-1\r\n", "0x3\r\nabc\r\n", "1000000000000000\r\n", "3;a\nb\r\nabc\r\n", "3\r\nabcd\r\n",
        "0\r\nT: x\n\r\n", "0\r\n\rX"}) {
    FakeHost host;
    const auto connection = host.connect();
    const std::string said = host.talk(
        *connection, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
    EXPECT_EQ(status_of(said), 400) << chunks << "\n" << said;
  }
}

TEST(Connection, too_many_headers_and_trailers_are_refused) {
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  FakeHost host;
  auto connection = host.connect();
  EXPECT_EQ(status_of(host.talk(*connection, "GET / HTTP/1.0\r\n" + many + "\r\n")), 431);
  connection = host.connect();
  EXPECT_EQ(status_of(host.talk(*connection, "GET / HTTP/1.0\r\n" + many.substr(6) + "\r\n")), 200);
  connection = host.connect();
  EXPECT_EQ(
      status_of(host.talk(*connection,
                          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                              std::string(20'000, 't') + "\r\n\r\n")),
      431);
}

TEST(Connection, bodies_are_held_to_the_routes_limit_and_to_the_servers_memory) {
  HttpLimits limits;
  limits.body_bytes = 1000;
  limits.all_bodies_bytes = 1500;
  FakeHost host(limits);
  host.handler.planned = [](Request& request) {
    RequestPlan plan{Where::Pool, {}, {}};
    if (request.path == "/small") plan.body_limit_bytes = 10;
    return plan;
  };
  const auto post = [](const std::string& path, int length) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  };
  auto connection = host.connect();
  EXPECT_EQ(status_of(host.talk(*connection, post("/", 1001))), 413);
  connection = host.connect();
  EXPECT_EQ(status_of(host.talk(*connection, post("/small", 11))), 413);
  connection = host.connect();
  EXPECT_EQ(status_of(host.talk(
                *connection, "POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n")),
            413);

  const auto first = host.connect();
  EXPECT_EQ(host.talk(*first, post("/", 1000) + std::string(1000, 'x')), "");  // waits for the pool
  const auto second = host.connect();
  const std::string refused = host.talk(*second, post("/", 600));
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(status_of(host.work(*first)), 200);
  const auto third = host.connect();
  EXPECT_EQ(host.talk(*third, post("/", 600)), "");  // the memory is free again
}

TEST(Connection, a_body_larger_than_the_first_buffer_arrives_whole_and_its_views_hold) {
  FakeHost host;
  const auto connection = host.connect();
  std::string body(1'000'000, 'x');
  body.back() = 'y';
  const std::string said = host.talk(*connection,
                                     "POST /big?q=%41 HTTP/1.1\r\nHost: h\r\nX-Request-Id: "
                                     "mine\r\nContent-Length: 1000000\r\n\r\n" +
                                         body,
                                     10'000);
  EXPECT_EQ(body_of(said), "POST /big q=A\n" + body);
  EXPECT_NE(said.find("x-request-id: mine\r\n"), std::string::npos);
}

TEST(Connection, answers_to_head_have_no_body_and_204_has_no_length) {
  FakeHost host;
  const auto connection = host.connect();
  const std::string said = host.talk(*connection, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(said.find("content-length: 8\r\n"), std::string::npos) << said;
  EXPECT_EQ(body_of(said), "");
  host.handler.handled = [](Exchange exchange) {
    exchange.respond({204, "text/plain", {}, "not sent"});
  };
  const std::string empty = host.talk(*connection, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(empty.find("content-"), std::string::npos);
  EXPECT_EQ(body_of(empty), "");
}

TEST(Connection, an_expectation_is_met_before_the_body_and_refused_without_it) {
  FakeHost host;
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  auto connection = host.connect();
  EXPECT_EQ(host.talk(*connection, head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(status_of(host.talk(*connection, "ok")), 200);
  connection = host.connect();
  EXPECT_EQ(count(host.talk(*connection, head + "ok"), "100 Continue"), 0);  // it did not wait
  host.handler.planned = [](Request&) {
    return RequestPlan{Where::Loop, {}, Response::text(401, "no")};
  };
  connection = host.connect();
  const std::string refused = host.talk(*connection, head);
  EXPECT_EQ(status_of(refused), 401);
  EXPECT_NE(refused.find("connection: close"), std::string::npos);
}

TEST(Connection, an_expectation_is_met_behind_the_answer_before) {
  FakeHost host;
  host.handler.handled = [](Exchange exchange) {
    exchange.respond(Response::text(200, std::string(20'000, '.')));
  };
  const auto connection = host.connect();
  const std::string requests =
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  std::ranges::copy(requests, connection->room().begin());
  connection->received(requests.size());
  connection->advance();  // nothing of the first answer has been taken
  const std::string said = host.flush(*connection);
  EXPECT_TRUE(said.ends_with("..HTTP/1.1 100 Continue\r\n\r\n")) << said.substr(0, 300);
}

TEST(Connection, a_refusal_of_a_small_request_keeps_the_connection) {
  FakeHost host;
  host.handler.planned = [](Request& request) {
    RequestPlan plan{Where::Loop, {}, {}};
    if (request.path == "/no") plan.refusal = Response::text(404, "no");
    return plan;
  };
  const auto connection = host.connect();
  const std::string said =
      host.talk(*connection, "POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                             "GET /yes HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(said), 404);
  EXPECT_NE(said.find("GET /yes"), std::string::npos);
  EXPECT_EQ(said.find("connection: close"), std::string::npos);
}

TEST(Connection, http_1_0_closes_unless_asked_to_stay) {
  FakeHost host;
  auto connection = host.connect();
  EXPECT_NE(host.talk(*connection, "GET / HTTP/1.0\r\n\r\n").find("connection: close"),
            std::string::npos);
  EXPECT_EQ(connection->state(), State::Lingering);
  connection = host.connect();
  EXPECT_NE(host.talk(*connection, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
                .find("connection: keep-alive"),
            std::string::npos);
  EXPECT_EQ(connection->state(), State::Head);
}

TEST(Connection, pipelined_requests_are_answered_in_order_though_the_pool_is_slow) {
  FakeHost host;
  host.handler.planned = [](Request& request) {
    return RequestPlan{request.path == "/slow" ? Where::Pool : Where::Loop, {}, {}};
  };
  const auto connection = host.connect();
  const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string early =
      host.talk(*connection, "GET /1" + tail + "GET /slow" + tail + "GET /3" + tail);
  EXPECT_EQ(count(early, "200 OK"), 1);
  EXPECT_EQ(connection->state(), State::Handling);
  const std::string late = host.work(*connection);
  EXPECT_LT(late.find("GET /slow"), late.find("GET /3"));
}

TEST(Connection, a_thousand_pipelined_requests_with_large_answers_keep_their_order) {
  FakeHost host;
  host.handler.handled = [](Exchange exchange) {
    const std::string path(exchange.request().path);
    exchange.respond(
        Response::text(200, path + std::string(path.back() == '7' ? 20'000 : 10, '.')));
  };
  std::string requests;
  for (int i = 0; i < 1000; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto connection = host.connect();
  const std::string said = host.talk(*connection, requests);
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = said.find("\r\n\r\n/" + std::to_string(i) + ".", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(Connection, responses_cannot_be_split_by_what_a_handler_puts_into_headers) {
  for (const auto& header :
       std::vector<std::pair<std::string, std::string>>{{"X", "a\r\nSet-Cookie: b"},
                                                        {"X", "a\nb"},
                                                        {"X", std::string("a\0b", 3)},
                                                        {"X y", "a"},
                                                        {"", "a"},
                                                        {"Content-Length", "3"},
                                                        {"transfer-encoding", "chunked"}}) {
    FakeHost host;
    host.handler.handled = [&](Exchange exchange) {
      exchange.respond({200, "text/plain", {header}, "body"});
    };
    const auto connection = host.connect();
    const std::string said = host.talk(*connection, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(said), 500) << header.first;
    EXPECT_EQ(said.find("Set-Cookie"), std::string::npos);
  }
}

TEST(Connection, an_unanswered_exchange_answers_itself) {
  FakeHost host;
  host.handler.handled = [](Exchange) {};
  const auto connection = host.connect();
  EXPECT_EQ(status_of(host.talk(*connection, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")), 500);
  EXPECT_EQ(connection->state(), State::Head);
}

TEST(Connection, a_full_queue_is_503_with_retry_after) {
  FakeHost host;
  host.pool_full = true;
  host.handler.planned = [](Request&) { return RequestPlan{Where::Pool, {}, {}}; };
  const auto connection = host.connect();
  const std::string said = host.talk(*connection, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(said), 503);
  EXPECT_NE(said.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(connection->state(), State::Head);
}

class ConnectionTimes : public testing::Test {
 protected:
  void pass(milliseconds time) {
    host_.time += time;
    if (connection_->deadline() <= host_.time) connection_->expire();
    said_ += host_.flush(*connection_);
  }
  FakeHost host_;
  std::shared_ptr<Connection> connection_ = host_.connect();
  std::string said_;
};

TEST_F(ConnectionTimes, a_silent_connection_is_closed_without_a_word) {
  pass(seconds(9));
  EXPECT_EQ(connection_->state(), State::Head);
  pass(seconds(2));
  EXPECT_EQ(connection_->state(), State::Closed);
  EXPECT_EQ(said_, "");
}

TEST_F(ConnectionTimes, a_head_that_drips_in_is_408_after_the_header_timeout) {
  for (int i = 0; i < 9; ++i) {
    host_.talk(*connection_, "X");
    pass(seconds(1));
  }
  EXPECT_EQ(connection_->state(), State::Head);
  pass(seconds(2));
  EXPECT_EQ(status_of(said_), 408);
  EXPECT_EQ(connection_->state(), State::Lingering);
  pass(seconds(2));
  EXPECT_EQ(connection_->state(), State::Closed);
}

TEST_F(ConnectionTimes, a_kept_connection_may_idle_for_a_minute) {
  host_.talk(*connection_, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  pass(seconds(59));
  EXPECT_EQ(connection_->state(), State::Head);
  host_.talk(*connection_, "G");  // the header time-out begins with its first byte
  pass(seconds(9));
  EXPECT_EQ(said_, "");
  pass(seconds(2));
  EXPECT_EQ(status_of(said_), 408);
}

TEST_F(ConnectionTimes, a_body_below_the_least_rate_is_408_and_one_above_is_not) {
  host_.talk(*connection_, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 40000\r\n\r\n");
  host_.talk(*connection_, std::string(11'000, 'x'));
  pass(seconds(11));
  host_.talk(*connection_, std::string(11'000, 'x'));
  pass(seconds(11));
  EXPECT_EQ(connection_->state(), State::Body);
  host_.talk(*connection_, std::string(1000, 'x'));
  pass(seconds(11));
  EXPECT_EQ(status_of(said_), 408);
}

TEST_F(ConnectionTimes, a_handler_that_takes_too_long_is_504_and_its_late_answer_is_dropped) {
  host_.handler.planned = [](Request&) { return RequestPlan{Where::Pool, {}, {}}; };
  std::vector<Exchange> kept;
  host_.handler.handled = [&](Exchange exchange) { kept.push_back(std::move(exchange)); };
  host_.talk(*connection_, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  host_.work(*connection_);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FALSE(kept[0].request().cancel.cancelled());
  pass(seconds(61));
  EXPECT_EQ(status_of(said_), 504);
  EXPECT_TRUE(kept[0].request().cancel.cancelled());
  EXPECT_EQ(kept[0].request().path, "/held");  // still readable
  kept[0].respond(Response::text(200, "late"));
  EXPECT_EQ(host_.read_mail(*connection_), "");
}

TEST_F(ConnectionTimes, an_exchange_outlives_its_client) {
  host_.handler.planned = [](Request&) { return RequestPlan{Where::Pool, {}, {}}; };
  std::vector<Exchange> kept;
  host_.handler.handled = [&](Exchange exchange) { kept.push_back(std::move(exchange)); };
  host_.talk(*connection_, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  host_.work(*connection_);
  connection_->close();
  connection_.reset();
  EXPECT_TRUE(kept[0].request().cancel.cancelled());
  EXPECT_EQ(kept[0].request().path, "/held");
  kept[0].respond(Response::text(200, "nobody hears"));
  EXPECT_EQ(host_.shared->vanished.load(), 1u);
}

TEST_F(ConnectionTimes, a_large_answer_may_take_longer_than_the_idle_timeout_if_it_moves) {
  host_.handler.handled = [](Exchange exchange) {
    exchange.respond(Response::text(200, std::string(200'000, 'b')));
  };
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::span<char> room = connection_->room();
  std::copy(request.begin(), request.end(), room.begin());
  connection_->received(request.size());
  connection_->advance();
  host_.shared->draining = true;
  connection_->drain();  // not idle: the answer is on its way
  for (int i = 0; i < 5; ++i) {
    connection_->written(20'000);
    host_.time = connection_->deadline();
    connection_->expire();
    EXPECT_EQ(connection_->state(), State::Head);
  }
  connection_->written(100);
  host_.time = connection_->deadline();
  connection_->expire();
  EXPECT_EQ(connection_->state(), State::Closed);  // too slow
}

TEST_F(ConnectionTimes, draining_closes_idle_ones_soon_and_says_so_to_others) {
  host_.talk(*connection_, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  host_.shared->draining = true;
  connection_->drain();
  pass(milliseconds(400));
  EXPECT_EQ(connection_->state(), State::Head);
  const std::string last = host_.talk(*connection_, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(last), 200);
  EXPECT_NE(last.find("connection: close"), std::string::npos);
}

}  // namespace
}  // namespace martlet::net
