#include "metadata/internal/postgres_server.h"

#include "platform/real_clock.h"

#include <libpq-fe.h>

#include <algorithm>
#include <vector>

namespace martlet::metadata::internal {

namespace {

// Whether the server would take connections now, whatever it thinks of our user and password.
bool answers(const PostgresPlace& place) {
  std::vector<const char*> keywords{"connect_timeout"};
  std::vector<const char*> values{"5"};
  for (const auto& [keyword, value] : place.settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PQpingParams(keywords.data(), values.data(), 0) == PQPING_OK;
}

}  // namespace

bool pause_before(int attempt, Deadline deadline) {
  using std::chrono::microseconds;
  constexpr microseconds kFirst{10'000};
  constexpr microseconds kMost{1'000'000};
  const auto now = std::chrono::steady_clock::now();
  const microseconds whole = std::min(kMost, kFirst * (1 << std::min(attempt - 1, 10)));
  // Those who lost the same server shouldn't all come back in the same moment. The clock's last
  // digits are random enough for that.
  const microseconds pause =
      whole / 2 + microseconds(now.time_since_epoch().count() / 1000 % (whole.count() / 2));
  if (deadline.at.has_value() && now + pause >= *deadline.at) return false;
  return platform::pause_until({now + pause}, CancelToken());
}

Deadline PostgresServer::outage_deadline() const { return platform::deadline_in(outage_timeout_); }

Result<std::unique_ptr<PostgresConnection>> PostgresServer::connect(PostgresRole role,
                                                                    Deadline deadline) const {
  for (int attempt = 1;; ++attempt) {
    auto connected = PostgresConnection::connect(place_, role, busy_timeout_);
    if (connected.has_value() || !pause_before(attempt, deadline)) return connected;
  }
}

Result<std::unique_ptr<PostgresConnection>> PostgresServer::connect_first(PostgresRole role,
                                                                          Deadline deadline) const {
  for (int attempt = 1;; ++attempt) {
    auto connected = PostgresConnection::connect(place_, role, busy_timeout_);
    if (connected.has_value()) return connected;
    if (attempt > 1 && answers(place_)) return connected;  // it has refused us twice
    if (!pause_before(attempt, deadline)) return connected;
  }
}

}  // namespace martlet::metadata::internal
