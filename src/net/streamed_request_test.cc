#include "net/internal/connection.h"
#include "net/internal/fake_host.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

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

// A connection whose requests are streamed, with a window of 1 KiB; the handler only keeps its
// exchange, the test reads for it.
class StreamedRequest : public testing::Test {
 protected:
  static HttpLimits small() {
    HttpLimits limits;
    limits.stream_window_bytes = 1024;
    return limits;
  }
  StreamedRequest() {
    host_.handler.planned = [this](Request&) {
      RequestPlan plan;
      plan.body = BodyMode::Streamed;
      plan.body_limit_bytes = limit_;
      return plan;
    };
    host_.handler.handled = [this](Exchange exchange) {
      exchanges_.push_back(std::move(exchange));
    };
  }
  // What there is to read now, with the loop's turn after each piece.
  std::string read() {
    std::string text;
    while (exchanges_.back().body().ready()) {
      const Result<std::string_view> piece = exchanges_.back().body().read();
      if (!piece.has_value()) {
        failure_ = piece.error();
        break;
      }
      ended_ = piece->empty();
      if (ended_) break;
      largest_ = std::max(largest_, piece->size());
      text += *piece;
      said_ += host_.read_mail(*connection_);
    }
    said_ += host_.read_mail(*connection_);
    return text;
  }
  void send(std::string_view bytes, std::size_t piece = SIZE_MAX) {
    said_ += host_.talk(*connection_, bytes, piece);
    said_ += host_.work(*connection_);
  }
  // Sends as much as is taken until the body is whole, reading whenever nothing more is; what was
  // read.
  std::string send_and_read(std::string_view& bytes, std::size_t piece) {
    std::string text;
    while (!bytes.empty() && connection_->state() != State::Handling) {
      if (!connection_->wants_input()) {
        text += read();
        if (!connection_->wants_input()) return text;
      }
      const std::size_t part = std::min({piece, bytes.size(), connection_->room().size()});
      send(bytes.substr(0, part));
      bytes.remove_prefix(part);
    }
    return text + read();
  }
  void answer(std::string text) {
    Exchange exchange = std::move(exchanges_.back());
    exchanges_.pop_back();
    exchange.respond(Response::text(200, std::move(text)));
    said_ += host_.read_mail(*connection_);
  }
  void pass(milliseconds time) {
    host_.time += time;
    if (connection_->deadline() <= host_.time) connection_->expire();
    said_ += host_.flush(*connection_);
  }
  std::string said() { return std::exchange(said_, ""); }
  ErrorCode failure() { return failure_.has_value() ? failure_->code() : ErrorCode::Internal; }

  FakeHost host_{small()};
  std::optional<std::size_t> limit_;
  std::shared_ptr<Connection> connection_ = host_.connect();
  std::vector<Exchange> exchanges_;
  std::string said_;
  bool ended_ = false;
  std::size_t largest_ = 0;
  std::optional<Error> failure_;
};

std::string numbered(std::size_t size_bytes) {
  std::string text;
  for (int i = 0; text.size() < size_bytes; ++i) text += std::to_string(i) + ",";
  text.resize(size_bytes);
  return text;
}

std::string chunked(std::string_view body, std::size_t chunk) {
  std::string text;
  for (; !body.empty(); body.remove_prefix(std::min(chunk, body.size())))
    text += fmt::format("{:x}\r\n{}\r\n", std::min(chunk, body.size()), body.substr(0, chunk));
  return text + "0\r\n\r\n";
}

std::string put(std::string_view framing) {
  return "PUT /blob HTTP/1.1\r\nHost: h\r\n" + std::string(framing) + "\r\n\r\n";
}

TEST_F(StreamedRequest, the_handler_begins_with_the_head_and_reads_what_comes) {
  send(put("Content-Length: 10"));
  ASSERT_EQ(exchanges_.size(), 1u);
  EXPECT_EQ(connection_->state(), State::Streaming);
  EXPECT_EQ(exchanges_[0].request().path, "/blob");
  EXPECT_EQ(exchanges_[0].body().size_bytes(), 10u);
  EXPECT_FALSE(exchanges_[0].body().ready());
  send("hello");
  EXPECT_EQ(read(), "hello");
  EXPECT_FALSE(ended_);
  send("world");
  EXPECT_EQ(read(), "world");
  EXPECT_TRUE(ended_);
  EXPECT_EQ(connection_->state(), State::Handling);
  answer("done");
  EXPECT_EQ(body_of(said()), "done");
  EXPECT_EQ(connection_->state(), State::Head);
  EXPECT_EQ(host_.shared->body_bytes, 0u);
}

TEST_F(StreamedRequest, the_same_bytes_in_any_pieces_give_the_same_body) {
  const std::string body = numbered(10'000);
  for (const std::size_t piece : {1u, 7u, 300u, 1024u, 100'000u})
    for (const std::size_t chunk : {0u, 1u, 10u, 999u, 20'000u}) {
      connection_ = host_.connect();
      const std::string requests =
          (chunk == 0 ? put("Content-Length: 10000") + body
                      : put("Transfer-Encoding: chunked") + chunked(body, chunk)) +
          put("Content-Length: 2") + "ok";
      std::string_view rest = requests;
      EXPECT_EQ(send_and_read(rest, piece), body) << piece << " " << chunk;
      EXPECT_TRUE(ended_);
      EXPECT_LE(largest_, 512u);
      EXPECT_EQ(exchanges_.back().body().size_bytes().has_value(), chunk == 0);
      answer("first");
      said_ += host_.work(*connection_);
      EXPECT_EQ(send_and_read(rest, piece), "ok") << piece << " " << chunk;
      answer("second");
      const std::string answers = said();
      EXPECT_LT(answers.find("first"), answers.find("second")) << piece << " " << chunk;
      EXPECT_NE(answers.find("second"), std::string::npos);
      EXPECT_EQ(host_.shared->body_bytes, 0u);
    }
}

TEST_F(StreamedRequest, the_client_is_kept_waiting_while_the_window_is_full) {
  for (const std::string& request :
       {put("Content-Length: 3000") + std::string(3000, 'x'),
        put("Transfer-Encoding: chunked") + chunked(std::string(3000, 'x'), 700)}) {
    connection_ = host_.connect();
    send(request);
    EXPECT_FALSE(connection_->wants_input());
    // The rest of what had come with the head waits where it is.
    EXPECT_EQ(exchanges_.back().body().read()->size(), 512u);
    EXPECT_FALSE(connection_->wants_input());
    EXPECT_EQ(exchanges_.back().body().read()->size(), 512u);  // gives the first half back
    host_.read_mail(*connection_);
    EXPECT_EQ(read().size(), 3000u - 1024u);
    EXPECT_TRUE(ended_);
    answer("ok");
  }
}

TEST_F(StreamedRequest, the_socket_is_not_read_before_half_of_the_window_is_free) {
  send(put("Content-Length: 5000"));
  send(std::string(1024, 'x'));
  EXPECT_FALSE(connection_->wants_input());
  EXPECT_EQ(host_.shared->body_bytes, 1024u);
  (void)exchanges_[0].body().read();
  EXPECT_FALSE(connection_->wants_input());
  (void)exchanges_[0].body().read();
  EXPECT_TRUE(connection_->wants_input());
  EXPECT_LE(connection_->room().size(), 512u);
}

TEST_F(StreamedRequest, an_expectation_is_met_when_the_handler_reads) {
  send(put("Expect: 100-continue\r\nContent-Length: 2"));
  EXPECT_EQ(said(), "");
  EXPECT_FALSE(exchanges_[0].body().ready());
  std::string got;
  std::thread reader([&] { got = exchanges_[0].body().read().value_or("failed"); });
  while (said_.empty()) {
    said_ += host_.read_mail(*connection_);
    std::this_thread::yield();
  }
  EXPECT_EQ(said(), "HTTP/1.1 100 Continue\r\n\r\n");
  send("ok");
  reader.join();
  EXPECT_EQ(got, "ok");
  answer("done");
  EXPECT_EQ(status_of(said()), 200);
  EXPECT_EQ(connection_->state(), State::Head);
}

TEST_F(StreamedRequest, an_expectation_of_a_client_that_does_not_wait_needs_no_answer) {
  send(put("Expect: 100-continue\r\nContent-Length: 2"));
  send("o");
  EXPECT_EQ(read(), "o");
  send("k");
  EXPECT_EQ(read(), "k");
  EXPECT_EQ(said(), "");
}

TEST_F(StreamedRequest, an_answer_without_reading_meets_no_expectation) {
  send(put("Expect: 100-continue\r\nContent-Length: 2"));
  answer("no, thanks");
  const std::string answered = said();
  EXPECT_EQ(status_of(answered), 200);
  EXPECT_NE(answered.find("connection: close"), std::string::npos);
  EXPECT_EQ(connection_->state(), State::Lingering);
}

TEST_F(StreamedRequest, a_client_that_vanishes_ends_the_reading) {
  send(put("Content-Length: 2000") + "begun");
  const CancelToken cancel = exchanges_[0].request().cancel;
  EXPECT_EQ(read(), "begun");
  Result<std::string_view> got;
  std::thread reader([&] { got = exchanges_[0].body().read(); });
  connection_->close();
  reader.join();
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code(), ErrorCode::Cancelled);
  EXPECT_TRUE(cancel.cancelled());
  EXPECT_EQ(host_.shared->vanished, 1u);
  EXPECT_EQ(exchanges_[0].request().path, "/blob");
  answer("nobody hears");
  EXPECT_EQ(said(), "");
}

TEST_F(StreamedRequest, what_came_of_a_body_that_never_ends_is_not_handed_out) {
  send(put("Content-Length: 2000") + "begun");
  EXPECT_FALSE(connection_->received_end());  // the loop closes it then
  connection_->close();
  read();
  EXPECT_EQ(failure(), ErrorCode::Cancelled);
}

TEST_F(StreamedRequest, an_exchange_outlives_its_connection) {
  send(put("Content-Length: 2000") + "begun");
  connection_->close();
  connection_.reset();
  EXPECT_EQ(exchanges_[0].body().read().error().code(), ErrorCode::Cancelled);
}

TEST_F(StreamedRequest, a_client_below_the_least_rate_is_told_408) {
  send(put("Content-Length: 50000"));
  for (int i = 0; i < 3; ++i) {
    for (int n = 0; n < 26; ++n) {  // a kibibyte each second, barely
      send(std::string(400, 'x'));
      read();
    }
    pass(seconds(10));
    EXPECT_EQ(connection_->state(), State::Streaming);
  }
  send(std::string(400, 'x'));
  read();
  const CancelToken cancel = exchanges_[0].request().cancel;
  pass(seconds(10));
  EXPECT_EQ(status_of(said()), 408);
  EXPECT_EQ(connection_->state(), State::Lingering);
  EXPECT_TRUE(cancel.cancelled());
  read();
  EXPECT_EQ(failure(), ErrorCode::DeadlineExceeded);
  answer("late");
  EXPECT_EQ(said(), "");
}

TEST_F(StreamedRequest, a_handler_may_take_hours_if_it_takes_something_each_minute) {
  send(put("Content-Length: 100000"));
  for (int i = 0; i < 100; ++i) {
    if (i > 0) (void)exchanges_[0].body().read();
    host_.read_mail(*connection_);
    while (connection_->wants_input()) send(std::string(connection_->room().size(), 'x'));
    for (int part = 0; part < 5; ++part) pass(seconds(10));
    ASSERT_EQ(connection_->state(), State::Streaming) << i;  // nor is the client to blame
  }
  EXPECT_EQ(said(), "");
}

TEST_F(StreamedRequest, a_handler_that_takes_nothing_is_504) {
  send(put("Content-Length: 100000") + std::string(2000, 'x'));
  for (int i = 0; i < 5; ++i) pass(seconds(10));
  EXPECT_EQ(connection_->state(), State::Streaming);
  for (int i = 0; i < 2; ++i) pass(seconds(10));
  EXPECT_EQ(status_of(said()), 504);
  EXPECT_EQ(host_.shared->handler_timeouts, 1u);
  read();
  EXPECT_EQ(failure(), ErrorCode::DeadlineExceeded);
}

TEST_F(StreamedRequest, a_handler_that_never_meets_the_expectation_is_504) {
  send(put("Expect: 100-continue\r\nContent-Length: 2"));
  for (int i = 0; i < 7; ++i) pass(seconds(10));
  EXPECT_EQ(status_of(said()), 504);
}

TEST_F(StreamedRequest, after_the_body_the_handler_has_its_time_from_what_it_took_last) {
  send(put("Content-Length: 4"));
  pass(seconds(9));
  send("done");
  EXPECT_EQ(connection_->state(), State::Handling);
  read();
  pass(seconds(51));
  EXPECT_EQ(connection_->state(), State::Handling);
  pass(seconds(59));
  EXPECT_EQ(connection_->state(), State::Handling);
  pass(seconds(2));
  EXPECT_EQ(status_of(said()), 504);
}

TEST_F(StreamedRequest, an_early_answer_throws_the_rest_away_for_a_while) {
  send(put("Content-Length: 1000000000") + std::string(3000, 'x'));
  EXPECT_EQ(read().size(), 3000u);
  answer("enough");
  const std::string answered = said();
  EXPECT_EQ(body_of(answered), "enough");
  EXPECT_NE(answered.find("connection: close"), std::string::npos);
  EXPECT_EQ(connection_->state(), State::Lingering);
  EXPECT_EQ(host_.shared->body_bytes, 0u);
  for (int second = 0; second < 20; ++second) {  // a client that looks up only at the end
    connection_->discarded(3'000'000);
    pass(seconds(1));
    ASSERT_EQ(connection_->state(), State::Lingering);
  }
  for (int second = 0; second < 3; ++second) {
    connection_->discarded(3'000'000);
    pass(seconds(1));
  }
  EXPECT_EQ(connection_->state(), State::Closed);  // 64 MiB are enough
}

TEST_F(StreamedRequest, a_client_that_sends_no_more_after_an_early_answer_is_closed_soon) {
  send(put("Content-Length: 1000000000") + "begun");
  answer("enough");
  pass(seconds(2));
  EXPECT_EQ(connection_->state(), State::Closed);
}

TEST_F(StreamedRequest, a_body_that_is_whole_but_not_read_keeps_the_connection) {
  send(put("Content-Length: 5") + "whole");
  answer("not read");
  EXPECT_EQ(status_of(said()), 200);
  EXPECT_EQ(connection_->state(), State::Head);
}

TEST_F(StreamedRequest, malformed_chunks_are_400_whatever_the_handler_says) {
  send(put("Transfer-Encoding: chunked") + "3\r\nabcXX");
  EXPECT_EQ(status_of(said()), 400);
  EXPECT_EQ(host_.shared->refused, 1u);
  read();
  EXPECT_EQ(failure(), ErrorCode::InvalidArgument);
  answer("late");
  EXPECT_EQ(said(), "");
}

TEST_F(StreamedRequest, trailers_are_dropped_and_held_to_their_limit) {
  send(put("Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\nDigest: x\r\n\r\n");
  EXPECT_EQ(read(), "abc");
  EXPECT_TRUE(ended_);
  answer("ok");
  EXPECT_EQ(status_of(said()), 200);
  connection_ = host_.connect();
  const std::string much = put("Transfer-Encoding: chunked") + "0\r\n" + std::string(20'000, 't');
  std::string_view rest = much;
  send_and_read(rest, 1000);
  EXPECT_EQ(status_of(said()), 431);
}

TEST_F(StreamedRequest, bodies_over_the_routes_limit_are_413) {
  limit_ = 1000;
  send(put("Content-Length: 1001"));
  EXPECT_EQ(status_of(said()), 413);
  EXPECT_TRUE(exchanges_.empty());
  connection_ = host_.connect();
  const std::string body = put("Transfer-Encoding: chunked") + chunked(std::string(1100, 'x'), 600);
  std::string_view rest = body;
  send_and_read(rest, 100);
  EXPECT_EQ(status_of(said()), 413);
  EXPECT_EQ(failure(), ErrorCode::ResourceExhausted);
}

TEST_F(StreamedRequest, without_a_limit_of_the_route_the_servers_limit_for_streams_holds) {
  host_.shared->limits.streamed_body_bytes = std::size_t{100} << 30;
  send(put("Content-Length: 100000000000"));
  EXPECT_EQ(exchanges_.size(), 1u);
  connection_ = host_.connect();
  send(put("Content-Length: 200000000000"));
  EXPECT_EQ(status_of(said()), 413);
}

TEST_F(StreamedRequest, windows_count_against_the_servers_memory) {
  host_.shared->limits.all_bodies_bytes = 1500;
  send(put("Content-Length: 100000"));
  const auto first = connection_;
  connection_ = host_.connect();
  send(put("Content-Length: 100000"));
  const std::string refused = said();
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(exchanges_.size(), 1u);
  connection_ = host_.connect();
  send(put("Content-Length: 400"));  // a small body needs no whole window
  EXPECT_EQ(exchanges_.size(), 2u);
}

TEST_F(StreamedRequest, a_full_queue_is_503) {
  host_.pool_full = true;
  send(put("Content-Length: 100000"));
  EXPECT_EQ(status_of(said()), 503);
  EXPECT_EQ(host_.shared->body_bytes, 0u);
  EXPECT_EQ(connection_->state(), State::Lingering);
}

TEST_F(StreamedRequest, without_a_body_there_is_nothing_to_read) {
  send(put("Content-Length: 0"));
  ASSERT_EQ(exchanges_.size(), 1u);
  EXPECT_EQ(exchanges_[0].body().size_bytes(), 0u);
  EXPECT_EQ(read(), "");
  EXPECT_TRUE(ended_);
  answer("empty");
  EXPECT_EQ(connection_->state(), State::Head);
}

TEST_F(StreamedRequest, a_body_that_came_as_a_whole_is_one_piece) {
  host_.handler.planned = [](Request&) { return RequestPlan{Where::Pool, {}, {}}; };
  for (int i = 0; i < 2; ++i) {
    send(put("Content-Length: 5") + "whole");
    EXPECT_EQ(exchanges_.back().body().size_bytes(), 5u);
    EXPECT_EQ(read(), "whole");
    EXPECT_TRUE(ended_);
    answer("ok");
  }
}

TEST_F(StreamedRequest, reading_on_the_loops_own_thread_fails_instead_of_waiting_for_ever) {
  send(put("Content-Length: 5"));
  EXPECT_EQ(exchanges_[0].body().read().error().code(), ErrorCode::Internal);
}

}  // namespace
}  // namespace martlet::net
