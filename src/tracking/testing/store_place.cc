#include "tracking/testing/store_place.h"

#include "platform/process.h"
#include "platform/real_clock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <atomic>
#include <filesystem>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace martlet::tracking::testing {

namespace {

std::string new_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
  return mkdtemp(pattern.data());
}

// One that is free now. Whoever takes it before the server does makes the tests fail, not lie.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(socket, plain, size) == 0 && ::getsockname(socket, plain, &size) == 0;
  ::close(socket);
  return bound ? ntohs(address.sin_port) : 0;
}

class Server {
 public:
  Server() : directory_(new_directory()), port_(free_port()) {
    // The server's user isn't root; mkdtemp() lets nobody else in.
    std::filesystem::permissions(
        directory_, std::filesystem::perms::others_exec | std::filesystem::perms::group_exec,
        std::filesystem::perm_options::add);
    if (!script("available")) return;
    runs_ = script("start");
    if (!runs_) ADD_FAILURE() << "PostgreSQL is installed, but doesn't start";
  }
  ~Server() {
    if (runs_) script("wipe");
    std::filesystem::remove_all(directory_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Of a schema that nobody has used; "" where there is no server.
  std::string new_url() const {
    static std::atomic<int> next{0};
    return runs_ ? fmt::format("postgres://martlet@127.0.0.1:{}/postgres?schema=test_{}", port_,
                               ++next)
                 : "";
  }

 private:
  bool script(const std::string& verb) const {
    platform::ProcessOptions options;
    options.argv = {"/bin/bash", std::string(MARTLET_SOURCE_DIR) + "/tests/services/postgres.sh",
                    verb};
    options.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
                           {"PG_DIR", directory_ + "/server"},
                           {"PG_PORT", std::to_string(port_)},
                           {"PG_OWNER", std::to_string(getpid())}};
    const auto ran = platform::run_process(options, platform::deadline_in(std::chrono::minutes(2)),
                                           CancelToken());
    return ran.has_value() && ran->succeeded();
  }
  std::string directory_;
  int port_;
  bool runs_ = false;
};

}  // namespace

std::string name_of(Driver driver) { return driver == Driver::Sqlite ? "sqlite" : "postgres"; }

StorePlace::StorePlace(Driver driver) : directory_(new_directory()) {
  if (driver == Driver::Sqlite) {
    place_ = directory_ + "/metadata.db";
  } else {
    static const Server server;
    place_ = server.new_url();
  }
}

StorePlace::~StorePlace() { std::filesystem::remove_all(directory_); }

}  // namespace martlet::tracking::testing
