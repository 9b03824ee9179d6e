// net/internal/connection.h: one HTTP connection as a state machine of bytes: bytes in, bytes out,
// no sockets. The event loop owns it and moves the bytes; the fuzzer does so too. Only the loop's
// thread touches it, except an Exchange's request(), deliver() and the reading of its body, from
// any thread, and read_source(). What it does with streamed bodies stands in internal/streaming.cc.
#pragma once
#include "base/log.h"
#include "net/http_server.h"
#include "net/internal/body_pipe.h"
#include "net/internal/request_parser.h"
#include "net/internal/source_reader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace martlet::net {

using SteadyTime = std::chrono::steady_clock::time_point;

// Shared by all loops and connections of a server; outlives them all.
struct ServerShared {
  HttpLimits limits;
  RequestHandler* handler = nullptr;  // not used once the loops have ended
  const Clock* clock = nullptr;
  Log* log = &Log::none();
  std::atomic<bool> draining{false};
  std::atomic<bool> listening{true};       // false once no more connections will be handed to loops
  std::atomic<std::size_t> body_bytes{0};  // of all connections, against all_bodies_bytes
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> responses{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> overloaded{0};
  std::atomic<std::uint64_t> handler_timeouts{0};
  std::atomic<std::uint64_t> vanished{0};
  std::atomic<std::uint64_t> cut{0};
  std::atomic<std::uint64_t> source_failures{0};
};

// Where other threads leave their answers for a loop. Outlives the loop: what comes too late is
// dropped.
class Mailbox {
 public:
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}
  void post(std::shared_ptr<Connection> connection, Response response);
  void post_socket(int socket, std::string peer);
  // Something is new about a streamed body: Connection::notice().
  void nudge(std::shared_ptr<Connection> connection);
  void take(std::vector<std::pair<std::shared_ptr<Connection>, Response>>& answers,
            std::vector<std::pair<int, std::string>>& sockets,
            std::vector<std::shared_ptr<Connection>>& nudged);
  // Returns the sockets that nobody will take any more.
  std::vector<std::pair<int, std::string>> close();

 private:
  std::mutex letters_mutex_;
  bool closed_ = false;
  std::vector<std::pair<std::shared_ptr<Connection>, Response>> answers_;
  std::vector<std::pair<int, std::string>> sockets_;
  std::vector<std::shared_ptr<Connection>> nudged_;
  std::function<void()> wake_;  // called under the mutex, so never after close()
};

// What a connection needs from its loop.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  // False when the pool's queue is full.
  virtual bool run_on_pool(std::shared_ptr<Connection> connection) = 0;
  // The same for handle() where it may wait for the client.
  virtual bool run_streamed(std::shared_ptr<Connection> connection) = 0;
  // For read_source(); false only when the server has stopped.
  virtual bool run_source(std::shared_ptr<Connection> connection) = 0;
  virtual SteadyTime now() const = 0;
  virtual std::string_view date() = 0;  // "Tue, 15 Nov 1994 08:12:31 GMT"
  virtual std::uint64_t next_request_number() = 0;
  virtual std::shared_ptr<Mailbox> mailbox() = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  enum class State : std::uint8_t {
    Head,  // waiting for, or reading, a request's head
    Body,
    Streaming,  // an Exchange is out, and the body that it reads is still coming
    Handling,   // an Exchange is out
    Sending,    // answered, from a source that is still being read
    Closing,    // the last response is being written
    Lingering,  // our side is shut; what still comes is thrown away, so that the response is not
                // lost to a reset
    Closed,
  };

  Connection(std::shared_ptr<ServerShared> shared, ConnectionHost& host, int socket_number,
             std::string peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Input: room to read into, then how much came.
  std::span<char> room();
  void received(std::size_t size_bytes);
  // The client will send no more. False when nothing is left to do for it.
  bool received_end();
  // Does what can be done with what is there: parses, plans, handles, answers. True when it stopped
  // because too much output waits.
  bool advance();
  // An answer from the loop's own thread or out of the mailbox.
  void complete(Response response);
  // From an Exchange, on any thread.
  void deliver(Response response);
  Result<std::string_view> read_body_piece();
  bool body_ready();
  std::optional<std::uint64_t> declared_body_bytes() const;
  // Out of the mailbox.
  void notice();
  // On a thread for sources.
  void read_source();

  // Output: what is to be written, then how much was.
  std::array<std::string_view, 2> output() const;
  std::size_t output_bytes() const;
  void written(std::size_t size_bytes);
  // That came while Lingering.
  void discarded(std::size_t size_bytes) {
    window_bytes_ += size_bytes;
    drain_left_ -= std::min(drain_left_, size_bytes);
  }

  bool wants_input() const;
  State state() const { return state_; }
  // When `deadline()` has passed. Afterwards state() may be Closing or Closed.
  void expire();
  SteadyTime deadline() const { return deadline_; }
  // The server drains: idle ones end soon.
  void drain();
  // The socket is gone; an exchange that is out goes on, into nothing.
  void close();
  bool in_flight() const { return exchange_out_; }
  bool idle() const { return state_ == State::Head && end_ == begin_ && output_bytes() == 0; }

  Request& request() { return request_; }
  // Runs the handler; on a thread of the pool.
  void handle();

  // The loop's own notes.
  int socket = -1;
  bool readable = false;
  bool writable = true;
  bool half_closed = false;  // the kernel says that no more will come than what is there
  bool peer_ended = false;
  bool shut = false;  // our side
  std::size_t position = 0;

 private:
  static constexpr std::size_t kFirstBuffer = 4096;
  static constexpr std::size_t kKeptBuffer = std::size_t{64} << 10;
  static constexpr std::size_t kHighWater = std::size_t{64}
                                            << 10;  // of output, before more requests are read
  static constexpr std::size_t kChunkRoom = std::size_t{64} << 10;  // for chunks as they came
  // Of a streamed body that its handler did not want, before the connection is closed: many clients
  // look for an answer only when they have sent all.
  static constexpr std::size_t kDrained = std::size_t{64} << 20;

  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  bool reserve(std::size_t size_bytes);
  bool take_body_budget(std::size_t size_bytes);
  void release_body_budget();
  bool read_head();
  bool plan_request();
  bool start_body(std::size_t body_limit);
  bool read_body();
  bool refuse_length(std::size_t body_limit);
  void refuse_overloaded();
  void move_request(std::size_t size_bytes);
  bool start_stream();
  bool read_stream();
  bool read_chunks();
  void body_arrived();
  void ask_for_body();
  void expire_stream();
  void give_up(int status, std::string_view code, std::string message, ErrorCode reason);
  void send_from_source(Response response);
  void fetch();
  void take_fetched();
  void send_piece();
  void expire_source();
  void fail_source(int status, const Error& error);
  std::string_view unread_body() const { return unread().substr(body_at_); }
  void dispatch();
  void refuse(const ParseFailure& failure, const Request* request);
  void refuse(int status, std::string_view code, std::string message, const Request* request);
  void finish_request();
  std::string& next_output();  // behind all that waits to be written
  void write_response(const Response& response, std::string&& body);
  bool is_sound(const Response& response) const;
  bool has_body(const Response& response) const;
  bool is_moving() const;
  void set_deadline(std::chrono::milliseconds after);
  void name_request();
  void begin_idle();

  std::shared_ptr<ServerShared> shared_;
  ConnectionHost* host_;
  std::shared_ptr<Mailbox> mailbox_;
  std::thread::id loop_thread_;
  std::string peer_;
  State state_ = State::Head;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // of the message being read
  std::size_t end_ = 0;

  HeadParser parser_;
  ChunkDecoder chunks_;
  Request request_;
  RequestFraming framing_;
  RequestPlan plan_;
  std::size_t body_limit_ = 0;
  std::string chunked_body_;
  std::size_t message_bytes_ = 0;  // head and body, once complete
  std::size_t budget_ = 0;
  bool body_taken_ = false;  // a whole one, by read_body_piece()

  // A streamed request: the body's bytes go into the pipe, from the socket or, as far as they came
  // with the head or are chunked, from the buffer.
  std::unique_ptr<BodyPipe> pipe_;  // stays while an exchange is out
  std::size_t body_at_ = 0;         // in unread(): what has not gone into the pipe
  std::uint64_t body_left_ = 0;     // of Content-Length
  bool owes_continue_ = false;      // the client waits for it, the handler has not read yet
  std::uint64_t taken_seen_ = 0;    // by the handler, when it was looked at last
  std::size_t drain_left_ = 0;      // while Lingering
  SteadyTime rate_until_;
  SteadyTime handler_until_;

  // A streamed response.
  std::unique_ptr<SourceReader> reader_;
  std::optional<Response> held_;  // until the source's first piece has been read
  std::array<char, 16> id_{};

  bool exchange_out_ = false;
  bool in_dispatch_ = false;  // a response may be written at once
  bool keep_alive_ = true;
  bool fresh_ = true;  // no byte of the next request has come

  std::string out_;
  std::size_t out_at_ = 0;
  std::string big_body_;  // follows `out_`
  std::size_t big_at_ = 0;

  SteadyTime deadline_ = SteadyTime::max();
  std::size_t window_bytes_ = 0;  // moved since the rate window began
};

}  // namespace martlet::net
