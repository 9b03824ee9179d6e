// net/internal/fake_host.h: a connection's loop without sockets and with a clock of its own, for
// tests and for the fuzzer.
#pragma once
#include "base/clock.h"
#include "net/internal/connection.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::net {

class FakeHandler : public RequestHandler {
 public:
  Result<void> check() const override { return {}; }
  RequestPlan plan(Request& request) override {
    return planned ? planned(request) : RequestPlan{Where::Loop, {}, {}};
  }
  void handle(Exchange exchange) override { handled(std::move(exchange)); }

  std::function<RequestPlan(Request&)> planned;
  // Answers with what it saw.
  std::function<void(Exchange)> handled = [](Exchange exchange) {
    const Request& request = exchange.request();
    std::string text = std::string(name_of(request.method)) + " " + std::string(request.path);
    for (const auto& [name, value] : request.query)
      text += " " + std::string(name) + "=" + std::string(value);
    exchange.respond(Response::text(200, text + "\n" + std::string(request.body)));
  };
};

class FakeHost : public ConnectionHost {
 public:
  explicit FakeHost(const HttpLimits& limits = {}) {
    shared->limits = limits;
    shared->handler = &handler;
  }
  // What nobody reads any more would keep its connection, which keeps the mailbox.
  ~FakeHost() override { (void)mail->close(); }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  bool run_on_pool(std::shared_ptr<Connection> connection) override {
    if (pool_full) return false;
    waiting.push_back(std::move(connection));
    return true;
  }
  bool run_streamed(std::shared_ptr<Connection> connection) override {
    return run_on_pool(std::move(connection));
  }
  bool run_source(std::shared_ptr<Connection> connection) override {
    if (stopped) return false;
    reading.push_back(std::move(connection));
    return true;
  }
  SteadyTime now() const override { return time; }
  std::string_view date() override { return "Thu, 01 Jan 1970 00:00:00 GMT"; }
  std::uint64_t next_request_number() override { return ++requests; }
  std::shared_ptr<Mailbox> mailbox() override { return mail; }

  std::shared_ptr<Connection> connect() {
    return std::make_shared<Connection>(shared, *this, -1, "192.0.2.1:1");
  }
  // Everything that the connection says to these bytes, read in pieces of that size.
  std::string talk(Connection& connection, std::string_view bytes, std::size_t piece = SIZE_MAX) {
    std::string said;
    while (!bytes.empty() && connection.wants_input()) {
      const std::span<char> room = connection.room();
      const std::size_t part = std::min({bytes.size(), room.size(), piece});
      std::memcpy(room.data(), bytes.data(), part);
      bytes.remove_prefix(part);
      connection.received(part);
      said += flush(connection);
    }
    return said;
  }
  std::string flush(Connection& connection) {
    std::string said;
    bool more = true;
    while (more) {
      more = connection.advance();
      for (const std::string_view bytes : connection.output()) said += bytes;
      connection.written(connection.output_bytes());
    }
    return said;
  }
  // Runs what waits for the pool, and delivers what was answered.
  std::string work(Connection& connection) {
    std::vector<std::shared_ptr<Connection>> now_working;
    now_working.swap(waiting);
    for (const std::shared_ptr<Connection>& one : now_working) one->handle();
    return read_mail(connection);
  }
  // Reads what sources are asked for, once or until nobody asks any more.
  std::string fetch(Connection& connection) {
    std::vector<std::shared_ptr<Connection>> now_reading;
    now_reading.swap(reading);
    for (const std::shared_ptr<Connection>& one : now_reading) one->read_source();
    return read_mail(connection);
  }
  std::string fetch_all(Connection& connection) {
    std::string said;
    while (!reading.empty()) said += fetch(connection);
    return said;
  }
  std::string read_mail(Connection& connection) {
    std::vector<std::pair<std::shared_ptr<Connection>, Response>> answers;
    std::vector<std::pair<int, std::string>> sockets;
    std::vector<std::shared_ptr<Connection>> nudged;
    mail->take(answers, sockets, nudged);
    for (const std::shared_ptr<Connection>& one : nudged) one->notice();
    for (auto& [one, response] : answers) one->complete(std::move(response));
    return flush(connection);
  }

  std::shared_ptr<ServerShared> shared = std::make_shared<ServerShared>();
  FakeHandler handler;
  std::shared_ptr<Mailbox> mail = std::make_shared<Mailbox>([] {});
  std::vector<std::shared_ptr<Connection>> waiting;
  SteadyTime time{std::chrono::hours(1)};
  std::uint64_t requests = 0;
  std::vector<std::shared_ptr<Connection>> reading;
  bool pool_full = false;
  bool stopped = false;
};

}  // namespace martlet::net
