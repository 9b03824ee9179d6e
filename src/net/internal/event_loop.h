// net/internal/event_loop.h: one thread, one epoll, the sockets of its share of the connections.
// Edge-triggered: every socket is registered once, and what could not be done at once is remembered
// in the connection.
#pragma once
#include "net/internal/connection.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace martlet {
class Log;
}

namespace martlet::net {

class ServerPools;

class EventLoop : public ConnectionHost {
 public:
  static Result<std::unique_ptr<EventLoop>> create(std::shared_ptr<ServerShared> shared,
                                                   ServerPools& pools, Log& log, int number);
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Before run(): all loops of the server; the first one accepts for all.
  void join(std::vector<EventLoop*> loops) { peers_ = std::move(loops); }
  // Before run(), on the first loop, which then owns the socket.
  void listen_on(int listener);
  void run();  // until stop() has been obeyed
  // From any thread: take it easy, or cut at that moment.
  void stop(SteadyTime cut_at);
  void wake();
  std::size_t load() const { return load_.load(std::memory_order_relaxed); }

  bool run_on_pool(std::shared_ptr<Connection> connection) override;
  bool run_streamed(std::shared_ptr<Connection> connection) override;
  bool run_source(std::shared_ptr<Connection> connection) override;
  SteadyTime now() const override { return now_; }
  std::string_view date() override;
  std::uint64_t next_request_number() override { return next_request_ += 0x9E37'79B9'7F4A'7C15; }
  std::shared_ptr<Mailbox> mailbox() override { return mailbox_; }

 private:
  EventLoop(std::shared_ptr<ServerShared> shared, ServerPools& pools, Log& log);
  bool turn();
  int patience() const;
  void accept_some();
  void pause_accepting(SteadyTime until);
  void resume_accepting();
  void hand_out(int socket, std::string peer);
  void adopt(int socket, std::string peer);
  void read_mail();
  void drive(std::shared_ptr<Connection> connection);
  bool read_some(Connection& connection);
  void write_some(Connection& connection);
  void after_io(Connection& connection);
  void release(Connection& connection);
  void check_deadlines();
  void note_deadline(const Connection& connection);
  void obey_stop();
  void stop_listening();

  std::shared_ptr<ServerShared> shared_;
  ServerPools& pools_;
  Log& log_;
  std::shared_ptr<Mailbox> mailbox_;
  int epoll_ = -1;
  int wake_ = -1;
  SteadyTime now_;
  SteadyTime next_check_ = SteadyTime::max();

  int listener_ = -1;
  bool accepting_ = false;
  SteadyTime resume_accepting_at_ = SteadyTime::max();
  SteadyTime stop_listening_at_ = SteadyTime::max();
  std::vector<EventLoop*> peers_;

  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> again_;     // had more to read than one turn allows
  std::vector<std::shared_ptr<Connection>> released_;  // events of this turn may still name them
  std::atomic<std::size_t> load_{0};

  std::atomic<bool> stop_asked_{false};
  std::atomic<std::int64_t> cut_at_{0};  // steady clock's ticks
  bool stopping_ = false;

  std::vector<std::pair<std::shared_ptr<Connection>, Response>> answers_;
  std::vector<std::pair<int, std::string>> sockets_;
  std::vector<std::shared_ptr<Connection>> nudged_;
  std::string date_;
  SteadyTime date_until_;
  std::uint64_t next_request_ = 0;
};

}  // namespace martlet::net
