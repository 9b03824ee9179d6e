// The server of src/net with the handler of bare_epoll.cc: what the strict parser, the router, the
// limits and the deadlines cost, without a model server around them.
// Usage: own_loop PORT THREADS MODEL
#include "base/log.h"
#include "net/http_server.h"
#include "net/router.h"
#include "platform/real_clock.h"
#include "tree_model.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  using namespace martlet;
  if (argc < 4) return 2;
  const TreeModel model(argv[3]);
  Log log(LogLevel::Warn, LogFormat::Text);
  const platform::RealClock clock;
  net::Router router;
  net::Route route;
  route.method = net::Method::Post;
  route.pattern = "/predict";
  route.permission = net::RoutePermission::Open;
  route.where = net::Where::Loop;
  route.answer = [&](net::Request& request) {
    std::string body;
    const bool good = answer(model, request.body, body);
    return net::Response::json(good ? 200 : 422, std::move(body));
  };
  router.add(std::move(route));
  net::HttpServerOptions options;
  options.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  options.loops = std::atoi(argv[2]);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto server = net::HttpServer::start(options, router, clock, log);
  if (!server.has_value()) {
    std::fprintf(stderr, "%s\n", server.error().message().c_str());
    return 1;
  }
  int caught = 0;
  sigwait(&signals, &caught);
}
