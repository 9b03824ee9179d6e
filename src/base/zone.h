// base/zone.h: time zones by their IANA name, from the system's zone database.
//
// A Zone is an immutable value that may be shared by threads. Rules come from the operating
// system's tzdata; the version in use is recorded in runs (zone_database_version()).
#pragma once
#include "base/result.h"
#include "base/time.h"

#include <memory>
#include <string>
#include <string_view>

namespace martlet {

class Zone {
 public:
  static Zone utc();
  // "America/New_York", "UTC". NotFound (with the nearest name) for an unknown one.
  static Result<Zone> find(std::string_view name);

  const std::string& name() const;

  // Local reading of an instant. O(log transitions), without allocation.
  CivilTime local(Timestamp at) const;
  // Microseconds since 1970 of the local reading, as if it were UTC: cheap arithmetic for hour(),
  // date_trunc() …
  std::int64_t local_micros(Timestamp at) const;
  // The instant of a local reading. In the spring gap: the first instant after it, shifted by the
  // gap (02:30 → 03:30), as java.time and PostgreSQL do; in the autumn overlap: the earlier one.
  Timestamp instant(const CivilTime& local) const;
  Timestamp instant_of_local_micros(std::int64_t local_micros) const;

  bool operator==(const Zone& other) const { return name() == other.name(); }

 private:
  struct Rules;
  explicit Zone(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
  std::shared_ptr<const Rules> rules_;
};

}  // namespace martlet
