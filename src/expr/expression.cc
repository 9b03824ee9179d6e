#include "expr/expression.h"

#include "base/caret.h"
#include "base/text.h"
#include "expr/internal/program.h"
#include "expr/internal/syntax.h"
#include "expr/internal/tree.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::expr {
namespace {

constexpr std::uint8_t kPresent = 1;
constexpr std::uint8_t kMissing = 0;

// Collects the chunks of a result.
class ResultBuilder {
 public:
  ResultBuilder(Kind kind, std::size_t rows) : kind_(kind) {
    switch (kind) {
      case Kind::Bool: bools_.reserve(rows); break;
      case Kind::Double: numbers_.reserve(rows); break;
      case Kind::Text: texts_.offsets.reserve(rows + 1); break;
      default: integers_.reserve(rows); break;
    }
  }

  void append(Frame& frame, Register r, std::size_t lanes) {
    const std::uint8_t* valid = frame.valid(r);
    if (valid != nullptr && valid_.empty()) valid_.assign(rows_, kPresent);
    if (valid != nullptr)
      valid_.insert(valid_.end(), valid, valid + lanes);
    else if (!valid_.empty())
      valid_.insert(valid_.end(), lanes, kPresent);
    rows_ += lanes;
    switch (kind_) {
      case Kind::Bool: copy(bools_, frame.values<std::uint8_t>(r), lanes); break;
      case Kind::Double: copy(numbers_, frame.values<double>(r), lanes); break;
      case Kind::Text:
        for (std::size_t i = 0; i < lanes; ++i) {
          const bool present = valid == nullptr || valid[i] != 0;
          texts_.push_back(present ? frame.values<std::string_view>(r)[i] : std::string_view());
        }
        break;
      default: copy(integers_, frame.values<std::int64_t>(r), lanes); break;
    }
  }

  columns::Column finish() {
    if (std::find(valid_.begin(), valid_.end(), kMissing) == valid_.end()) valid_.clear();
    switch (kind_) {
      case Kind::Bool: return columns::Column::of_bools(std::move(bools_), std::move(valid_));
      case Kind::Double: return columns::Column::of_doubles(std::move(numbers_), std::move(valid_));
      case Kind::Text: return columns::Column::of_texts(std::move(texts_), std::move(valid_));
      case Kind::Timestamp:
        return columns::Column::of_timestamps(std::move(integers_), std::move(valid_));
      case Kind::Date: return columns::Column::of_dates(std::move(integers_), std::move(valid_));
      default: return columns::Column::of_int64s(std::move(integers_), std::move(valid_));
    }
  }

 private:
  template <class T>
  static void copy(std::vector<T>& to, const T* from, std::size_t lanes) {
    to.insert(to.end(), from, from + lanes);
  }

  Kind kind_;
  std::size_t rows_ = 0;
  std::vector<std::uint8_t> bools_;
  std::vector<std::int64_t> integers_;
  std::vector<double> numbers_;
  columns::Texts texts_;
  std::vector<std::uint8_t> valid_;
};

// Each finding with its place shown in the text.
tl::unexpected<Error> refused(std::string_view text, std::vector<Finding> findings) {
  std::string message =
      fmt::format("reading the expression \"{}\": {} problem{}", excerpt(text, 120),
                  findings.size(), findings.size() == 1 ? "" : "s");
  for (const Finding& finding : findings)
    message += "\n  " + message_in("expression", text, finding);
  return tl::unexpected<Error>(
      Error(ErrorCode::InvalidArgument, std::move(message), std::move(findings)));
}

// The columns of the program's names, in their order.
Result<std::vector<const columns::Column*>> find_columns(const Program& program,
                                                         const columns::Batch& batch) {
  std::vector<const columns::Column*> found;
  for (std::size_t i = 0; i < program.names.size(); ++i) {
    const columns::Column* column = batch.find(program.names[i]);
    if (column == nullptr) {
      return not_found(fmt::format("evaluating \"{}\": the table has no column \"{}\"{}",
                                   program.text, program.names[i],
                                   did_you_mean(program.names[i], batch.schema().names())));
    }
    if (kind_of(column->type()) != program.name_kinds[i]) {
      return invalid_argument(fmt::format(
          "evaluating \"{}\": column \"{}\" is of type {}, not {}", program.text, program.names[i],
          columns::name_of(column->type()), name_of(program.name_kinds[i])));
    }
    found.push_back(column);
  }
  return found;
}

void bind_column(const Program& program, Frame& frame, std::size_t name,
                 const columns::Column& column, std::size_t begin, std::size_t lanes) {
  const std::span<const std::uint8_t> valid = column.valid();
  const std::uint8_t* present = valid.empty() ? nullptr : valid.data() + begin;
  switch (column.type()) {
    case columns::Type::Bool:
      program.bind(frame, name, column.bools().data() + begin, present);
      return;
    case columns::Type::Double:
      program.bind(frame, name, column.doubles().data() + begin, present);
      return;
    case columns::Type::Text: {
      auto* views = static_cast<std::string_view*>(program.own_values(frame, name));
      const columns::Texts& texts = column.texts();
      for (std::size_t i = 0; i < lanes; ++i) views[i] = texts[begin + i];
      program.bind(frame, name, views, present);
      return;
    }
    default: program.bind(frame, name, column.int64s().data() + begin, present); return;
  }
}

const void* payload_of(const columns::Cell& cell) {
  switch (cell.type) {
    case columns::Type::Bool: return &cell.boolean;
    case columns::Type::Double: return &cell.number;
    case columns::Type::Text: return &cell.text;
    default: return &cell.integer;
  }
}

}  // namespace

Scratch::Scratch() : frame_(std::make_unique<Frame>()) {}
Scratch::~Scratch() = default;
Scratch::Scratch(Scratch&&) noexcept = default;
Scratch& Scratch::operator=(Scratch&&) noexcept = default;

Result<Expression> Expression::compile(std::string_view text, const Scope& scope) {
  std::vector<Finding> findings;
  const SyntaxTree syntax = parse_syntax(text, findings);
  if (syntax.root == nullptr) return refused(text, std::move(findings));
  auto program = std::make_shared<Program>();
  program->text = std::string(text);
  program->zone = scope.zone;
  Nodes nodes;
  Node* root = bind_syntax(text, *syntax.root, scope, nodes, *program, findings);
  if (root != nullptr && root->kind == Kind::Interval) {
    findings.push_back(finding_at(text, root->offset, "wrong_type",
                                  "the result is an interval, which no column can hold; use "
                                  "epoch(x) for its seconds or compare it with an interval"));
  }
  if (root == nullptr || !findings.empty()) return refused(text, std::move(findings));
  emit_tree(*root, *program);
  return Expression(std::move(program));
}

const std::string& Expression::text() const { return program_->text; }
columns::Type Expression::type() const { return column_type(program_->kind); }
const std::vector<std::string>& Expression::names_used() const { return program_->names; }

Result<columns::Column> Expression::evaluate(const columns::Batch& batch) const {
  const Program& program = *program_;
  MARTLET_TRY_SET(const std::vector<const columns::Column*> columns, find_columns(program, batch));
  if (program.result < program.names.size()) return *columns[program.result];
  const std::size_t rows = batch.rows();
  ResultBuilder builder(program.kind, rows);
  Frame frame;
  program.prepare(frame, std::min(rows, kChunkLanes));
  for (std::size_t begin = 0; begin < rows; begin += kChunkLanes) {
    const std::size_t lanes = std::min(kChunkLanes, rows - begin);
    for (std::size_t i = 0; i < columns.size(); ++i)
      bind_column(program, frame, i, *columns[i], begin, lanes);
    if (!program.run(frame, lanes))
      return invalid_argument(program.failure_message(frame, begin + frame.failed_lane() + 1));
    builder.append(frame, program.result, lanes);
  }
  return builder.finish();
}

Result<columns::Cell> Expression::evaluate_row(std::span<const columns::Cell> cells,
                                               Scratch& scratch) const {
  const Program& program = *program_;
  if (cells.size() != program.names.size()) {
    return invalid_argument(fmt::format("evaluating \"{}\": {} cells were given for {} names",
                                        program.text, cells.size(), program.names.size()));
  }
  Frame& frame = *scratch.frame_;
  program.prepare(frame, 1);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (kind_of(cells[i].type) != program.name_kinds[i]) {
      return invalid_argument(fmt::format(
          "evaluating \"{}\": \"{}\" is of type {}, not {}", program.text, program.names[i],
          columns::name_of(cells[i].type), name_of(program.name_kinds[i])));
    }
    program.bind(frame, i, payload_of(cells[i]), cells[i].missing ? &kMissing : &kPresent);
  }
  if (!program.run(frame, 1)) return invalid_argument(program.failure_message(frame, 0));
  const columns::Type type = column_type(program.kind);
  bool missing = false;
  const Slot slot = frame.slot(program.result, program.kind, 0, missing);
  columns::Cell cell = columns::Cell::none(type);
  if (missing) return cell;
  cell.missing = false;
  switch (program.kind) {
    case Kind::Bool: cell.boolean = slot.boolean != 0; break;
    case Kind::Double: cell.number = slot.number; break;
    case Kind::Text: cell.text = slot.text; break;
    default: cell.integer = slot.integer; break;
  }
  return cell;
}

}  // namespace martlet::expr
