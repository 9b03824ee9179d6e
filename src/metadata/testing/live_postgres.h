// metadata/testing/live_postgres.h: a real PostgreSQL 15 for this test program, and stores for
// tests that run with each driver.
//
// tests/services/postgres.sh makes the server, in a folder and on a port of its own, when the first
// test asks for it; it ends with the program. Where PostgreSQL isn't installed, such tests are
// skipped and say so.
#pragma once
#include "metadata/internal/postgres_connection.h"

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

namespace martlet::metadata::testing {

class LivePostgres {
 public:
  // Null where there is none.
  static LivePostgres* get();
  ~LivePostgres();
  LivePostgres(const LivePostgres&) = delete;
  LivePostgres& operator=(const LivePostgres&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& schema) const;
  std::string new_url() const;  // of a schema that nobody has used
  // Runs one statement as a stranger to martlet's driver.
  void run(const std::string& sql) const;
  std::int64_t integer(const std::string& sql) const;

  void start();
  void stop();  // politely: sessions are ended
  void kill();  // kill -9 of the server and all its sessions

 private:
  LivePostgres(std::string directory, int port) : directory_(std::move(directory)), port_(port) {}
  bool script(const std::string& verb) const;
  internal::Outcome ask(const std::string& sql) const;
  std::string directory_;
  int port_;
};

enum class Driver : std::uint8_t { Sqlite, Postgres };
std::ostream& operator<<(std::ostream& out, Driver driver);  // GoogleTest's names of instances

inline constexpr const char* kNoPostgres =
    "SKIPPED, NOT TESTED: PostgreSQL 15 isn't installed here; tests/services/postgres.sh install";

// A place for one test's store and a folder for its files; both are gone afterwards.
class TestPlace {
 public:
  explicit TestPlace(Driver driver);
  ~TestPlace();
  TestPlace(const TestPlace&) = delete;
  TestPlace& operator=(const TestPlace&) = delete;
  bool available() const { return !place_.empty(); }
  const std::string& place() const { return place_; }
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::string place_;
};

}  // namespace martlet::metadata::testing
