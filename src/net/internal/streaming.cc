// What a connection does with bodies that are never whole in memory: requests that a handler reads
// while they come, responses that are sent while their source is read.
#include "net/internal/connection.h"

#include <algorithm>
#include <utility>

namespace martlet::net {

// ---- Requests

bool Connection::start_stream() {
  const HttpLimits& limits = shared_->limits;
  if (refuse_length(plan_.body_limit_bytes.value_or(limits.streamed_body_bytes))) return false;
  const auto window = static_cast<std::size_t>(
      framing_.chunked
          ? limits.stream_window_bytes
          : std::min<std::uint64_t>(limits.stream_window_bytes, framing_.content_length));
  if (!take_body_budget(window + (framing_.chunked ? kChunkRoom : 0))) {
    refuse_overloaded();
    return false;
  }
  if (framing_.chunked) move_request(framing_.head_bytes + kChunkRoom);
  request_.deadline = Deadline::none();
  // While the handler has one half, the other one can be filled; a body that fits needs no filling.
  const bool fits = !framing_.chunked && window == framing_.content_length;
  pipe_ = std::make_unique<BodyPipe>(window, fits ? window : window / 2);
  body_at_ = framing_.head_bytes;
  body_left_ = framing_.content_length;
  owes_continue_ = framing_.expects_continue && unread().size() == framing_.head_bytes;
  chunks_.reset();
  window_bytes_ = 0;
  taken_seen_ = 0;
  rate_until_ = host_->now() + limits.rate_window;
  handler_until_ = host_->now() + limits.handler_timeout;
  deadline_ = std::min(rate_until_, handler_until_);
  state_ = State::Streaming;
  exchange_out_ = true;
  if (!host_->run_streamed(shared_from_this())) {
    exchange_out_ = false;
    refuse_overloaded();
    return false;
  }
  return true;
}

// Moves what is in the buffer into the pipe. True when the body's end was seen.
bool Connection::read_stream() {
  if (framing_.chunked) return read_chunks();
  while (body_left_ > 0 && !unread_body().empty() && pipe_->has_room()) {
    const std::size_t moved = pipe_->append(unread_body().substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(unread_body().size(), body_left_))));
    body_at_ += moved;
    body_left_ -= moved;
  }
  if (body_left_ > 0) return false;
  body_arrived();
  return true;
}

bool Connection::read_chunks() {
  for (;;) {
    // No more than the pipe can take: what is decoded is never longer than what it came in.
    const std::size_t room = pipe_->has_room() ? pipe_->room().size() : 0;
    const std::string_view rest = unread_body().substr(0, room);
    if (rest.empty()) return false;
    std::string_view content;
    std::size_t consumed = 0;
    const ParseState state =
        chunks_.next(rest, body_limit_, shared_->limits.header_bytes, content, consumed);
    if (state == ParseState::Failed) {
      const ParseFailure& failure = chunks_.failure();
      give_up(failure.status, failure.code, std::string(failure.message),
              failure.status == 413 ? ErrorCode::ResourceExhausted : ErrorCode::InvalidArgument);
      return false;
    }
    (void)pipe_->append(content);
    body_at_ += consumed;
    if (state == ParseState::Done) {
      body_arrived();
      return true;
    }
    if (unread_body().empty()) {  // the room is free again
      body_at_ = framing_.head_bytes;
      end_ = begin_ + body_at_;
    }
  }
}

// The handler goes on with what is in the pipe; what follows in the buffer is the next request.
void Connection::body_arrived() {
  message_bytes_ = body_at_;
  owes_continue_ = false;
  state_ = State::Handling;
  pipe_->finish();
  deadline_ = handler_until_;
}

void Connection::ask_for_body() {
  if (!owes_continue_ || state_ != State::Streaming || !pipe_->reading_begun()) return;
  owes_continue_ = false;
  next_output() += "HTTP/1.1 100 Continue\r\n\r\n";
  window_bytes_ = 0;
  rate_until_ = host_->now() + shared_->limits.rate_window;
  handler_until_ = host_->now() + shared_->limits.handler_timeout;
}

// The client must keep up the rate, but for the windows in which it was kept waiting; the handler
// must take something, but for the time in which there was nothing.
void Connection::expire_stream() {
  const HttpLimits& limits = shared_->limits;
  const SteadyTime now = host_->now();
  if (const std::uint64_t taken = pipe_->taken_bytes(); taken != taken_seen_) {
    taken_seen_ = taken;
    handler_until_ = now + limits.handler_timeout;
  }
  if (state_ == State::Streaming && now >= rate_until_) {
    const bool kept_waiting = pipe_->take_was_full() || owes_continue_;
    if (!kept_waiting && !is_moving()) {
      give_up(408, "too_slow", "the request's body arrives too slowly",
              ErrorCode::DeadlineExceeded);
      return;
    }
    window_bytes_ = 0;
    rate_until_ = now + limits.rate_window;
  }
  if (now >= handler_until_) {
    if (state_ == State::Handling || owes_continue_ || pipe_->waits_for_reader()) {
      give_up(504, "handler_timeout", "the server could not answer in time",
              ErrorCode::DeadlineExceeded);
      return;
    }
    handler_until_ = now + limits.handler_timeout;
  }
  deadline_ = state_ == State::Handling ? handler_until_ : std::min(rate_until_, handler_until_);
}

// While an exchange is out. The handler goes on in its own time: its buffers stay as they are, only
// the client hears of it now.
void Connection::give_up(int status, std::string_view code, std::string message, ErrorCode reason) {
  (status == 504 ? shared_->handler_timeouts : shared_->refused)
      .fetch_add(1, std::memory_order_relaxed);
  request_.cancel.cancel();
  if (state_ == State::Streaming) drain_left_ = kDrained;
  if (pipe_ != nullptr) pipe_->fail(Error(reason, "reading the request's body: " + message));
  keep_alive_ = false;
  Response response =
      shared_->handler->problem({status, code, std::move(message), request_.id}, nullptr);
  std::string body = std::move(response.body);
  write_response(response, std::move(body));
  state_ = State::Closing;
  window_bytes_ = 0;
  set_deadline(shared_->limits.rate_window);
}

Result<std::string_view> Connection::read_body_piece() {
  if (pipe_ == nullptr)
    return std::exchange(body_taken_, true) ? std::string_view() : request_.body;
  if (pipe_->release()) mailbox_->nudge(shared_from_this());
  if (std::this_thread::get_id() == loop_thread_ && !pipe_->ready())
    return internal_error("reading the request's body: the event loop would wait for itself; read "
                          "on another thread");
  return pipe_->take();
}

bool Connection::body_ready() { return pipe_ == nullptr || pipe_->ready(); }

std::optional<std::uint64_t> Connection::declared_body_bytes() const {
  return framing_.chunked ? std::nullopt : std::optional(framing_.content_length);
}

Result<std::string_view> RequestBody::read() { return connection_->read_body_piece(); }

bool RequestBody::ready() const { return connection_->body_ready(); }

std::optional<std::uint64_t> RequestBody::size_bytes() const {
  return connection_->declared_body_bytes();
}

// ---- Responses

// The head goes out with the first piece: a source that can't be read at all is a 500.
void Connection::send_from_source(Response response) {
  release_body_budget();
  const std::size_t window = shared_->limits.stream_window_bytes;
  const std::uint64_t size_bytes = response.source->size_bytes();
  if (!take_body_budget(static_cast<std::size_t>(std::min<std::uint64_t>(window, size_bytes)))) {
    state_ = State::Handling;
    exchange_out_ = true;
    shared_->overloaded.fetch_add(1, std::memory_order_relaxed);
    Response busy = shared_->handler->problem(
        {503, "overloaded", "the server holds too many bodies; try again in a second", request_.id},
        nullptr);
    busy.headers.emplace_back("Retry-After", "1");
    complete(std::move(busy));
    return;
  }
  reader_ = std::make_unique<SourceReader>(response.source, window / 2);
  held_ = std::move(response);
  state_ = State::Sending;
  set_deadline(shared_->limits.handler_timeout);
  fetch();
}

void Connection::fetch() {
  if (reader_->begin_read() && !host_->run_source(shared_from_this()))
    fail_source(503, Error(ErrorCode::Unavailable, "the server stops"));
}

void Connection::read_source() {
  reader_->read();
  mailbox_->nudge(shared_from_this());
}

void Connection::notice() {
  ask_for_body();
  if (reader_ != nullptr && reader_->read_done()) take_fetched();
}

void Connection::take_fetched() {
  const bool read = reader_->end_read();
  if (state_ != State::Sending) return;  // given up meanwhile
  if (!read) {
    fail_source(500, reader_->failure());
    return;
  }
  if (held_.has_value()) {
    write_response(*held_, std::string());
    held_.reset();
    shared_->responses.fetch_add(1, std::memory_order_relaxed);
  }
  if (big_body_.empty()) send_piece();
}

// When nothing of the piece before is left to write.
void Connection::send_piece() {
  if (!reader_->has_piece()) {
    set_deadline(shared_->limits.handler_timeout);
    return;
  }
  big_body_ = reader_->take_piece();
  big_at_ = 0;
  window_bytes_ = 0;
  set_deadline(shared_->limits.rate_window);
  if (!reader_->done()) {
    fetch();
    return;
  }
  reader_.reset();
  finish_request();
}

void Connection::expire_source() {
  if (output_bytes() == 0) {
    fail_source(504, Error(ErrorCode::DeadlineExceeded, "its source could not be read in time"));
  } else if (is_moving()) {
    window_bytes_ = 0;
    set_deadline(shared_->limits.rate_window);
  } else {
    close();
  }
}

void Connection::fail_source(int status, const Error& error) {
  shared_->source_failures.fetch_add(1, std::memory_order_relaxed);
  shared_->log->warn("http.source_failed", {{"request_id", request_.id},
                                            {"peer", peer_},
                                            {"read_bytes", std::to_string(reader_->read_bytes())},
                                            {"size_bytes", std::to_string(reader_->size_bytes())},
                                            {"error", error.message()}});
  if (!held_.has_value()) {  // the client sees that its body is cut short
    state_ = State::Closed;
    deadline_ = SteadyTime::max();
    return;
  }
  held_.reset();
  keep_alive_ = false;
  Response response = shared_->handler->problem(
      {status, "source_failed", "the server could not read what it was about to send; see its log",
       request_.id},
      nullptr);
  std::string body = std::move(response.body);
  write_response(response, std::move(body));
  shared_->responses.fetch_add(1, std::memory_order_relaxed);
  finish_request();
}

}  // namespace martlet::net
