// Bytes of a client, cut into pieces as the first bytes say, into a connection. Beyond not
// crashing: what is answered is well-formed, a connection that says it closes does, and a body that
// is streamed is the same as one that is whole, whatever the pieces.
#include "net/body_source.h"
#include "net/internal/fake_host.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::net {
namespace {

HttpLimits small_limits() {
  HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 8192;
  limits.streamed_body_bytes = 8192;
  limits.stream_window_bytes = 1024;
  limits.headers = 20;
  return limits;
}

// Parsing a head again takes another number, and whether that's needed depends on the pieces.
class NumberlessHost : public FakeHost {
 public:
  using FakeHost::FakeHost;
  std::uint64_t next_request_number() override { return 1; }
};

// A client and the handlers of its requests: /refused is refused, /early is answered with nothing
// read, /source has a streamed answer, all others tell what they saw.
class Session {
 public:
  Session(Where where, BodyMode mode, std::size_t piece) : piece_(piece) {
    host_.handler.planned = [where, mode](Request& request) {
      RequestPlan plan{where, {}, {}, mode};
      if (request.path == "/refused") plan.refusal = Response::text(404, "");
      return plan;
    };
    host_.handler.handled = [this](Exchange exchange) {
      exchange_ = std::move(exchange);
      seen_.clear();
      serve();
    };
  }

  // All that was said to these bytes.
  std::string run(std::string_view bytes) {
    while (!bytes.empty() && connection_->state() != Connection::State::Closed) {
      if (!connection_->wants_input() && !work()) break;
      if (!connection_->wants_input()) continue;
      const std::size_t part = std::min({piece_, bytes.size(), connection_->room().size()});
      said_ += host_.talk(*connection_, bytes.substr(0, part));
      bytes.remove_prefix(part);
      while (work()) {}
    }
    while (work()) {}
    return said_;
  }
  // Whether it matters how much of a body had come when the answer was given.
  bool answered_early() const { return early_; }
  // The client says no more: time passes until the connection ends.
  void end() {
    host_.time += std::chrono::hours(1);
    for (int i = 0; i < 6 && connection_->state() != Connection::State::Closed; ++i) {
      connection_->expire();
      said_ += host_.flush(*connection_);
      while (work()) {}
      host_.time += std::chrono::hours(1);
    }
    MARTLET_CHECK(said_.empty() || said_.starts_with("HTTP/1.1 "), "every answer is a response");
    MARTLET_CHECK(connection_->state() == Connection::State::Closed, "every connection ends");
    exchange_.reset();
    said_ += host_.read_mail(*connection_);
    connection_.reset();
    MARTLET_CHECK(host_.shared->body_bytes == 0, "nothing is held when all is over");
  }

 private:
  // One step of the handler, and what the loop makes of it. False when there was nothing to do.
  bool work() {
    const std::size_t before = said_.size();
    bool did = !host_.waiting.empty() || !host_.reading.empty();
    said_ += host_.work(*connection_);
    said_ += host_.fetch(*connection_);
    if (exchange_.has_value()) did = serve() || did;
    said_ += host_.read_mail(*connection_);
    return did || said_.size() > before;
  }
  bool serve() {
    RequestBody body = exchange_->body();
    if (exchange_->request().path == "/early") {
      early_ = true;
      return answer();
    }
    if (!body.ready()) return false;
    const Result<std::string_view> piece = body.read();
    if (!piece.has_value() || piece->empty()) return answer();
    MARTLET_CHECK(piece->size() <= 8192, "a piece lies within the limit");
    seen_ += *piece;
    return true;
  }
  bool answer() {
    Exchange exchange = std::move(*exchange_);
    exchange_.reset();
    Response response = Response::text(200, std::string(exchange.request().path) + "\n" + seen_);
    if (exchange.request().path == "/source")
      response.source = memory_source(std::exchange(response.body, {}) + std::string(3000, '.'));
    exchange.respond(std::move(response));
    return true;
  }

  std::size_t piece_;
  NumberlessHost host_{small_limits()};
  std::shared_ptr<Connection> connection_ = host_.connect();
  std::optional<Exchange> exchange_;
  std::string seen_;
  std::string said_;
  bool early_ = false;
};

// Whether a client is asked to go on depends on what it has sent already.
std::string without_continue(std::string said) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  for (std::size_t at = 0; (at = said.find(kContinue, at)) != std::string::npos;)
    said.erase(at, kContinue.size());
  return said;
}

}  // namespace
}  // namespace martlet::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace martlet::net;
  if (size < 2) return 0;
  const Where where = (bytes[0] & 0x80) != 0 ? Where::Pool : Where::Loop;
  const BodyMode mode = (bytes[0] & 0x40) != 0 ? BodyMode::Streamed : BodyMode::Whole;
  const std::size_t piece = 1 + (bytes[1] % 64) * static_cast<std::size_t>(1 + (bytes[0] & 0x0F));
  const std::string_view rest(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  Session session(where, mode, piece);
  const std::string said = session.run(rest);
  if (mode == BodyMode::Streamed) {
    Session at_once(where, mode, SIZE_MAX);
    const std::string same = at_once.run(rest);
    MARTLET_CHECK(session.answered_early() || without_continue(same) == without_continue(said),
                  "pieces change nothing of what is said");
    at_once.end();
  }
  session.end();
  return 0;
}
