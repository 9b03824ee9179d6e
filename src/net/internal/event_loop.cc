#include "net/internal/event_loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/internal/server_pools.h"
#include "platform/system_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace martlet::net {
namespace {

using std::chrono::milliseconds;

// Time-outs are looked at no more often than this, whatever they are.
constexpr milliseconds kCheckInterval(20);
constexpr int kAcceptsPerTurn = 64;
constexpr int kRoundsPerTurn = 8;
// How long handshakes that had begun when the server was stopped may take to end.
constexpr milliseconds kHandshake(50);

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
}

// Makes the kernel ignore new connections while those it has made, and those being made, stay: a
// plain close would reset them. The filter is run on the TCP header and drops packets with the SYN
// flag. The clients behind them try again and find the port closed.
void ignore_new_connections(int listener) {
  std::array<sock_filter, 4> program = {{
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},      // the flags
      {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x02},  // SYN?
      {BPF_RET | BPF_K, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, 0xFFFFFFFF},
  }};
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  // Failing leaves the short gap between the last accept and the close that every server has.
  ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

std::string http_date(Timestamp at) {
  constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu",
                                                     "Fri", "Sat", "Sun"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const CivilTime civil = civil_utc(at);
  const auto weekday = static_cast<std::size_t>(weekday_of(days_from_civil(civil.date)));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(weekday), civil.date.day,
                     kMonths.at(static_cast<std::size_t>(civil.date.month) - 1), civil.date.year,
                     civil.hour, civil.minute, civil.second);
}

}  // namespace

EventLoop::EventLoop(std::shared_ptr<ServerShared> shared, ServerPools& pools, Log& log)
    : shared_(std::move(shared)), pools_(pools), log_(log), now_(std::chrono::steady_clock::now()) {
}

Result<std::unique_ptr<EventLoop>> EventLoop::create(std::shared_ptr<ServerShared> shared,
                                                     ServerPools& pools, Log& log, int number) {
  std::unique_ptr<EventLoop> loop(new EventLoop(std::move(shared), pools, log));
  loop->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  loop->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &loop->wake_;
  if (loop->epoll_ < 0 || loop->wake_ < 0 ||
      ::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, loop->wake_, &event) != 0)
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("starting event loop {}: {}; raise the limit on open files", number,
                            std::strerror(errno)));
  loop->next_request_ = platform::SystemRandom().next();
  loop->mailbox_ = std::make_shared<Mailbox>([raw = loop.get()] { raw->wake(); });
  return loop;
}

EventLoop::~EventLoop() {
  if (mailbox_ != nullptr)
    for (const auto& [socket, peer] : mailbox_->close()) ::close(socket);
  for (const std::shared_ptr<Connection>& connection : connections_)
    if (connection->socket >= 0) ::close(connection->socket);
  for (const int descriptor : {listener_, wake_, epoll_})
    if (descriptor >= 0) ::close(descriptor);
}

void EventLoop::listen_on(int listener) {
  listener_ = listener;
  resume_accepting();
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof(one));
}

void EventLoop::stop(SteadyTime cut_at) {
  cut_at_.store(cut_at.time_since_epoch().count());
  stop_asked_.store(true);
  wake();
}

void EventLoop::run() {
  while (turn()) {}
}

int EventLoop::patience() const {
  if (!again_.empty()) return 0;
  SteadyTime until = std::min({next_check_, resume_accepting_at_, stop_listening_at_});
  if (stopping_) until = std::min(until, SteadyTime(SteadyTime::duration(cut_at_.load())));
  if (until == SteadyTime::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(until - now_).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

bool EventLoop::turn() {
  std::array<epoll_event, 128> events;
  const int count =
      ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience());
  now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &wake_) {
      std::uint64_t ignored = 0;
      (void)!::read(wake_, &ignored, sizeof(ignored));
      continue;  // the mail is read below
    }
    if (event.data.ptr == &listener_) {
      accept_some();
      continue;
    }
    auto& connection = *static_cast<Connection*>(event.data.ptr);
    if (connection.socket < 0) continue;  // released earlier in this turn
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) {
      connection.close();
      release(connection);
      continue;
    }
    if ((event.events & (EPOLLIN | EPOLLRDHUP)) != 0) connection.readable = true;
    if ((event.events & EPOLLRDHUP) != 0) connection.half_closed = true;
    if ((event.events & EPOLLOUT) != 0) connection.writable = true;
    drive(connections_[connection.position]);
  }
  std::vector<std::shared_ptr<Connection>> again;
  again.swap(again_);
  for (const std::shared_ptr<Connection>& connection : again)
    if (connection->socket >= 0) drive(connection);
  // Asked before the mail is read: sockets are posted before listening ends.
  const bool listening = shared_->listening.load();
  read_mail();
  check_deadlines();
  released_.clear();
  return !stopping_ || listening || !connections_.empty();
}

void EventLoop::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (shared_->open.load() >= shared_->limits.connections) {
      pause_accepting(SteadyTime::max());  // release() wakes us
      // One may have ended between the look and the pause.
      if (shared_->open.load() < shared_->limits.connections) resume_accepting();
      return;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int socket = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      hand_out(socket, text_of(address));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      log_.warn("http.accept_failed", {{"error", std::strerror(errno)}});
      pause_accepting(
          now_ +
          milliseconds(100));  // most likely out of descriptors: trying at once would burn CPU
    }
    return;
  }
}

void EventLoop::pause_accepting(SteadyTime until) {
  if (accepting_) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
  accepting_ = false;
  resume_accepting_at_ = until;
}

void EventLoop::resume_accepting() {
  resume_accepting_at_ = SteadyTime::max();
  if (accepting_ || listener_ < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &listener_;
  accepting_ = ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) == 0;
}

void EventLoop::hand_out(int socket, std::string peer) {
  shared_->open.fetch_add(1);
  EventLoop* least = *std::ranges::min_element(peers_, {}, &EventLoop::load);
  least->load_.fetch_add(1, std::memory_order_relaxed);
  if (least == this)
    adopt(socket, std::move(peer));
  else
    least->mailbox_->post_socket(socket, std::move(peer));
}

void EventLoop::adopt(int socket, std::string peer) {
  auto connection = std::make_shared<Connection>(shared_, *this, socket, std::move(peer));
  connection->position = connections_.size();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = connection.get();
  connections_.push_back(connection);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) {
    log_.warn("http.accept_failed", {{"error", std::strerror(errno)}});
    connection->close();
    release(*connection);
    return;
  }
  if (stopping_) connection->drain();
  note_deadline(*connection);
}

void EventLoop::read_mail() {
  if (stop_asked_.load() && !stopping_) obey_stop();
  mailbox_->take(answers_, sockets_, nudged_);
  for (auto& [socket, peer] : sockets_) adopt(socket, std::move(peer));
  sockets_.clear();
  for (const std::shared_ptr<Connection>& connection : nudged_) {
    connection->notice();
    if (connection->socket >= 0) drive(connection);
  }
  nudged_.clear();
  for (auto& [connection, response] : answers_) {
    connection->complete(std::move(response));
    if (connection->socket >= 0) drive(connection);
  }
  answers_.clear();
  if (listener_ >= 0 && !accepting_ && resume_accepting_at_ == SteadyTime::max() &&
      shared_->open.load() < shared_->limits.connections)
    resume_accepting();
}

// By value: release() takes it off the list.
void EventLoop::drive(std::shared_ptr<Connection> connection) {
  for (int round = 0; round < kRoundsPerTurn; ++round) {
    const bool stalled = connection->advance();
    write_some(*connection);
    if (connection->peer_ended && connection->wants_input() && !stalled &&
        connection->output_bytes() == 0)
      connection->close();  // nothing more can come, and all is said
    if (connection->state() == Connection::State::Closed) {
      release(*connection);
      return;
    }
    const bool lingering = connection->state() == Connection::State::Lingering;
    if (lingering && !connection->shut) {
      connection->shut = true;
      ::shutdown(connection->socket, SHUT_WR);
    }
    const bool more = (stalled && connection->writable) ||
                      (connection->readable && (connection->wants_input() || lingering) &&
                       read_some(*connection));
    if (connection->state() == Connection::State::Closed) {
      release(*connection);
      return;
    }
    if (!more) {
      note_deadline(*connection);
      return;
    }
  }
  note_deadline(*connection);
  again_.push_back(std::move(connection));
}

// True when there is something new to look at.
bool EventLoop::read_some(Connection& connection) {
  std::array<char, 4096> scratch;
  const bool lingering = connection.state() == Connection::State::Lingering;
  const std::span<char> room = lingering ? std::span<char>(scratch) : connection.room();
  if (room.empty()) return false;
  const ssize_t got = ::recv(connection.socket, room.data(), room.size(), 0);
  if (got > 0) {
    // A short read took all there was, and what comes next is a new edge; but the end of the stream
    // may have come with this one.
    if (static_cast<std::size_t>(got) < room.size() && !connection.half_closed)
      connection.readable = false;
    lingering ? connection.discarded(static_cast<std::size_t>(got))
              : connection.received(static_cast<std::size_t>(got));
    return true;
  }
  if (got < 0 && errno == EINTR) return true;
  connection.readable = false;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (got < 0 || lingering || !connection.received_end()) connection.close();
  return false;
}

void EventLoop::write_some(Connection& connection) {
  while (connection.writable && connection.output_bytes() > 0) {
    const std::array<std::string_view, 2> pieces = connection.output();
    std::array<iovec, 2> vectors{};
    for (std::size_t i = 0; i < 2; ++i)
      vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vectors.size();
    const ssize_t put = ::sendmsg(connection.socket, &message, MSG_NOSIGNAL);
    if (put >= 0) {
      connection.written(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      connection.writable = false;
    } else if (errno != EINTR) {
      connection.close();
      return;
    }
  }
}

void EventLoop::release(Connection& connection) {
  if (connection.socket < 0) return;
  ::close(connection.socket);
  connection.socket = -1;
  const std::size_t position = connection.position;
  released_.push_back(std::move(connections_[position]));
  if (position + 1 != connections_.size()) {
    connections_[position] = std::move(connections_.back());
    connections_[position]->position = position;
  }
  connections_.pop_back();
  load_.fetch_sub(1, std::memory_order_relaxed);
  // The accepting loop paused when the limit was reached; the first of us to come back below it
  // tells.
  if (shared_->open.fetch_sub(1) == shared_->limits.connections) peers_.front()->wake();
}

void EventLoop::note_deadline(const Connection& connection) {
  next_check_ = std::min(next_check_, std::max(connection.deadline(), now_ + kCheckInterval));
}

void EventLoop::check_deadlines() {
  if (resume_accepting_at_ <= now_) resume_accepting();
  if (stop_listening_at_ <= now_) stop_listening();
  const bool cut = stopping_ && now_ >= SteadyTime(SteadyTime::duration(cut_at_.load()));
  if (cut) {
    stop_listening();
    for (std::size_t i = connections_.size(); i-- > 0;) {
      if (!connections_[i]->idle()) shared_->cut.fetch_add(1);
      connections_[i]->close();
      release(*connections_[i]);
    }
    return;
  }
  if (next_check_ > now_) return;
  next_check_ = SteadyTime::max();
  for (std::size_t i = connections_.size(); i-- > 0;) {
    const std::shared_ptr<Connection> connection = connections_[i];
    if (connection->deadline() > now_) {
      note_deadline(*connection);
      continue;
    }
    // What came since the last look counts, before the door closes.
    if (connection->readable && connection->wants_input() && read_some(*connection)) {
      drive(connection);
      if (connection->socket < 0 || connection->deadline() > now_) continue;
    }
    connection->expire();
    drive(connection);
  }
}

void EventLoop::obey_stop() {
  stopping_ = true;
  if (listener_ >= 0) {
    ignore_new_connections(listener_);
    stop_listening_at_ = now_ + kHandshake;
  }
  for (const std::shared_ptr<Connection>& connection : connections_) {
    connection->drain();
    note_deadline(*connection);
  }
}

void EventLoop::stop_listening() {
  stop_listening_at_ = SteadyTime::max();
  if (listener_ < 0) return;
  // All that the kernel has accepted is served, the limit on connections notwithstanding: there
  // will be no more.
  for (;;) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int socket = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (socket < 0) break;
    hand_out(socket, text_of(address));
  }
  pause_accepting(SteadyTime::max());
  ::close(listener_);
  listener_ = -1;
  shared_->listening.store(false);
  for (EventLoop* loop : peers_) loop->wake();
}

bool EventLoop::run_on_pool(std::shared_ptr<Connection> connection) {
  return pools_.requests()
      .submit([connection = std::move(connection)] { connection->handle(); })
      .has_value();
}

bool EventLoop::run_streamed(std::shared_ptr<Connection> connection) {
  return pools_.streams()
      .submit([connection = std::move(connection)] { connection->handle(); })
      .has_value();
}

bool EventLoop::run_source(std::shared_ptr<Connection> connection) {
  return pools_.sources()
      .submit([connection = std::move(connection)] { connection->read_source(); })
      .has_value();
}

std::string_view EventLoop::date() {
  if (now_ >= date_until_ || date_.empty()) {
    date_ = http_date(shared_->clock->now());
    date_until_ = now_ + milliseconds(500);
  }
  return date_;
}

}  // namespace martlet::net
