#include "metadata/testing/live_postgres.h"

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

namespace martlet::metadata::testing {

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

}  // namespace

LivePostgres* LivePostgres::get() {
  static const std::unique_ptr<LivePostgres> server = [] {
    std::unique_ptr<LivePostgres> made(new LivePostgres(new_directory(), free_port()));
    if (!made->script("available")) {
      made.reset();
    } else {
      made->start();
    }
    return made;
  }();
  return server.get();
}

LivePostgres::~LivePostgres() {
  script("wipe");
  std::filesystem::remove_all(directory_);
}

bool LivePostgres::script(const std::string& verb) const {
  platform::ProcessOptions options;
  options.argv = {"/bin/bash", std::string(MARTLET_SOURCE_DIR) + "/tests/services/postgres.sh",
                  verb};
  options.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
                         {"PG_DIR", directory_ + "/server"},
                         {"PG_PORT", std::to_string(port_)},
                         {"PG_OWNER", std::to_string(getpid())}};
  // The server's user isn't root; mkdtemp() lets nobody else in.
  std::filesystem::permissions(
      directory_, std::filesystem::perms::others_exec | std::filesystem::perms::group_exec,
      std::filesystem::perm_options::add);
  const auto ran =
      platform::run_process(options, platform::deadline_in(std::chrono::minutes(2)), CancelToken());
  if (!ran.has_value()) ADD_FAILURE() << ran.error().message();
  const bool worked = ran.has_value() && ran->succeeded();
  if (!worked && verb != "available") ADD_FAILURE() << verb << ": " << (ran ? ran->err : "");
  return worked;
}

void LivePostgres::start() { script("start"); }
void LivePostgres::stop() { script("stop"); }
void LivePostgres::kill() { script("kill"); }

std::string LivePostgres::url(const std::string& schema) const {
  return fmt::format("postgres://martlet@127.0.0.1:{}/postgres?schema={}", port_, schema);
}

std::string LivePostgres::new_url() const {
  static std::atomic<int> next{0};
  return url(fmt::format("test_{}", ++next));
}

internal::Outcome LivePostgres::ask(const std::string& sql) const {
  const auto place = internal::PostgresPlace::parse(url("public"));
  auto connection = internal::PostgresConnection::connect(
      place.value(), internal::PostgresRole::Reader, std::chrono::seconds(5));
  if (!connection.has_value()) {
    ADD_FAILURE() << connection.error().message();
    return {};
  }
  auto outcome = (*connection)->run(sql);
  if (!outcome.has_value()) {
    ADD_FAILURE() << sql << ": " << outcome.error().message();
    return {};
  }
  return std::move(*outcome);
}

void LivePostgres::run(const std::string& sql) const { ask(sql); }

std::int64_t LivePostgres::integer(const std::string& sql) const {
  const internal::Outcome outcome = ask(sql);
  if (outcome.rows.size() != 1) return -1;
  const auto* number = std::get_if<std::int64_t>(&outcome.rows.front().at(0));
  return number == nullptr ? -1 : *number;
}

std::ostream& operator<<(std::ostream& out, Driver driver) {
  return out << (driver == Driver::Sqlite ? "sqlite" : "postgres");
}

TestPlace::TestPlace(Driver driver) : directory_(new_directory()) {
  if (driver == Driver::Sqlite) {
    place_ = directory_ + "/metadata.db";
  } else if (const LivePostgres* server = LivePostgres::get(); server != nullptr) {
    place_ = server->new_url();
  }
}

TestPlace::~TestPlace() { std::filesystem::remove_all(directory_); }

}  // namespace martlet::metadata::testing
