#include "metadata/internal/postgres_place.h"

#include "base/text.h"
#include "metadata/place.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <memory>

namespace martlet::metadata {

namespace internal {

namespace {

constexpr std::size_t kMaxSchemaName = 63;

struct FreeSettings {
  void operator()(PQconninfoOption* settings) const { PQconninfoFree(settings); }
};
using Settings = std::unique_ptr<PQconninfoOption, FreeSettings>;

bool is_secret(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

Result<void> check_schema(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  const bool begins_well = !name.empty() && !(name.front() >= '0' && name.front() <= '9');
  if (letters && begins_well && name.size() <= kMaxSchemaName && !name.starts_with("pg_"))
    return {};
  return invalid_argument(
      "opening a PostgreSQL store: schema= names the schema in which its tables lie: small "
      "letters, "
      "digits and underscores, at most 63, not beginning with a digit or \"pg_\"");
}

// What stands unencoded in a password changes where the parts begin, and libpq would then repeat a
// part of it as the name of a host.
Result<void> check_parts(std::string_view rest) {
  const std::string_view before_query = rest.substr(0, rest.find('?'));
  const std::string_view authority = before_query.substr(0, before_query.find('/'));
  const std::string_view path = before_query.substr(authority.size());
  if (std::count(authority.begin(), authority.end(), '@') <= 1 &&
      path.find('@') == std::string_view::npos && rest.find('#') == std::string_view::npos)
    return {};
  return invalid_argument(
      "opening a PostgreSQL store: the URL's parts can't be told apart; write @, :, /, ? and # "
      "inside of user and password as %40, %3A, %2F, %3F and %23");
}

bool is_known(const Settings& known, std::string_view keyword) {
  for (const PQconninfoOption* each = known.get(); each != nullptr && each->keyword != nullptr;
       ++each) {
    if (keyword == each->keyword) return true;
  }
  return keyword == "ssl";  // libpq's other name of sslmode=require
}

// Takes `schema` out of the parameters: libpq doesn't know it.
Result<std::string> without_schema(const std::string& url, std::string& schema) {
  const std::size_t mark = url.find('?');
  if (mark == std::string::npos) return url;
  const Settings known(PQconndefaults());
  std::string kept = url.substr(0, mark);
  char separator = '?';
  for (const std::string_view pair : split(std::string_view(url).substr(mark + 1), '&')) {
    const std::string_view keyword = pair.substr(0, pair.find('='));
    if (keyword == "schema") {
      schema = pair.size() > keyword.size() ? pair.substr(keyword.size() + 1) : "";
      MARTLET_TRY(check_schema(schema));
      continue;
    }
    if (!is_known(known, keyword)) {
      return invalid_argument(
          fmt::format("opening a PostgreSQL store: \"{}\" is no parameter of its URL: use schema, "
                      "sslmode, sslrootcert, connect_timeout or another one of libpq's",
                      keyword));
    }
    kept += separator;
    kept += pair;
    separator = '&';
  }
  return kept;
}

std::string name_of(const PostgresPlace& place) {
  const std::string host = place.setting("host");
  std::string port = place.setting("port");
  // What libpq makes of several hosts without ports.
  if (port.find_first_not_of(',') == std::string::npos) port.clear();
  return fmt::format("postgres://{}{}/{}?schema={}", host, port.empty() ? "" : ":" + port,
                     place.setting("dbname"), place.schema);
}

}  // namespace

Result<PostgresPlace> PostgresPlace::parse(const std::string& url) {
  MARTLET_CHECK(is_postgres_url(url), "only a PostgreSQL URL is taken apart");
  MARTLET_TRY(check_parts(std::string_view(url).substr(url.find("://") + 3)));
  PostgresPlace place;
  MARTLET_TRY_SET(const std::string known, without_schema(url, place.schema));
  char* message = nullptr;  // repeats parts of the URL, which may be the password's
  const Settings parsed(PQconninfoParse(known.c_str(), &message));
  PQfreemem(message);
  if (parsed == nullptr) {
    return invalid_argument(
        "opening a PostgreSQL store: the URL can't be read; it is to look like "
        "postgres://user@host:5432/database?schema=martlet, with % and two digits for what is "
        "special in it");
  }
  for (const PQconninfoOption* each = parsed.get(); each->keyword != nullptr; ++each) {
    if (each->val != nullptr && *each->val != '\0')
      place.settings.emplace_back(each->keyword, each->val);
  }
  place.name = name_of(place);
  return place;
}

std::string PostgresPlace::setting(const std::string& keyword) const {
  for (const auto& [each, value] : settings) {
    if (each == keyword) return value;
  }
  return "";
}

std::string PostgresPlace::without_secrets(std::string message) const {
  for (const auto& [keyword, value] : settings) {
    if (!is_secret(keyword)) continue;
    for (std::size_t at = message.find(value); at != std::string::npos;
         at = message.find(value, at + 3))
      message.replace(at, value.size(), "***");
  }
  return message;
}

}  // namespace internal

bool is_postgres_url(std::string_view place) {
  return place.starts_with("postgres://") || place.starts_with("postgresql://");
}

Result<std::string> name_of_place(const std::string& url) {
  MARTLET_TRY_SET(const internal::PostgresPlace place, internal::PostgresPlace::parse(url));
  return place.name;
}

}  // namespace martlet::metadata
