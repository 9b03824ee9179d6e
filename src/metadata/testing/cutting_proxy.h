// metadata/testing/cutting_proxy.h: a TCP proxy before a server, which cuts a connection at the
// COMMIT that it is told to cut: before the server sees it, after the server has carried it out and
// before the client hears of it, or while it is still on its way.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace martlet::metadata::testing {

class CuttingProxy {
 public:
  enum class Cut : std::uint8_t {
    No,
    Before,  // the server never sees it
    After,   // the server has committed; the client doesn't hear of it
    Delayed  // the client has lost the connection; the server gets it when release() is called
  };
  explicit CuttingProxy(int server_port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  int port() const { return port_; }
  void cut_next_commit(Cut how) { cut_ = how; }
  bool has_cut() const { return cut_ == Cut::No; }
  // Hands on the COMMIT that was held back, and waits until the server has ended that session.
  void release();

 private:
  struct Held {
    int server = -1;
    std::string bytes;
  };
  void accept_all();
  void serve(int client);
  bool hand_on(int client, int server, const std::string& bytes);

  const int server_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<Cut> cut_{Cut::No};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards what follows
  std::vector<std::thread> sessions_;
  Held held_;
  std::thread acceptor_;
};

}  // namespace martlet::metadata::testing
