// Boost.Beast on Asio with the handler of bare_epoll.cc: one io_context a thread, SO_REUSEPORT,
// asynchronous, keep-alive, a flat buffer a connection. For decision 0001, which was made without
// such a measurement. Usage: beast PORT THREADS MODEL
#include "tree_model.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <memory>
#include <sys/socket.h>
#include <thread>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Socket = tcp::socket::rebind_executor<asio::io_context::executor_type>::other;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, const TreeModel& model) : stream_(std::move(socket)), model_(model) {}
  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->respond();
                     });
  }

 private:
  void respond() {
    response_ = {http::status::ok, request_.version()};
    if (!answer(model_, request_.body(), response_.body()))
      response_.result(http::status::unprocessable_entity);
    response_.set(http::field::content_type, "application/json");
    response_.keep_alive(request_.keep_alive());
    response_.prepare_payload();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->response_.keep_alive()) self->read();
                      });
  }

  beast::basic_stream<tcp, asio::io_context::executor_type> stream_;
  const TreeModel& model_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

class Listener {
 public:
  Listener(asio::io_context& context, std::uint16_t port, const TreeModel& model)
      : acceptor_(context), context_(context), model_(model) {
    acceptor_.open(tcp::v4());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.set_option(ReusePort(true));
    acceptor_.bind({asio::ip::address_v4::loopback(), port});
    acceptor_.listen();
  }
  void accept() {
    acceptor_.async_accept(context_, [this](beast::error_code error, Socket socket) {
      if (!error) {
        socket.set_option(tcp::no_delay(true));
        std::make_shared<Session>(std::move(socket), model_)->read();
      }
      accept();
    });
  }

 private:
  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
  asio::io_context& context_;
  const TreeModel& model_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const TreeModel model(argv[3]);
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    threads.emplace_back([&] {
      asio::io_context context(1);
      Listener listener(context, static_cast<std::uint16_t>(std::atoi(argv[1])), model);
      listener.accept();
      context.run();
    });
  for (std::thread& thread : threads) thread.join();
}
