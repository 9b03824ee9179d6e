// registry/schema.h: the tables of the registry, for DatabaseOptions::schema.
#pragma once
#include "metadata/schema.h"

namespace martlet::registry {

metadata::SchemaGroup registry_schema();

}  // namespace martlet::registry
