// The bound: an epoll loop a thread, SO_REUSEPORT, the least parser that finds a body, and the
// scorer of tree_model.h. It believes whatever it's sent.  Usage: bare_epoll PORT THREADS MODEL
#include "tree_model.h"

#include <strings.h>

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

struct Client {
  int socket;
  std::string in;
};

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = 0; at + kName.size() < head.size(); ++at)
    if (::strncasecmp(head.data() + at, kName.data(), kName.size()) == 0)
      return std::strtoul(head.data() + at + kName.size(), nullptr, 10);
  return 0;
}

void answer_all(Client& client, const TreeModel& model, std::string& out) {
  for (;;) {
    const std::size_t head = client.in.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const std::size_t length = content_length(std::string_view(client.in).substr(0, head + 2));
    if (client.in.size() < head + 4 + length) return;
    std::string body;
    const bool good = answer(model, std::string_view(client.in).substr(head + 4, length), body);
    out += good ? "HTTP/1.1 200 OK" : "HTTP/1.1 422 Unprocessable Content";
    out += "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
    client.in.erase(0, head + 4 + length);
  }
}

void loop(std::uint16_t port, const TreeModel& model) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, 1024) != 0) {
    std::perror("bare_epoll");
    std::exit(1);
  }
  const int epoll = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 256> events;
  std::array<char, 65536> buffer;
  std::string out;
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* const client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (client == nullptr) {
        for (;;) {
          const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
          if (socket < 0) break;
          ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
          event.data.ptr = std::make_unique<Client>(Client{socket, {}}).release();
          ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
        }
        continue;
      }
      const ssize_t got = ::read(client->socket, buffer.data(), buffer.size());
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) {
        ::close(client->socket);
        const std::unique_ptr<Client> gone(client);
        continue;
      }
      client->in.append(buffer.data(), static_cast<std::size_t>(got));
      out.clear();
      answer_all(*client, model, out);
      if (!out.empty()) (void)!::write(client->socket, out.data(), out.size());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const TreeModel model(argv[3]);
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    threads.emplace_back(loop, static_cast<std::uint16_t>(std::atoi(argv[1])), std::cref(model));
  for (std::thread& thread : threads) thread.join();
}
