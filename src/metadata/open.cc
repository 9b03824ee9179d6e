#include "metadata/internal/open.h"

#include "metadata/database.h"
#include "metadata/place.h"

namespace martlet::metadata {

Result<std::unique_ptr<Database>> Database::open(const std::string& place,
                                                 const DatabaseOptions& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (is_postgres_url(place)) return internal::open_postgres(place, options);
  return internal::open_sqlite(place.starts_with(kSqlite) ? place.substr(kSqlite.size()) : place,
                               options);
}

}  // namespace martlet::metadata
