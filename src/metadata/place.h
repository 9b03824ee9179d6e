// metadata/place.h: where records are kept, as people name it: a path, "sqlite:PATH", or
// "postgres://user@host:port/database?schema=NAME&sslmode=verify-full…". Pure functions; callers:
// Database::open, lifecycle.
#pragma once
#include "base/result.h"

#include <string>
#include <string_view>

namespace martlet::metadata {

// "postgres://…" or "postgresql://…".
bool is_postgres_url(std::string_view place);

// The server, the database and the schema of such a URL, without user, password and parameters:
// "postgres://host:5432/database?schema=martlet". For messages, and to tell one store from another.
// InvalidArgument when the URL can't be read; the message never repeats it, for the password.
Result<std::string> name_of_place(const std::string& url);

}  // namespace martlet::metadata
