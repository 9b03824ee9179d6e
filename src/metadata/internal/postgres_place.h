// metadata/internal/postgres_place.h: a PostgreSQL store's URL, taken apart. A value.
#pragma once
#include "base/result.h"

#include <string>
#include <utility>
#include <vector>

namespace martlet::metadata::internal {

struct PostgresPlace {
  // libpq's keywords and values, as the URL has them: host, port, sslmode, password …
  std::vector<std::pair<std::string, std::string>> settings;
  std::string schema = "martlet";  // letters, digits and underscores: needs no quoting anywhere
  std::string name;                // see name_of_place()

  // InvalidArgument, never repeating the URL.
  static Result<PostgresPlace> parse(const std::string& url);
  std::string setting(const std::string& keyword) const;  // "" when the URL doesn't say
  // A message of libpq or of the server without the URL's secrets.
  std::string without_secrets(std::string message) const;
};

}  // namespace martlet::metadata::internal
