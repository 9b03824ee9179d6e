#include "deployment/served_model.h"

#include "deployment/internal/scorer_pool.h"

namespace martlet::deployment {

namespace {

constexpr double kEvenOdds = 0.5;  // of a binary package that names no threshold

// The columns of `rows` under the inputs' names are usually in their order: requests are decoded
// that way.
const columns::Column* column_of(const columns::Batch& rows, std::size_t expected_at,
                                 const std::string& name) {
  const columns::Schema& schema = rows.schema();
  if (expected_at < schema.size() && schema[expected_at].name == name)
    return &rows.column(expected_at);
  return rows.find(name);
}

}  // namespace

// A scorer for the time of one call, given back whatever its end.
class ServedModel::Loan {
 public:
  static Result<Loan> of(const ServedModel& model) {
    std::unique_ptr<ScorerPool::Scorer> scorer = model.scorers_->take();
    if (scorer == nullptr) {
      scorer = std::make_unique<ScorerPool::Scorer>();
      MARTLET_TRY_SET(scorer->rows, model.predictor_->row_scorer());
      scorer->cells.resize(model.inputs().size());
    }
    return Loan(*model.scorers_, std::move(scorer));
  }
  Loan(Loan&&) noexcept = default;
  Loan& operator=(Loan&&) = delete;
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() {
    if (scorer_ != nullptr) pool_.give_back(std::move(scorer_));
  }
  ScorerPool::Scorer* operator->() const { return scorer_.get(); }

 private:
  Loan(ScorerPool& pool, std::unique_ptr<ScorerPool::Scorer> scorer)
      : pool_(pool), scorer_(std::move(scorer)) {}
  ScorerPool& pool_;
  std::unique_ptr<ScorerPool::Scorer> scorer_;
};

Result<std::shared_ptr<const ServedModel>> ServedModel::create(ServedModelParts parts) {
  const std::string subject = "serving " + parts.name.text() + " version " +
                              std::to_string(parts.version.number) + " (package " +
                              parts.package->digest().short_text() + ")";
  if (auto golden = parts.package->verify_golden(); !golden.has_value())
    return fail(std::move(golden).error().with_context(subject));
  auto predictor = parts.package->raw_predictor(parts.lookups);
  if (!predictor.has_value()) return fail(std::move(predictor).error().with_context(subject));
  return std::make_shared<const ServedModel>(Private{}, std::move(parts), std::move(*predictor));
}

ServedModel::ServedModel(Private, ServedModelParts parts,
                         std::shared_ptr<const models::RawPredictor> predictor)
    : parts_(std::move(parts)), predictor_(std::move(predictor)),
      binary_(parts_.package->manifest().task == "binary"),
      scorers_(std::make_unique<ScorerPool>()) {
  if (binary_) threshold_ = parts_.package->manifest().threshold.value_or(kEvenOdds);
}

ServedModel::~ServedModel() = default;

double ServedModel::decision(double score) const {
  return threshold_.has_value() ? static_cast<double>(models::decide(score, *threshold_)) : score;
}

Result<RowAnswer> ServedModel::predict_row(std::span<const columns::Cell> row,
                                           std::optional<Timestamp> decided_at) const {
  if (row.size() != inputs().size()) {
    return invalid_argument("scoring a row: it has " + std::to_string(row.size()) +
                            " cells, the model takes " + std::to_string(inputs().size()));
  }
  MARTLET_TRY_SET(const Loan loan, Loan::of(*this));
  MARTLET_TRY_SET(const double score, loan->rows->score(row, decided_at));
  return RowAnswer{score, decision(score)};
}

Result<Answers> ServedModel::predict(const columns::Batch& rows,
                                     const features::ApplyOptions& options) const {
  if (rows.rows() == 1) {
    MARTLET_TRY_SET(const Loan loan, Loan::of(*this));
    bool complete = true;
    for (std::size_t i = 0; i < inputs().size(); ++i) {
      const columns::Column* column = column_of(rows, i, inputs()[i].name);
      complete = complete && column != nullptr;
      if (column != nullptr) loan->cells[i] = column->cell(0);
    }
    std::optional<Timestamp> decided_at;
    if (options.decided_at != nullptr && !options.decided_at->is_missing(0))
      decided_at = Timestamp{options.decided_at->int64s()[0]};
    // A missing column, and a decision at no known time, are the batch path's to report.
    if (complete && (options.decided_at == nullptr || decided_at.has_value())) {
      MARTLET_TRY_SET(const double score, loan->rows->score(loan->cells, decided_at));
      return Answers{{score}, {decision(score)}};
    }
  }
  MARTLET_TRY_SET(std::vector<double> scores, predictor_->scores(rows, options));
  Answers answers{std::move(scores), {}};
  answers.predicted.reserve(answers.scores.size());
  for (const double score : answers.scores) answers.predicted.push_back(decision(score));
  return answers;
}

}  // namespace martlet::deployment
