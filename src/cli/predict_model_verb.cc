#include "cli/session.h"
#include "cli/verbs.h"
#include "models/predictor.h"
#include "platform/threads.h"
#include "table/parquet.h"

#include <CLI/CLI.hpp>

#include <chrono>

namespace martlet::cli {

namespace {

// Row by row into pieces of a matrix, on all threads.
std::vector<double> score_rows(const models::Predictor& predictor, const columns::Batch& rows,
                               bool raw, platform::ThreadPool& pool) {
  constexpr std::size_t kRowsAtOnce = 4096;
  std::vector<double> scores(rows.rows());
  pool.parallel_for(rows.rows(), kRowsAtOnce, [&](std::size_t begin, std::size_t end) {
    const columns::Batch piece = rows.slice(begin, end - begin);
    std::vector<double> matrix(piece.rows() * piece.width());
    for (std::size_t c = 0; c < piece.width(); ++c) {
      const std::vector<double> values = piece.column(c).as_doubles();
      for (std::size_t i = 0; i < values.size(); ++i) matrix[i * piece.width() + c] = values[i];
    }
    const auto out = std::span(scores).subspan(begin, end - begin);
    if (raw) {
      predictor.raw_scores(matrix, piece.width(), out);
    } else {
      predictor.scores(matrix, piece.width(), out);
    }
  });
  return scores;
}

}  // namespace

// Hidden: scores a matrix with a bare model file, so that our engine can be compared with the
// library that made the file.
void add_predict_model(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("predict-model", "Scores a matrix with a bare LightGBM model file");
  verb->group("");
  auto model = std::make_shared<std::string>();
  auto input = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>();
  auto raw = std::make_shared<bool>(false);
  verb->add_option("model", *model, "a LightGBM text model")->required();
  verb->add_option("--input", *input,
                   "Parquet: one number column per feature, in the model's order; null is NaN")
      ->required();
  verb->add_option("--output", *output, "Parquet: the column score")->required();
  verb->add_flag("--raw", *raw, "the sum of the trees, before the link");
  verb->footer(
      "Example:\n  martlet predict-model model.txt --input matrix.parquet --output scores.parquet");
  verb->callback([=, &session] {
    session.action = [=, &session]() -> Result<int> {
      MARTLET_TRY_SET(const std::string bytes, session.host().files.read_file(*model));
      auto loaded = models::load_predictor("lightgbm", bytes);
      if (!loaded.has_value())
        return fail(std::move(loaded).error().with_context("reading " + *model));
      const auto& predictor = *loaded;
      const std::vector<std::string> paths{*input};
      MARTLET_TRY_SET(const columns::Batch rows,
                      table::read_parquet(paths, {.threads = session.host().pool.threads()}));
      if (rows.width() != predictor->width()) {
        return invalid_argument("scoring " + *input + ": it has " + std::to_string(rows.width()) +
                                " columns, the model takes " + std::to_string(predictor->width()));
      }
      for (std::size_t c = 0; c < rows.width(); ++c) {
        if (rows.column(c).type() == columns::Type::Text)
          return invalid_argument("scoring " + *input + ": column " + rows.schema()[c].name +
                                  " is text");
      }
      const auto began = session.host().clock.monotonic();
      std::vector<double> scores = score_rows(*predictor, rows, *raw, session.host().pool);
      const std::chrono::duration<double> took = session.host().clock.monotonic() - began;
      const columns::Batch result(columns::Schema({{"score", columns::Type::Double}}),
                                  {columns::Column::of_doubles(std::move(scores))});
      MARTLET_TRY(table::write_parquet(result, *output));
      session.console.print_json(
          Json{{"rows", rows.rows()}, {"output", *output}, {"scoring_seconds", took.count()}});
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
