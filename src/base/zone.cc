#include "base/zone.h"

#include "base/text.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>
#include <limits>

namespace martlet {

struct Zone::Rules {
  std::string name;
  const date::time_zone* zone =
      nullptr;  // owned by the library's database, which lives as long as the process; null is UTC
};

namespace {
using SysMicros = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using LocalMicros = date::local_time<std::chrono::microseconds>;

// The sum, or the first or last instant where it lies beyond.
std::int64_t shifted(std::int64_t micros, std::int64_t offset) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(micros, offset, &sum)) return sum;
  return offset < 0 ? std::numeric_limits<std::int64_t>::min()
                    : std::numeric_limits<std::int64_t>::max();
}
}  // namespace

Zone Zone::utc() {
  static const auto kRules = std::make_shared<const Rules>(Rules{"UTC", nullptr});
  return Zone(kRules);
}

Result<Zone> Zone::find(std::string_view name) {
  if (name == "UTC" || name == "Etc/UTC" || name == "Z") return utc();
  try {
    auto rules = std::make_shared<Rules>();
    rules->name = std::string(name);
    rules->zone = date::locate_zone(std::string(name));
    return Zone(std::move(rules));
  } catch (const std::exception&) {
    std::vector<std::string> known;
    try {
      for (const auto& zone : date::get_tzdb().zones) known.emplace_back(zone.name());
    } catch (const std::exception&) {
      return unavailable(
          "reading the time zones of this machine failed; install the package tzdata");
    }
    return not_found("no time zone is called \"" + std::string(name) + "\"" +
                     did_you_mean(name, known) + "; zones have IANA names such as Europe/London");
  }
}

const std::string& Zone::name() const { return rules_->name; }

std::int64_t Zone::local_micros(Timestamp at) const {
  if (rules_->zone == nullptr) return at.micros;
  // Consecutive instants mostly fall into one period, so the last one is kept per thread: looking
  // it up costs a lock-free binary search over all transitions otherwise.
  struct Last {
    const date::time_zone* zone = nullptr;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t offset = 0;
  };
  thread_local Last last;
  if (last.zone != rules_->zone || at.micros < last.begin || at.micros >= last.end) {
    const auto info = rules_->zone->get_info(SysMicros(std::chrono::microseconds(at.micros)));
    last.zone = rules_->zone;
    // The database's ends reach beyond what microseconds can hold.
    static constexpr std::int64_t kFarSeconds = 9'000'000'000'000;
    const auto clamp = [](std::int64_t seconds) {
      return std::min(std::max(seconds, -kFarSeconds), kFarSeconds) * kMicrosPerSecond;
    };
    last.begin = clamp(info.begin.time_since_epoch().count());
    last.end = clamp(info.end.time_since_epoch().count());
    last.offset = info.offset.count() * kMicrosPerSecond;
  }
  return shifted(at.micros, last.offset);
}

CivilTime Zone::local(Timestamp at) const { return civil_utc({local_micros(at)}); }

Timestamp Zone::instant_of_local_micros(std::int64_t local_micros) const {
  if (rules_->zone == nullptr) return {local_micros};
  const auto info = rules_->zone->get_info(LocalMicros(std::chrono::microseconds(local_micros)));
  // Gap and overlap alike are read with the offset before the change: the gap is shifted forward,
  // the overlap gives the earlier instant.
  return {shifted(local_micros, -info.first.offset.count() * kMicrosPerSecond)};
}

Timestamp Zone::instant(const CivilTime& local) const {
  return instant_of_local_micros(from_civil_utc(local).micros);
}

}  // namespace martlet
