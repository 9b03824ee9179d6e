// tracking/testing/store_place.h: a place for one test's store: a SQLite file, or a schema of a
// real PostgreSQL 15 that tests/services/postgres.sh makes for this test program and ends with it.
#pragma once
#include <cstdint>
#include <string>

namespace martlet::tracking::testing {

enum class Driver : std::uint8_t { Sqlite, Postgres };
std::string name_of(Driver driver);

inline constexpr const char* kNoPostgres =
    "SKIPPED, NOT TESTED: PostgreSQL 15 isn't installed here; tests/services/postgres.sh install";

class StorePlace {
 public:
  explicit StorePlace(Driver driver);
  ~StorePlace();
  StorePlace(const StorePlace&) = delete;
  StorePlace& operator=(const StorePlace&) = delete;
  bool available() const { return !place_.empty(); }
  const std::string& place() const { return place_; }

 private:
  std::string directory_;
  std::string place_;
};

}  // namespace martlet::tracking::testing
