// table/pieces.h: joins a table that came in pieces.
#pragma once
#include "columns/batch.h"

#include <vector>

namespace martlet::table {

// The rows of all pieces, in order; the pieces must have one schema. O(rows), each value is copied
// once.
columns::Batch join_pieces(const std::vector<columns::Batch>& pieces);

}  // namespace martlet::table
