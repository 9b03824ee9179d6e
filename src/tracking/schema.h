// tracking/schema.h: the tables of tracking, for DatabaseOptions::schema.
#pragma once
#include "metadata/schema.h"

namespace martlet::tracking {

metadata::SchemaGroup tracking_schema();

}  // namespace martlet::tracking
