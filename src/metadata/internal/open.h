// metadata/internal/open.h: how each driver opens a store; Database::open chooses by the place's
// name.
#pragma once
#include "base/result.h"
#include "metadata/database.h"

#include <memory>
#include <string>

namespace martlet::metadata::internal {

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path,
                                              const DatabaseOptions& options);
Result<std::unique_ptr<Database>> open_postgres(const std::string& url,
                                                const DatabaseOptions& options);

}  // namespace martlet::metadata::internal
