// server/internal/plain_request.h: a request for one row in its plain spelling, read from its bytes
// straight into cells: no document is made of it, and no batch.
//
// This is only a faster way to what decode_v2() and decode_mlflow() say: it reads what is surely
// right, and leaves everything else to them — several rows, escapes, anything unknown, missing,
// doubled or ill-typed, numbers out of range — so there is one judge of what a request means, and
// one author of what is wrong with it. A property test holds the two against each other.
//
// Immutable and thread-safe; one per model and RequestShape, which outlives it. Used by
// InferenceRoutes.
#pragma once
#include "columns/cell.h"
#include "server/inference_protocol.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace martlet::server {

// Texts point into the body.
struct PlainRow {
  std::vector<columns::Cell> inputs;  // RequestShape::inputs
  std::vector<columns::Cell> keys;    // RequestShape::key; missing where not given
  std::string_view id;                // the client's; "" when it gave none
};

class PlainRequestReader {
 public:
  explicit PlainRequestReader(const RequestShape& shape);

  // Nothing: ask decode_v2() or decode_mlflow().
  std::optional<PlainRow> read_v2(std::string_view body) const;
  std::optional<PlainRow> read_mlflow(std::string_view body) const;

 private:
  class Reading;
  struct Place {
    std::string_view name;
    columns::Type type;
    bool required;
  };
  std::optional<std::size_t> find(std::string_view name, std::size_t expected_at) const;

  const RequestShape& shape_;
  std::vector<Place> places_;         // the inputs, then the parts of the key that are none
  std::vector<std::size_t> by_name_;  // places, sorted by their names
  std::vector<std::size_t> keys_;     // where each part of the key is
};

}  // namespace martlet::server
