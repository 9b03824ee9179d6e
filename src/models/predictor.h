// models/predictor.h: from a row of features to a score. The only path there is, in evaluation,
// batch, serving and streaming alike.
//
// A Predictor is immutable once made and thread-safe; share it as std::shared_ptr<const Predictor>.
// It knows nothing of raw rows: a RawPredictor (raw_predictor.h) puts the feature program in front
// of it. Engines differ behind this interface (a faster one for one kind of tree may replace
// another), never in a single bit of their answers.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

// From the sum of a model to its score. The arithmetic is LightGBM's, operation by operation, since
// scores must equal its own bit for bit.
enum class LinkKind : std::uint8_t {
  Identity,
  Sigmoid,       // 1 / (1 + exp(-scale x)): a probability
  Exponential,   // exp(x): counts and amounts
  SignedSquare,  // sign(x) x²: trained on the square root of the target
  Softplus,      // log(1 + exp(x))
};

struct Link {
  LinkKind kind = LinkKind::Identity;
  double scale = 1;  // Sigmoid only; > 0
  double apply(double raw) const;
  bool operator==(const Link&) const = default;
};

// {"kind": "sigmoid", "scale": 1}; the scale only for a sigmoid.
Json to_json(const Link& link);
Result<Link> link_from_json(const Json& json);

class Predictor {
 public:
  virtual ~Predictor() = default;

  // "lightgbm", "logistic", "ridge": what the package's manifest calls the flavour.
  virtual std::string_view flavour() const = 0;
  // Names of the features, in the order of a row's values.
  virtual const std::vector<std::string>& inputs() const = 0;
  std::size_t width() const { return inputs().size(); }
  virtual Link link() const = 0;

  // The model's sum for one row of width() values, NaN where missing, before the link. Does not
  // allocate for widths up to 256.
  virtual double raw_score(const double* row) const = 0;
  // The same for out.size() rows laid end to end, each `width` values long: bit for bit what
  // raw_score gives for each. Single-threaded; callers split rows over threads. MARTLET_CHECKs that
  // width == width() and rows.size() == width * out.size().
  virtual void raw_scores(std::span<const double> rows, std::size_t width,
                          std::span<double> out) const = 0;

  double score(const double* row) const { return link().apply(raw_score(row)); }
  void scores(std::span<const double> rows, std::size_t width, std::span<double> out) const;
};

// Reads a model file of one of the known flavours. Model files are untrusted: every length and
// index is checked before use. Corrupt when the bytes are no such model, InvalidArgument for an
// unknown flavour or a kind of model that is not supported.
Result<std::shared_ptr<const Predictor>> load_predictor(std::string_view flavour,
                                                        std::string_view bytes);

}  // namespace martlet::models
