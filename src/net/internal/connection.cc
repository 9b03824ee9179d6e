#include "net/internal/connection.h"

#include "base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace martlet::net {
namespace {

constexpr std::chrono::milliseconds kLinger(1000);
// A refusal of a request with a body this small reads the body and keeps the connection.
constexpr std::uint64_t kSmallBody = std::uint64_t{64} << 10;
// Bodies up to this size are copied behind their head and go out in one piece.
constexpr std::size_t kCopiedBody = std::size_t{16} << 10;

bool is_good_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool is_reserved(std::string_view name) {
  const auto is = [&](std::string_view lower) {
    return name.size() == lower.size() &&
           std::equal(name.begin(), name.end(), lower.begin(),
                      [](char c, char wanted) { return (c | 0x20) == wanted || c == wanted; });
  };
  return is("content-length") || is("transfer-encoding") || is("connection") || is("date") ||
         is("x-request-id");
}

bool is_bodiless(int status) { return status == 204 || status == 304; }

void append_number(std::string& out, std::uint64_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

}  // namespace

void Mailbox::post(std::shared_ptr<Connection> connection, Response response) {
  const std::lock_guard lock(letters_mutex_);
  if (closed_) return;
  answers_.emplace_back(std::move(connection), std::move(response));
  if (answers_.size() == 1) wake_();
}

void Mailbox::post_socket(int socket, std::string peer) {
  const std::lock_guard lock(letters_mutex_);
  sockets_.emplace_back(socket, std::move(peer));
  if (!closed_ && sockets_.size() == 1) wake_();
}

void Mailbox::nudge(std::shared_ptr<Connection> connection) {
  const std::lock_guard lock(letters_mutex_);
  if (closed_) return;
  nudged_.push_back(std::move(connection));
  if (nudged_.size() == 1) wake_();
}

void Mailbox::take(std::vector<std::pair<std::shared_ptr<Connection>, Response>>& answers,
                   std::vector<std::pair<int, std::string>>& sockets,
                   std::vector<std::shared_ptr<Connection>>& nudged) {
  const std::lock_guard lock(letters_mutex_);
  answers.swap(answers_);
  sockets.swap(sockets_);
  nudged.swap(nudged_);
}

std::vector<std::pair<int, std::string>> Mailbox::close() {
  const std::lock_guard lock(letters_mutex_);
  closed_ = true;
  answers_.clear();
  nudged_.clear();
  return std::exchange(sockets_, {});
}

Connection::Connection(std::shared_ptr<ServerShared> shared, ConnectionHost& host,
                       int socket_number, std::string peer)
    : socket(socket_number), shared_(std::move(shared)), host_(&host), mailbox_(host.mailbox()),
      loop_thread_(std::this_thread::get_id()), peer_(std::move(peer)) {
  shared_->connections.fetch_add(1, std::memory_order_relaxed);
  set_deadline(shared_->limits.header_timeout);
}

Connection::~Connection() { release_body_budget(); }

void Connection::set_deadline(std::chrono::milliseconds after) { deadline_ = host_->now() + after; }

bool Connection::take_body_budget(std::size_t size_bytes) {
  if (shared_->body_bytes.fetch_add(size_bytes) + size_bytes > shared_->limits.all_bodies_bytes) {
    shared_->body_bytes.fetch_sub(size_bytes);
    return false;
  }
  budget_ += size_bytes;
  return true;
}

void Connection::release_body_budget() {
  if (budget_ != 0) shared_->body_bytes.fetch_sub(std::exchange(budget_, 0));
}

// Room for `size_bytes` from `begin_` on. True when what is there moved.
bool Connection::reserve(std::size_t size_bytes) {
  if (capacity_ - begin_ >= size_bytes) return false;
  if (capacity_ >= size_bytes) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  } else {
    // Uninitialised: pages of a large body that never comes are never touched.
    auto larger = std::make_unique_for_overwrite<char[]>(size_bytes);
    if (end_ > begin_) std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
    buffer_ = std::move(larger);
    capacity_ = size_bytes;
  }
  end_ -= begin_;
  begin_ = 0;
  return true;
}

std::span<char> Connection::room() {
  if (state_ == State::Streaming && !framing_.chunked) {
    const std::span<char> free = pipe_->room();  // the next request's bytes stay in the socket
    return free.first(static_cast<std::size_t>(std::min<std::uint64_t>(free.size(), body_left_)));
  }
  if (state_ == State::Head) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (capacity_ - end_ < kFirstBuffer / 4) reserve(std::max(kFirstBuffer, 2 * (end_ - begin_)));
  }
  // A body has its room already: all of it, or a piece for chunks.
  return {buffer_.get() + end_, capacity_ - end_};
}

void Connection::received(std::size_t size_bytes) {
  window_bytes_ += size_bytes;
  if (state_ == State::Streaming) {
    owes_continue_ = false;  // it did not wait
    if (!framing_.chunked) {
      pipe_->commit(size_bytes);
      body_left_ -= size_bytes;
      return;
    }
  }
  end_ += size_bytes;
  if (state_ == State::Head && fresh_ && size_bytes > 0) {
    fresh_ = false;
    set_deadline(shared_->limits.header_timeout);
  }
}

bool Connection::received_end() {
  peer_ended = true;
  if (state_ == State::Handling || state_ == State::Closing)
    return true;  // a client may shut its side and still wait for the answer
  return output_bytes() > 0;
}

bool Connection::wants_input() const {
  if (output_bytes() >= kHighWater) return false;
  if (state_ == State::Streaming) return unread_body().empty() && pipe_->has_room();
  return state_ == State::Head || state_ == State::Body;
}

bool Connection::advance() {
  bool more = true;
  while (more) {
    if (output_bytes() >= kHighWater) return true;
    switch (state_) {
      case State::Head: more = end_ > begin_ && read_head(); break;
      case State::Body: more = read_body(); break;
      case State::Streaming: more = read_stream(); break;
      // Once all is sent there may be requests to read.
      case State::Sending: return output_bytes() > 0;
      default: more = false;
    }
  }
  return false;
}

bool Connection::read_head() {
  if (fresh_) {  // left over from the read that ended the request before
    fresh_ = false;
    set_deadline(shared_->limits.header_timeout);
  }
  switch (parser_.parse(unread(), shared_->limits, request_, framing_)) {
    case ParseState::NeedMore: return false;
    case ParseState::Failed:
      name_request();
      refuse(parser_.failure(), nullptr);
      return false;
    case ParseState::Done: break;
  }
  shared_->requests.fetch_add(1, std::memory_order_relaxed);
  keep_alive_ = framing_.keep_alive;
  name_request();
  return plan_request();
}

void Connection::name_request() {
  request_.peer = peer_;
  const std::string_view theirs = request_.header("x-request-id");
  if (is_good_id(theirs)) {
    request_.id = theirs;
    return;
  }
  std::uint64_t number = host_->next_request_number();
  for (std::size_t i = id_.size(); i-- > 0; number >>= 4) id_[i] = "0123456789abcdef"[number & 15];
  request_.id = {id_.data(), id_.size()};
}

bool Connection::plan_request() {
  request_.deadline.at = host_->now() + shared_->limits.handler_timeout;
  plan_ = shared_->handler->plan(request_);
  if (plan_.body == BodyMode::Streamed) plan_.where = Where::Pool;
  const bool has_body = framing_.chunked || framing_.content_length > 0;
  if (!has_body) {
    message_bytes_ = framing_.head_bytes;
    dispatch();
    return true;
  }
  if (plan_.refusal.has_value() &&
      (framing_.chunked || framing_.expects_continue || framing_.content_length > kSmallBody)) {
    keep_alive_ = false;  // its body is not worth reading
    message_bytes_ = unread().size();
    dispatch();
    return true;
  }
  if (plan_.body == BodyMode::Streamed && !plan_.refusal.has_value()) return start_stream();
  return start_body(plan_.refusal.has_value()
                        ? kSmallBody
                        : plan_.body_limit_bytes.value_or(shared_->limits.body_bytes));
}

bool Connection::refuse_length(std::size_t body_limit) {
  body_limit_ = body_limit;
  if (framing_.content_length <= body_limit) return false;
  refuse(413, "body_too_large",
         fmt::format("the body has {} bytes; this route takes at most {}", framing_.content_length,
                     body_limit),
         &request_);
  return true;
}

void Connection::refuse_overloaded() {
  shared_->overloaded.fetch_add(1, std::memory_order_relaxed);
  refuse(503, "overloaded", "the server holds too many bodies; try again in a second", &request_);
}

// To where `size_bytes` have room, if they have none here.
void Connection::move_request(std::size_t size_bytes) {
  if (!reserve(size_bytes)) return;
  // The request's views point to where the head was.
  parser_.reset();
  const ParseState again = parser_.parse(unread(), shared_->limits, request_, framing_);
  MARTLET_CHECK(again == ParseState::Done, "the same bytes are parsed alike");
  name_request();
  plan_ = shared_->handler->plan(request_);
}

bool Connection::start_body(std::size_t body_limit) {
  if (refuse_length(body_limit)) return false;
  const auto length = static_cast<std::size_t>(framing_.content_length);
  if (!framing_.chunked && !take_body_budget(length)) {
    refuse_overloaded();
    return false;
  }
  move_request(framing_.head_bytes + (framing_.chunked ? kKeptBuffer / 4 : length));
  state_ = State::Body;
  chunked_body_.clear();
  chunks_.reset();
  window_bytes_ = 0;
  set_deadline(shared_->limits.rate_window);
  if (framing_.expects_continue && unread().size() == framing_.head_bytes)
    next_output() += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

bool Connection::read_body() {
  const std::string_view rest = unread().substr(framing_.head_bytes);
  if (!framing_.chunked) {
    const auto length = static_cast<std::size_t>(framing_.content_length);
    if (rest.size() < length) return false;
    request_.body = rest.substr(0, length);
    message_bytes_ = framing_.head_bytes + length;
    dispatch();
    return true;
  }
  std::size_t consumed = 0;
  const std::size_t before = chunked_body_.capacity();
  const ParseState decoded =
      chunks_.decode(rest, body_limit_, shared_->limits.header_bytes, chunked_body_, consumed);
  if (const std::size_t grown = chunked_body_.capacity() - before;
      grown > 0 && !take_body_budget(grown)) {
    refuse_overloaded();
    return false;
  }
  switch (decoded) {
    case ParseState::NeedMore:
      end_ = begin_ + framing_.head_bytes;  // taken; the room is free again
      return false;
    case ParseState::Failed: refuse(chunks_.failure(), &request_); return false;
    case ParseState::Done: break;
  }
  request_.body = chunked_body_;
  message_bytes_ = framing_.head_bytes + consumed;
  dispatch();
  return true;
}

void Connection::dispatch() {
  state_ = State::Handling;
  exchange_out_ = true;
  in_dispatch_ = true;
  if (plan_.refusal.has_value()) {
    Response refusal = std::move(*plan_.refusal);
    plan_.refusal.reset();
    complete(std::move(refusal));
  } else if (plan_.where == Where::Loop) {
    set_deadline(shared_->limits.handler_timeout);
    handle();
  } else {
    set_deadline(shared_->limits.handler_timeout);
    if (!host_->run_on_pool(shared_from_this())) {
      shared_->overloaded.fetch_add(1, std::memory_order_relaxed);
      Response busy = shared_->handler->problem(
          {503, "overloaded", "too many requests are waiting; try again in a second", request_.id},
          &request_);
      busy.headers.emplace_back("Retry-After", "1");
      complete(std::move(busy));
    }
  }
  in_dispatch_ = false;
}

void Connection::handle() { shared_->handler->handle(Exchange(shared_from_this())); }

void Connection::deliver(Response response) {
  if (std::this_thread::get_id() == loop_thread_ && in_dispatch_)
    complete(std::move(response));
  else
    mailbox_->post(shared_from_this(), std::move(response));
}

void Connection::refuse(const ParseFailure& failure, const Request* request) {
  refuse(failure.status, failure.code, std::string(failure.message), request);
}

void Connection::refuse(int status, std::string_view code, std::string message,
                        const Request* request) {
  if (status != 503) shared_->refused.fetch_add(1, std::memory_order_relaxed);
  Response response =
      shared_->handler->problem({status, code, std::move(message), request_.id}, request);
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  if (request == nullptr) {
    request_.method = Method::Get;  // what it was is unknown: the refusal has a body
    framing_ = RequestFraming();
  }
  keep_alive_ = false;
  message_bytes_ = unread().size();
  state_ = State::Handling;
  exchange_out_ = true;
  complete(std::move(response));
}

void Connection::complete(Response response) {
  const bool streaming = state_ == State::Streaming;  // answered before the body's end
  if ((state_ != State::Handling && !streaming) || !exchange_out_) {
    exchange_out_ = false;  // it was closed, or given up, meanwhile
    return;
  }
  exchange_out_ = false;
  if (streaming) {
    keep_alive_ = false;
    drain_left_ = kDrained;
  }
  if (pipe_ != nullptr) pipe_.reset();
  if (shared_->draining.load(std::memory_order_relaxed) || peer_ended) keep_alive_ = false;
  if (!is_sound(response))
    response = shared_->handler->problem(
        {500, "bad_response", "the server made a response that cannot be sent", request_.id},
        nullptr);
  if (response.source != nullptr && has_body(response) && response.source->size_bytes() > 0) {
    send_from_source(std::move(response));
    return;
  }
  std::string body = std::move(response.body);
  write_response(response, std::move(body));
  shared_->responses.fetch_add(1, std::memory_order_relaxed);
  finish_request();
}

bool Connection::has_body(const Response& response) const {
  return request_.method != Method::Head && !is_bodiless(response.status);
}

bool Connection::is_sound(const Response& response) const {
  if (response.status < 200 || response.status > 599 || !is_field_value(response.content_type))
    return false;
  if (response.source != nullptr && !response.body.empty()) return false;
  return std::ranges::all_of(response.headers, [](const auto& header) {
    return is_token(header.first) && is_field_value(header.second) && !is_reserved(header.first);
  });
}

std::string& Connection::next_output() {
  if (out_at_ == out_.size() && big_at_ == big_body_.size()) {
    out_.clear();
    out_at_ = 0;
  }
  if (big_at_ <
      big_body_.size()) {  // an earlier one goes first; advance() saw to it that little is left
    out_ += std::string_view(big_body_).substr(big_at_);
    big_body_.clear();
    big_at_ = 0;
  }
  return out_;
}

void Connection::write_response(const Response& response, std::string&& body) {
  std::string& out = next_output();
  if (response.status == 200) {
    out += "HTTP/1.1 200 OK\r\ndate: ";
  } else {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(response.status));
    out += ' ';
    out += reason_phrase(response.status);
    out += "\r\ndate: ";
  }
  out += host_->date();
  const bool bodiless = is_bodiless(response.status);
  if (!response.content_type.empty() && !bodiless) {
    out += "\r\ncontent-type: ";
    out += response.content_type;
  }
  if (!bodiless) {
    out += "\r\ncontent-length: ";
    append_number(out, response.source == nullptr ? body.size() : response.source->size_bytes());
  }
  out += "\r\nx-request-id: ";
  out += request_.id;
  for (const auto& [name, value] : response.headers) {
    out += "\r\n";
    out += name;
    out += ": ";
    out += value;
  }
  if (!keep_alive_)
    out += "\r\nconnection: close\r\n\r\n";
  else if (framing_.http_1_0)
    out += "\r\nconnection: keep-alive\r\n\r\n";
  else
    out += "\r\n\r\n";
  if (!has_body(response)) return;
  if (body.size() <= kCopiedBody) {
    out += body;
  } else {
    big_body_ = std::move(body);
    big_at_ = 0;
  }
}

void Connection::finish_request() {
  release_body_budget();
  body_taken_ = false;
  begin_ = std::min(begin_ + message_bytes_, end_);
  request_.identity.reset();
  request_.route = nullptr;
  request_.headers.clear();  // their bytes may go; a head that can't be read has none of its own
  chunked_body_.clear();
  if (chunked_body_.capacity() > kKeptBuffer) chunked_body_ = std::string();
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > kKeptBuffer) {
      buffer_.reset();
      capacity_ = 0;
    }
  }
  parser_.reset();
  window_bytes_ = 0;
  if (!keep_alive_) {
    state_ = State::Closing;
    set_deadline(shared_->limits.rate_window);
    return;
  }
  state_ = State::Head;
  fresh_ = true;
  begin_idle();
}

void Connection::begin_idle() {
  set_deadline(shared_->draining.load(std::memory_order_relaxed) ? shared_->limits.drain_idle
                                                                 : shared_->limits.idle_timeout);
}

std::array<std::string_view, 2> Connection::output() const {
  return {std::string_view(out_).substr(out_at_), std::string_view(big_body_).substr(big_at_)};
}

std::size_t Connection::output_bytes() const {
  return out_.size() - out_at_ + big_body_.size() - big_at_;
}

void Connection::written(std::size_t size_bytes) {
  if (size_bytes == 0) return;
  window_bytes_ += size_bytes;
  const std::size_t first = std::min(size_bytes, out_.size() - out_at_);
  out_at_ += first;
  big_at_ += size_bytes - first;
  if (output_bytes() > 0) return;
  out_.clear();
  out_at_ = 0;
  if (out_.capacity() > kKeptBuffer) out_ = std::string();
  big_at_ = 0;
  if (state_ == State::Sending) {
    reader_->recycle(std::move(big_body_));
    big_body_ = std::string();
    send_piece();
    return;
  }
  big_body_ = std::string();
  if (state_ == State::Head && fresh_) begin_idle();
  if (state_ == State::Closing) {
    state_ = peer_ended ? State::Closed : State::Lingering;
    window_bytes_ = 0;
    set_deadline(kLinger);
  }
}

bool Connection::is_moving() const {
  const HttpLimits& limits = shared_->limits;
  return window_bytes_ >=
         static_cast<std::size_t>(static_cast<double>(limits.bytes_per_second) *
                                  std::chrono::duration<double>(limits.rate_window).count());
}

void Connection::expire() {
  const HttpLimits& limits = shared_->limits;
  // Output that is not being taken comes first: nothing else can be said to such a client.
  const bool moving = is_moving();
  switch (state_) {
    case State::Head:
      if (output_bytes() > 0 && moving) {  // a large response on a slow line
        window_bytes_ = 0;
        set_deadline(limits.rate_window);
        return;
      }
      if (fresh_ || output_bytes() > 0) {
        close();
        return;
      }
      name_request();
      refuse(408, "too_slow", "the request's head did not arrive in time", nullptr);
      return;
    case State::Body:
      if (moving) {
        window_bytes_ = 0;
        set_deadline(limits.rate_window);
        return;
      }
      refuse(408, "too_slow", "the request's body arrives too slowly", &request_);
      return;
    case State::Streaming: expire_stream(); return;
    case State::Sending: expire_source(); return;
    case State::Handling:
      if (pipe_ != nullptr) {
        expire_stream();
        return;
      }
      give_up(504, "handler_timeout", "the server could not answer in time",
              ErrorCode::DeadlineExceeded);
      return;
    case State::Closing:
      if (moving) {
        window_bytes_ = 0;
        set_deadline(limits.rate_window);
        return;
      }
      close();
      return;
    case State::Lingering:
      if (drain_left_ > 0 && moving) {
        window_bytes_ = 0;
        set_deadline(kLinger);
        return;
      }
      close();
      return;
    case State::Closed: close(); return;
  }
}

void Connection::drain() {
  if (state_ == State::Head && fresh_ && output_bytes() == 0)
    deadline_ = std::min(deadline_, host_->now() + shared_->limits.drain_idle);
}

void Connection::close() {
  if (((state_ == State::Handling || state_ == State::Streaming) && exchange_out_) ||
      state_ == State::Sending) {
    shared_->vanished.fetch_add(1, std::memory_order_relaxed);
    request_.cancel.cancel();
    if (pipe_ != nullptr)
      pipe_->fail(Error(ErrorCode::Cancelled, "reading the request's body: the client has gone, or "
                                              "the server has stopped, before its end"));
  }
  state_ = State::Closed;
  deadline_ = SteadyTime::max();
}

Exchange::Exchange(std::shared_ptr<Connection> connection)
    : connection_(std::move(connection)), request_(&connection_->request()) {}

Exchange& Exchange::operator=(Exchange&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(request_, other.request_);
  return *this;
}

void Exchange::respond(Response response) {
  MARTLET_CHECK(connection_ != nullptr, "an exchange is answered once");
  const std::shared_ptr<Connection> connection = std::move(connection_);
  connection->deliver(std::move(response));
}

Exchange::~Exchange() {
  if (connection_ != nullptr)
    respond(problem_response(
        {500, "internal", "the server did not answer this request; see its log", request_->id}));
}

Response RequestHandler::problem(const HttpProblem& problem, const Request*) {
  return problem_response(problem);
}

}  // namespace martlet::net
