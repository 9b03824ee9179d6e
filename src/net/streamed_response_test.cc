#include "net/body_source.h"
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

// Counts up; notes what is asked of it, and fails where it's told to.
class Counting : public BodySource {
 public:
  explicit Counting(std::uint64_t size) : size_(size) {}
  std::uint64_t size_bytes() const override { return size_; }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    if (offset + into.size() > fail_at) return corrupt("the disk is scratched");
    if (offset + into.size() > end_at) return 0;
    reads.push_back(into.size());
    into = into.first(std::min(into.size(), most));
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = at(offset + i);
    return into.size();
  }
  static char at(std::uint64_t offset) { return static_cast<char>('a' + offset % 23); }
  std::string all() const {
    std::string text;
    for (std::uint64_t i = 0; i < size_; ++i) text += at(i);
    return text;
  }

  std::uint64_t fail_at = UINT64_MAX;
  std::uint64_t end_at = UINT64_MAX;
  std::size_t most = SIZE_MAX;
  std::vector<std::size_t> reads;

 private:
  std::uint64_t size_;
};

// Answers every request with one source, through a window of 2 KiB.
class StreamedResponse : public testing::Test {
 protected:
  static HttpLimits small() {
    HttpLimits limits;
    limits.stream_window_bytes = 2048;
    return limits;
  }
  StreamedResponse() {
    host_.handler.handled = [this](Exchange exchange) {
      if (exchange.request().path == "/plain") {
        exchange.respond(Response::text(200, "plain"));
        return;
      }
      Response response;
      response.status = status_;
      response.content_type = "application/octet-stream";
      response.source = source_;
      response.body = body_;
      exchange.respond(std::move(response));
    };
  }
  void get(std::string_view path = "/blob", std::string_view method = "GET") {
    said_ += host_.talk(*connection_, std::string(method) + " " + std::string(path) +
                                          " HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  // As get(), but nothing of the output is taken.
  void get_silently() {
    const std::string request = "GET /blob HTTP/1.1\r\nHost: h\r\n\r\n";
    std::ranges::copy(request, connection_->room().begin());
    connection_->received(request.size());
    connection_->advance();
  }
  // Reads the source, and delivers what was read without taking output.
  void fetch_silently() {
    std::vector<std::shared_ptr<Connection>> reading;
    reading.swap(host_.reading);
    for (const auto& one : reading) one->read_source();
    std::vector<std::pair<std::shared_ptr<Connection>, Response>> answers;
    std::vector<std::pair<int, std::string>> sockets;
    std::vector<std::shared_ptr<Connection>> nudged;
    host_.mail->take(answers, sockets, nudged);
    for (const auto& one : nudged) one->notice();
  }
  void pass(milliseconds time) {
    host_.time += time;
    if (connection_->deadline() <= host_.time) connection_->expire();
  }

  FakeHost host_{small()};
  std::shared_ptr<Counting> source_ = std::make_shared<Counting>(10'000);
  int status_ = 200;
  std::string body_;
  std::shared_ptr<Connection> connection_ = host_.connect();
  std::string said_;
};

TEST_F(StreamedResponse, sends_what_its_source_gives_and_keeps_the_connection) {
  for (const std::size_t most : {SIZE_MAX, std::size_t{7}}) {
    source_->most = most;
    get();
    EXPECT_EQ(said_, "");  // the head goes out with the first piece
    EXPECT_EQ(connection_->state(), State::Sending);
    said_ += host_.fetch_all(*connection_);
    EXPECT_EQ(status_of(said_), 200);
    EXPECT_NE(said_.find("content-length: 10000\r\n"), std::string::npos);
    EXPECT_EQ(body_of(said_), source_->all());
    EXPECT_EQ(connection_->state(), State::Head);
    EXPECT_EQ(host_.shared->body_bytes, 0u);
    said_.clear();
  }
  EXPECT_EQ(host_.shared->responses, 2u);
}

TEST_F(StreamedResponse, a_requests_answer_waits_for_the_one_before) {
  said_ += host_.talk(*connection_, "GET /blob HTTP/1.1\r\nHost: h\r\n\r\n"
                                    "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"
                                    "GET /blob HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  said_ += host_.fetch_all(*connection_);
  const std::size_t plain = said_.find("plain; charset");
  ASSERT_NE(plain, std::string::npos);
  EXPECT_NE(said_.substr(0, plain).find(source_->all() + "HTTP/1.1 200 OK"), std::string::npos);
  EXPECT_TRUE(said_.ends_with(source_->all()));
  EXPECT_EQ(connection_->state(), State::Lingering);
}

TEST_F(StreamedResponse, reads_no_further_than_one_piece_ahead_of_the_client) {
  get_silently();
  for (int i = 0; i < 5; ++i) fetch_silently();
  EXPECT_EQ(source_->reads, (std::vector<std::size_t>{1024, 1024}));
  EXPECT_LE(connection_->output_bytes(), 1024u + 300u);
  EXPECT_EQ(host_.shared->body_bytes, 2048u);
  EXPECT_TRUE(host_.reading.empty());
  connection_->written(connection_->output_bytes() - 1);
  EXPECT_TRUE(host_.reading.empty());
  connection_->written(1);  // the next piece takes its place, and the one behind it is asked for
  EXPECT_EQ(connection_->output_bytes(), 1024u);
  EXPECT_EQ(host_.reading.size(), 1u);
}

TEST_F(StreamedResponse, answers_to_head_give_the_length_and_read_nothing) {
  get("/blob", "HEAD");
  EXPECT_NE(said_.find("content-length: 10000\r\n"), std::string::npos);
  EXPECT_EQ(body_of(said_), "");
  EXPECT_TRUE(source_->reads.empty());
  EXPECT_EQ(connection_->state(), State::Head);
}

TEST_F(StreamedResponse, an_empty_source_and_a_status_without_body_need_no_reading) {
  status_ = 304;
  get();
  EXPECT_EQ(said_.find("content-length"), std::string::npos);
  EXPECT_EQ(body_of(said_), "");
  status_ = 200;
  source_ = std::make_shared<Counting>(0);
  said_.clear();
  get();
  EXPECT_NE(said_.find("content-length: 0\r\n"), std::string::npos);
  EXPECT_EQ(connection_->state(), State::Head);
  EXPECT_TRUE(host_.reading.empty());
}

TEST_F(StreamedResponse, a_response_with_a_body_and_a_source_is_the_servers_mistake) {
  body_ = "and a body";
  get();
  EXPECT_EQ(status_of(said_), 500);
  EXPECT_TRUE(source_->reads.empty());
}

TEST_F(StreamedResponse, a_source_that_cannot_be_read_at_all_is_500) {
  source_->fail_at = 0;
  get();
  said_ += host_.fetch_all(*connection_);
  EXPECT_EQ(status_of(said_), 500);
  EXPECT_NE(said_.find("source_failed"), std::string::npos);
  EXPECT_EQ(said_.find("scratched"), std::string::npos);  // for the log only
  EXPECT_EQ(host_.shared->source_failures, 1u);
  EXPECT_EQ(connection_->state(), State::Lingering);
}

TEST_F(StreamedResponse, a_source_that_fails_midway_cuts_the_body_short) {
  for (const bool ends : {false, true}) {
    connection_ = host_.connect();
    said_.clear();
    (ends ? source_->end_at : source_->fail_at) = 5000;
    get();
    said_ += host_.fetch_all(*connection_);
    EXPECT_EQ(status_of(said_), 200);
    EXPECT_EQ(body_of(said_), source_->all().substr(0, 4096));
    EXPECT_EQ(connection_->state(), State::Closed);
    source_->fail_at = UINT64_MAX;
  }
  EXPECT_EQ(host_.shared->source_failures, 2u);
  EXPECT_EQ(host_.shared->vanished, 0u);
}

TEST_F(StreamedResponse, a_source_that_takes_too_long_is_504_or_cuts_the_body_short) {
  get();
  pass(seconds(61));
  said_ += host_.flush(*connection_);
  EXPECT_EQ(status_of(said_), 504);
  EXPECT_EQ(connection_->state(), State::Lingering);
  EXPECT_EQ(host_.fetch_all(*connection_), "");  // late

  connection_ = host_.connect();
  get();
  said_ = host_.fetch(*connection_);
  EXPECT_EQ(body_of(said_).size(), 1024u);
  pass(seconds(59));
  EXPECT_EQ(connection_->state(), State::Sending);
  pass(seconds(2));
  EXPECT_EQ(connection_->state(), State::Closed);
  EXPECT_EQ(host_.shared->source_failures, 2u);
  EXPECT_EQ(host_.fetch_all(*connection_), "");
}

TEST_F(StreamedResponse, a_client_that_takes_too_little_is_let_go) {
  host_.shared->limits.stream_window_bytes = 100'000;
  source_ = std::make_shared<Counting>(500'000);
  get_silently();
  fetch_silently();
  fetch_silently();
  connection_->written(20'000);
  pass(seconds(11));
  EXPECT_EQ(connection_->state(), State::Sending);
  connection_->written(100);
  pass(seconds(11));
  EXPECT_EQ(connection_->state(), State::Closed);
  EXPECT_EQ(host_.shared->source_failures, 0u);
}

TEST_F(StreamedResponse, a_client_that_vanishes_while_the_source_is_read_harms_nobody) {
  get();
  said_ += host_.fetch(*connection_);
  connection_->close();
  EXPECT_EQ(host_.shared->vanished, 1u);
  EXPECT_EQ(host_.fetch_all(*connection_), "");
  EXPECT_EQ(source_->reads.size(), 2u);
  connection_.reset();
  EXPECT_EQ(host_.shared->body_bytes, 0u);
  EXPECT_EQ(source_.use_count(), 1);
}

TEST_F(StreamedResponse, windows_count_against_the_servers_memory) {
  host_.shared->limits.all_bodies_bytes = 3000;
  get_silently();
  const auto first = connection_;
  connection_ = host_.connect();
  get();
  EXPECT_EQ(status_of(said_), 503);
  EXPECT_NE(said_.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(connection_->state(), State::Head);
  said_.clear();
  source_ = std::make_shared<Counting>(500);  // a small one needs no whole window
  get();
  said_ += host_.fetch_all(*connection_);
  EXPECT_EQ(body_of(said_), source_->all());
}

TEST_F(StreamedResponse, a_server_that_has_stopped_reads_no_more) {
  host_.stopped = true;
  get();
  EXPECT_EQ(status_of(said_), 503);
  EXPECT_EQ(connection_->state(), State::Lingering);
}

TEST_F(StreamedResponse, answers_the_request_whose_body_it_did_not_read) {
  host_.handler.planned = [](Request&) {
    RequestPlan plan;
    plan.body = BodyMode::Streamed;
    return plan;
  };
  said_ +=
      host_.talk(*connection_, "POST /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n");
  said_ += host_.work(*connection_);
  said_ += host_.fetch_all(*connection_);
  EXPECT_EQ(body_of(said_), source_->all());
  EXPECT_EQ(connection_->state(), State::Lingering);
}

}  // namespace
}  // namespace martlet::net
