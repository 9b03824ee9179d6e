#include "table/csv.h"

#include "base/text.h"
#include "table/files.h"
#include "table/internal/text_types.h"

#include <algorithm>

namespace martlet::table {

using columns::Batch;
using columns::Column;
using columns::ColumnBuilder;
using columns::Field;
using columns::Schema;
using columns::Type;

namespace {

constexpr char kNever = '\x01';  // a delimiter that no text file contains
// Texts of a file are kept between finding its types and converting it, unless they are larger;
// then the file is read twice.
constexpr std::size_t kKeepBytes = std::size_t{768} << 20;

std::string reader(const std::string& file, const CsvOptions& options, char delimiter, bool header,
                   const std::vector<std::string>& names, std::string_view more) {
  std::string columns;
  for (const auto& name : names) {
    if (!columns.empty()) columns += ", ";
    columns += quote_text(name) + ": 'VARCHAR'";
  }
  std::string sql = fmt::format(
      "read_csv({}, auto_detect = false, delim = {}, header = {}, skip = {}, columns = {{{}}}, {}",
      quote_text(file), quote_text(std::string(1, delimiter)), header, options.skip_lines, columns,
      more);
  if (options.comment)
    sql += fmt::format(", comment = {}", quote_text(std::string(1, *options.comment)));
  return sql + ")";
}

// The first lines of DuckDB's message; the rest is advice about its own options.
std::string brief(const std::string& message) {
  std::string text = message.substr(0, message.find("\nPossible"));
  text = text.substr(0, text.find("\n  file = "));
  if (const auto at = text.find("Error: "); at != std::string::npos) text = text.substr(at + 7);
  std::string line;
  for (const auto part : split(text, '\n')) {
    if (trim(part).empty()) continue;
    if (!line.empty()) line += "; ";
    line += trim(part);
  }
  return line;
}

Error of_file(Error error, const std::string& file) {
  if (error.code() != ErrorCode::InvalidArgument)
    return std::move(error).with_context("reading " + file);
  return Error(ErrorCode::InvalidArgument,
               fmt::format("reading {}: {}", file, brief(error.message())));
}

std::string first_line(Engine& engine, const std::string& file, const CsvOptions& options,
                       Result<void>& outcome) {
  const auto rows = engine.query(fmt::format(
      "SELECT line FROM {} LIMIT 1", reader(file, options, kNever, false, {"line"},
                                            "quote = '', escape = '', strict_mode = false")));
  if (!rows.has_value()) {
    outcome = fail(of_file(rows.error(), file));
    return "";
  }
  if (rows->rows() == 0 || rows->column(0).is_missing(0)) {
    outcome = invalid_argument(
        fmt::format("reading {}: it is empty{}", file,
                    options.skip_lines > 0 ? " behind the lines that are skipped" : ""));
    return "";
  }
  return std::string(rows->column(0).text(0));
}

std::vector<std::string> split_line(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == delimiter && !quoted) {
      fields.emplace_back();
    } else if (line[i] != '\r') {
      fields.back() += line[i];
    }
  }
  return fields;
}

char likely_delimiter(std::string_view line, char decimal) {
  char best = ',';
  std::size_t most = 1;
  for (const char candidate : {',', ';', '\t', '|'}) {
    if (candidate == decimal) continue;
    const std::size_t fields = split_line(line, candidate).size();
    if (fields > most) {
      most = fields;
      best = candidate;
    }
  }
  return best;
}

std::vector<std::string> distinct_names(std::vector<std::string> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = trim(names[i]);
    if (names[i].empty()) names[i] = fmt::format("column{}", i);
    const std::string name = names[i];
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(i);
    for (int n = 1; std::find(names.begin(), end, names[i]) != end; ++n)
      names[i] = fmt::format("{}_{}", name, n);
  }
  return names;
}

struct Layout {
  char delimiter = ',';
  std::vector<std::string> names;
};

Result<Layout> layout_of(Engine& engine, const std::string& file, const CsvOptions& options) {
  Result<void> outcome;
  const std::string line = first_line(engine, file, options, outcome);
  MARTLET_TRY(outcome);
  Layout layout;
  layout.delimiter = options.delimiter.value_or(likely_delimiter(line, options.decimal));
  std::vector<std::string> fields = split_line(line, layout.delimiter);
  if (!options.names.empty() && options.names.size() != fields.size()) {
    return invalid_argument(
        fmt::format("reading {}: {} names were given but its first line has {} fields", file,
                    options.names.size(), fields.size()));
  }
  if (!options.names.empty()) {
    fields = options.names;
  } else if (!options.header) {
    for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = fmt::format("column{}", i);
  }
  layout.names = distinct_names(std::move(fields));
  return layout;
}

// Columns of one file by the first file's order; InvalidArgument names both files when the sets
// differ.
Result<void> check_same(const std::string& first, const std::vector<std::string>& expected,
                        const std::string& file, const std::vector<std::string>& names) {
  for (const auto& name : expected) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return invalid_argument(fmt::format("{} and {} have different columns: \"{}\" is only in the "
                                          "first{}; files of one source must have the same columns",
                                          first, file, name, did_you_mean(name, names)));
    }
  }
  for (const auto& name : names) {
    if (std::find(expected.begin(), expected.end(), name) == expected.end()) {
      return invalid_argument(
          fmt::format("{} and {} have different columns: \"{}\" is only in the second{}; files of "
                      "one source must have the same columns",
                      first, file, name, did_you_mean(name, expected)));
    }
  }
  return {};
}

struct Piece {
  std::size_t file = 0;
  std::size_t first_row = 0;  // within the file
  Batch texts = {};
};

class Reader {
 public:
  Reader(Engine& engine, std::span<const std::string> files, const CsvOptions& options)
      : engine_(engine), files_(files), options_(options) {
    rules_ = {.nulls = options.nulls,
              .trim = options.trim,
              .decimal = options.decimal,
              .zone = options.zone};
  }

  Result<Batch> read() {
    MARTLET_TRY(find_layouts());
    MARTLET_TRY(find_types());
    std::vector<ColumnBuilder> builders;
    for (const Type type : types_) builders.emplace_back(type);
    if (kept_) {
      for (const Piece& piece : pieces_) MARTLET_TRY(convert(piece, builders));
    } else {
      MARTLET_TRY(scan([&](const Piece& piece) { return convert(piece, builders); }));
    }
    std::vector<Field> fields;
    std::vector<Column> columns;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      fields.push_back({names_[c], types_[c]});
      columns.push_back(builders[c].finish());
    }
    return Batch(Schema(std::move(fields)), std::move(columns));
  }

 private:
  Result<void> find_layouts() {
    for (const auto& file : files_) {
      MARTLET_TRY_SET(Layout layout, layout_of(engine_, file, options_));
      if (!layouts_.empty())
        MARTLET_TRY(check_same(files_[0], layouts_[0].names, file, layout.names));
      layouts_.push_back(std::move(layout));
    }
    names_ = layouts_[0].names;
    for (const auto& [name, type] : options_.types) {
      if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
        return invalid_argument(
            fmt::format("reading {}: a type is declared for \"{}\", which is no column of it{}",
                        files_[0], name, did_you_mean(name, names_)));
      }
    }
    return {};
  }

  Result<void> find_types() {
    std::vector<TypeFinder> finders(names_.size(), TypeFinder(options_.decimal));
    std::vector<bool> declared(names_.size(), false);
    for (std::size_t c = 0; c < names_.size(); ++c)
      declared[c] = options_.types.contains(names_[c]);
    std::size_t bytes = 0;
    MARTLET_TRY(scan([&](const Piece& piece) -> Result<void> {
      for (std::size_t c = 0; c < names_.size(); ++c) {
        const Column& texts = piece.texts.column(c);
        bytes += texts.texts().bytes.size() + 8 * texts.size();
        if (declared[c]) continue;
        for (std::size_t i = 0; i < texts.size(); ++i) {
          if (texts.is_missing(i)) continue;
          if (const auto present = rules_.present(texts.text(i))) finders[c].see(*present);
        }
      }
      if (bytes > kKeepBytes) {
        kept_ = false;
        pieces_.clear();
      }
      if (kept_) pieces_.push_back(piece);
      return {};
    }));
    for (std::size_t c = 0; c < names_.size(); ++c) {
      types_.push_back(declared[c] ? options_.types.at(names_[c]) : finders[c].type());
    }
    return {};
  }

  Result<void> scan(const std::function<Result<void>(const Piece&)>& each) {
    std::string wanted;
    for (const auto& name : names_) wanted += (wanted.empty() ? "" : ", ") + quote_name(name);
    for (std::size_t f = 0; f < files_.size(); ++f) {
      Piece piece{.file = f};
      const std::string sql =
          fmt::format("SELECT {} FROM {}", wanted,
                      reader(files_[f], options_, layouts_[f].delimiter, options_.header,
                             layouts_[f].names, "quote = '\"', escape = '\"', nullstr = ''"));
      auto outcome = engine_.stream(
          sql, {},
          [&](const Batch& texts) {
            piece.texts = texts;
            auto done = each(piece);
            piece.first_row += texts.rows();
            return done;
          },
          options_.limits);
      if (!outcome.has_value()) {
        if (misfit_) return outcome;
        return fail(of_file(std::move(outcome).error(), files_[f]));
      }
    }
    return {};
  }

  Result<void> convert(const Piece& piece, std::vector<ColumnBuilder>& builders) {
    for (std::size_t c = 0; c < names_.size(); ++c) {
      const auto misfit = convert_texts(piece.texts.column(c), types_[c], rules_, builders[c]);
      if (!misfit) continue;
      misfit_ = true;
      const std::size_t row = piece.first_row + misfit->row;
      const std::size_t line = row + 1 + (options_.header ? 1 : 0) +
                               static_cast<std::size_t>(options_.skip_lines) +
                               breaks_before(piece, misfit->row);
      return invalid_argument(
          fmt::format("reading {}, line {} (row {}; blank lines are not counted), column \"{}\": "
                      "{}; correct the value, declare another "
                      "type for the column, or name the spelling under nulls",
                      files_[piece.file], line, row + 1, names_[c], misfit->reason));
    }
    return {};
  }

  // Line breaks inside of fields above the row, so that the line is the one an editor shows.
  std::size_t breaks_before(const Piece& until, std::size_t row) const {
    std::size_t breaks = 0;
    for (const Piece& piece : pieces_) {
      if (piece.file != until.file || piece.first_row > until.first_row) continue;
      const std::size_t rows = piece.first_row == until.first_row ? row : piece.texts.rows();
      for (const Column& column : piece.texts.columns()) {
        for (std::size_t i = 0; i < rows; ++i) {
          const auto text = column.text(i);
          breaks += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
        }
      }
    }
    return breaks;
  }

  Engine& engine_;
  std::span<const std::string> files_;
  const CsvOptions& options_;
  TextRules rules_;
  std::vector<Layout> layouts_;
  std::vector<std::string> names_;
  std::vector<Type> types_;
  std::vector<Piece> pieces_;
  bool kept_ = true;
  bool misfit_ = false;  // the error is ours and names its place already
};

void append_field(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos && text[0] != ' ' &&
      text.back() != ' ') {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

Result<Batch> read_csv(std::span<const std::string> files, const CsvOptions& options) {
  if (files.empty()) return invalid_argument("no CSV file was named");
  MARTLET_TRY_SET(auto engine,
                  Engine::open({.access = Access::Sources, .threads = options.threads}));
  MARTLET_TRY_SET(const auto paths, find_files(*engine, files));
  return Reader(*engine, paths, options).read();
}

std::string csv_text(const Batch& batch) {
  std::string out;
  for (std::size_t c = 0; c < batch.width(); ++c) {
    if (c > 0) out += ',';
    append_field(out, batch.schema()[c].name);
  }
  out += '\n';
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    for (std::size_t c = 0; c < batch.width(); ++c) {
      if (c > 0) out += ',';
      const Column& column = batch.column(c);
      if (column.is_missing(i)) continue;
      if (column.type() == Type::Text) {
        append_field(out, column.text(i));
      } else {
        out += columns::to_text(column.cell(i));
      }
    }
    out += '\n';
  }
  return out;
}

Result<void> write_csv(FileSystem& files, const std::string& path, const Batch& batch) {
  return files.write_file_durably(path, csv_text(batch));
}

}  // namespace martlet::table
