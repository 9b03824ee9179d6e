// Bytes of a client, cut into pieces as the first bytes say, into a connection. Beyond not
// crashing: what is answered is well-formed, and a connection that says it closes does.
#include "net/internal/fake_host.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace martlet;
  using namespace martlet::net;
  if (size < 2) return 0;
  HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 8192;
  limits.headers = 20;
  FakeHost host(limits);
  const bool pooled = (bytes[0] & 0x80) != 0;
  host.handler.planned = [&](Request& request) {
    RequestPlan plan{pooled ? Where::Pool : Where::Loop, {}, {}};
    if (request.path == "/refused") plan.refusal = Response::text(404, "");
    return plan;
  };
  const std::size_t piece = 1 + (bytes[1] % 64) * static_cast<std::size_t>(1 + (bytes[0] & 0x0F));
  std::string_view rest(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  const auto connection = host.connect();
  std::string said;
  while (!rest.empty() && connection->state() != Connection::State::Closed) {
    const std::size_t part = std::min(piece, rest.size());
    said += host.talk(*connection, rest.substr(0, part), piece);
    rest.remove_prefix(part);
    said += host.work(*connection);
    if (!connection->wants_input() && connection->state() != Connection::State::Handling) break;
  }
  host.time += std::chrono::hours(1);
  for (int i = 0; i < 4 && connection->state() != Connection::State::Closed; ++i) {
    connection->expire();
    said += host.flush(*connection);
    host.time += std::chrono::hours(1);
  }
  MARTLET_CHECK(said.empty() || said.starts_with("HTTP/1.1 "), "every answer is a response");
  MARTLET_CHECK(connection->state() == Connection::State::Closed, "every connection ends");
  return 0;
}
