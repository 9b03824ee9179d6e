// net/internal/test_client.h: a client that says exactly what a test wants to say. For tests only;
// every wait ends after ten seconds.
#pragma once
#include <arpa/inet.h>
#include <cstdint>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace martlet::net {

struct RawResponse {
  int status = 0;
  std::string head;
  std::string body;
  bool says_close() const { return head.find("connection: close") != std::string::npos; }
};

class TestClient {
 public:
  explicit TestClient(std::uint16_t port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{10, 0};
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { close(); }

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  bool get(const std::string& path) {
    return send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  // nullopt at the end of the connection, on a reset, or after ten seconds.
  std::optional<RawResponse> read() {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return std::nullopt;
    RawResponse response;
    response.head = buffer_.substr(0, end + 2);
    response.status = std::stoi(response.head.substr(9, 3));
    buffer_.erase(0, end + 4);
    const std::size_t at = response.head.find("content-length: ");
    const std::size_t length =
        at == std::string::npos ? 0 : std::stoul(response.head.substr(at + 16));
    while (buffer_.size() < length)
      if (!more()) return std::nullopt;
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return response;
  }
  // The head alone, then the body as it comes; "" at the end of the connection.
  std::string read_head() {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return "";
    std::string head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    return head;
  }
  std::string read_some() {
    if (buffer_.empty()) (void)more();
    return std::exchange(buffer_, {});
  }
  // True when the server closed, without a byte too many and without a reset.
  bool ended() {
    char byte = 0;
    return buffer_.empty() && ::recv(socket_, &byte, 1, 0) == 0;
  }
  void shut() { ::shutdown(socket_, SHUT_WR); }
  // With a reset instead of a farewell.
  void vanish() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  bool more() {
    char piece[16'384];
    const ssize_t got = ::recv(socket_, piece, sizeof(piece), 0);
    if (got > 0) buffer_.append(piece, static_cast<std::size_t>(got));
    return got > 0;
  }
  int socket_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace martlet::net
