// Sends prepared requests to a server for so many seconds, as fast as it answers: one connection
// and thread for each client, one request at a time. Costs little enough to leave the machine to
// the server that is measured.
//
//   replay PORT SECONDS FILE...     a file for each client
//
// A file holds numbers of 32 bits and bytes, as this machine orders them: how many tails; each its
// length and bytes; how many requests; each the tail's number, the length of what stands before
// the tail, and that. A client that has sent all of its requests begins again.
// Prints JSON: requests a second that were answered with 200, others, and latencies in ms.
#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "replay: %s\n", why.c_str());
  std::exit(1);
}

struct Request {
  std::uint32_t tail = 0;
  std::string head;
};

class Plan {
 public:
  explicit Plan(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) stop(path + " can't be read");
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    tails.resize(number());
    for (std::string& tail : tails) tail = text();
    requests.resize(number());
    for (Request& request : requests) {
      request.tail = number();
      if (request.tail >= tails.size()) stop(path + " names a tail that it hasn't");
      request.head = text();
    }
    if (requests.empty()) stop(path + " has no requests");
  }
  std::vector<std::string> tails;
  std::vector<Request> requests;

 private:
  std::string_view take(std::size_t length) {
    if (bytes_.size() - at_ < length) stop("a file ends too early");
    at_ += length;
    return std::string_view(bytes_).substr(at_ - length, length);
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number())); }
  std::string bytes_;
  std::size_t at_ = 0;
};

class Connection {
 public:
  explicit Connection(std::uint16_t port) : port_(port) {}
  ~Connection() { close(); }

  // The status; 0 when the server closed the connection instead of answering.
  int exchange(const Request& request, const std::string& tail) {
    if (socket_ < 0) open();
    const int status = send(request, tail) ? answer() : 0;
    if (status == 0) close();
    return status;
  }

 private:
  void open() {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) close();
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    rest_.clear();
  }

  bool send(const Request& request, const std::string& tail) {
    iovec parts[2] = {{const_cast<char*>(request.head.data()), request.head.size()},
                      {const_cast<char*>(tail.data()), tail.size()}};
    for (iovec* part = parts; part != parts + 2;) {
      const ssize_t sent = ::writev(socket_, part, static_cast<int>(parts + 2 - part));
      if (sent <= 0) return false;
      auto left = static_cast<std::size_t>(sent);
      while (part != parts + 2 && left >= part->iov_len) left -= (part++)->iov_len;
      if (part == parts + 2) break;
      part->iov_base = static_cast<char*>(part->iov_base) + left;
      part->iov_len -= left;
    }
    return true;
  }

  bool more() {
    // A server that leaves Nagle's algorithm on would wait 40 ms for each of our acknowledgements:
    // it is asked in the way that flatters it.
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    char buffer[65536];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    rest_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int answer() {
    std::size_t end = 0;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return 0;
    }
    std::string head = rest_.substr(0, end + 2);
    std::transform(head.begin(), head.end(), head.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    rest_.erase(0, end + 4);
    const std::size_t length = head.find("\r\ncontent-length:");
    if (length != std::string::npos) {
      if (!skip(std::strtoull(head.c_str() + length + 17, nullptr, 10))) return 0;
    } else if (!skip_chunks()) {
      return 0;
    }
    const int status = std::atoi(head.c_str() + 9);
    if (head.find("\r\nconnection: close") != std::string::npos) close();
    return status;
  }
  bool skip(std::size_t length) {
    while (rest_.size() < length) {
      if (!more()) return false;
    }
    rest_.erase(0, length);
    return true;
  }
  bool skip_chunks() {
    for (;;) {
      std::size_t end = 0;
      while ((end = rest_.find("\r\n")) == std::string::npos) {
        if (!more()) return false;
      }
      const std::size_t length = std::strtoull(rest_.c_str(), nullptr, 16);
      if (!skip(end + 2) || !skip(length + 2)) return false;
      if (length == 0) return true;
    }
  }

  const std::uint16_t port_;
  int socket_ = -1;
  std::string rest_;  // received, not looked at yet
};

struct Told {
  std::vector<double> latencies_ms;
  std::int64_t failed = 0;
};

}  // namespace

int main(int count, char** words) {
  if (count < 4) stop("usage: replay PORT SECONDS FILE...");
  const auto port = static_cast<std::uint16_t>(std::atoi(words[1]));
  const std::chrono::duration<double> seconds(std::atof(words[2]));
  const std::vector<std::string> files(words + 3, words + count);
  std::vector<Told> told(files.size());
  std::barrier ready(static_cast<std::ptrdiff_t>(files.size()) + 1);
  std::atomic<bool> over{false};
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < files.size(); ++i) {
    clients.emplace_back([&, i] {
      const Plan plan(files[i]);
      Connection connection(port);
      ready.arrive_and_wait();
      for (std::size_t turn = 0; !over; turn = (turn + 1) % plan.requests.size()) {
        const Request& request = plan.requests[turn];
        const auto began = Clock::now();
        const int status = connection.exchange(request, plan.tails[request.tail]);
        const std::chrono::duration<double, std::milli> took = Clock::now() - began;
        told[i].latencies_ms.push_back(took.count());
        if (status != 200) ++told[i].failed;
      }
    });
  }
  ready.arrive_and_wait();
  const auto began = Clock::now();
  std::this_thread::sleep_for(seconds);
  over = true;
  for (std::thread& client : clients) client.join();
  const std::chrono::duration<double> took = Clock::now() - began;
  std::vector<double> all;
  std::int64_t failed = 0;
  for (const Told& one : told) {
    all.insert(all.end(), one.latencies_ms.begin(), one.latencies_ms.end());
    failed += one.failed;
  }
  if (all.empty()) stop("no request was answered");
  std::sort(all.begin(), all.end());
  std::printf("{\"value\": %.2f, \"errors\": %lld, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n",
              static_cast<double>(static_cast<std::int64_t>(all.size()) - failed) / took.count(),
              static_cast<long long>(failed), all[all.size() / 2], all[all.size() * 99 / 100]);
}
