#include "metadata/testing/cutting_proxy.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace martlet::metadata::testing {

namespace {

constexpr int kLookMs = 20;  // how often a session looks whether it is to stop

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void send_all(int socket, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t now = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
  }
}

// "" when the peer has closed.
std::string receive(int socket) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
  return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
}

}  // namespace

CuttingProxy::CuttingProxy(int server_port) : server_port_(server_port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, plain, size) == 0 && ::listen(listener_, 16) == 0 &&
      ::getsockname(listener_, plain, &size) == 0)
    port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

CuttingProxy::~CuttingProxy() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& session : sessions_) session.join();
  ::close(listener_);
  if (held_.server >= 0) ::close(held_.server);
}

void CuttingProxy::accept_all() {
  while (!stopping_) {
    pollfd watched{listener_, POLLIN, 0};
    if (::poll(&watched, 1, kLookMs) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const std::lock_guard lock(mutex_);
    sessions_.emplace_back([this, client] { serve(client); });
  }
}

// False when the session is to end.
bool CuttingProxy::hand_on(int client, int server, const std::string& bytes) {
  const Cut how = cut_;
  // The first COMMIT of a session is prepared, so its name is on the wire.
  if (how == Cut::No || bytes.find("COMMIT") == std::string::npos) {
    send_all(server, bytes);
    return true;
  }
  if (how == Cut::After) {
    send_all(server, bytes);
    receive(server);  // its answer: so it was carried out
  } else if (how == Cut::Delayed) {
    const std::lock_guard lock(mutex_);
    held_ = {::dup(server), bytes};
  }
  ::shutdown(client, SHUT_RDWR);
  cut_ = Cut::No;
  return false;
}

void CuttingProxy::serve(int client) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_port_);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  while (open && !stopping_) {
    std::array<pollfd, 2> watched{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), kLookMs) <= 0) continue;
    if (watched[0].revents != 0) {
      const std::string bytes = receive(client);
      open = !bytes.empty() && hand_on(client, server, bytes);
    }
    if (open && watched[1].revents != 0) {
      const std::string bytes = receive(server);
      open = !bytes.empty();
      send_all(client, bytes);
    }
  }
  ::close(client);
  ::close(server);
}

void CuttingProxy::release() {
  Held held;
  {
    const std::lock_guard lock(mutex_);
    held = std::exchange(held_, Held());
  }
  send_all(held.server, held.bytes);
  ::shutdown(held.server, SHUT_WR);
  while (!receive(held.server).empty()) {}
  ::close(held.server);
}

}  // namespace martlet::metadata::testing
