#include "table/json_lines.h"

#include "base/json.h"
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

// The value as the text that the type finder reads; objects and lists stay JSON.
std::string spelled(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

class Reader {
 public:
  explicit Reader(const JsonLinesOptions& options) : options_(options) {
    rules_.zone = options.zone;
  }

  Result<void> line(std::string_view text, std::string_view place) {
    auto parsed = parse_json(text);
    if (!parsed.has_value()) return fail(std::move(parsed).error().with_context(place));
    if (!parsed->is_object())
      return invalid_argument(fmt::format("{}: expected a JSON object", place));
    for (const auto& [key, value] : parsed->items()) {
      if (value.is_null()) continue;
      Member& member = member_of(key);
      while (member.texts.size() < rows_) member.push({}, false);
      const std::string spelling = spelled(value);
      if (value.is_string() || value.is_structured()) member.scalars_only = false;
      if (!value.is_string()) member.strings_only = false;
      member.finder.see(spelling);
      member.push(spelling, true);
    }
    ++rows_;
    return {};
  }

  Result<Batch> finish() {
    std::vector<Field> fields;
    std::vector<Column> columns;
    for (const auto& [name, type] : options_.types) {
      if (!index_.contains(name)) {
        return invalid_argument(fmt::format("a type is declared for \"{}\", which no line has{}",
                                            name, did_you_mean(name, names())));
      }
    }
    for (Member& member : members_) {
      while (member.texts.size() < rows_) member.push({}, false);
      const auto declared = options_.types.find(member.name);
      const Type type = declared == options_.types.end() ? member.type() : declared->second;
      const Column texts = Column::of_texts(std::move(member.texts), std::move(member.valid));
      ColumnBuilder builder(type);
      if (const auto misfit = convert_texts(texts, type, rules_, builder)) {
        return invalid_argument(
            fmt::format("row {}, column \"{}\": {}", misfit->row + 1, member.name, misfit->reason));
      }
      fields.push_back({member.name, type});
      columns.push_back(builder.finish());
    }
    return Batch(Schema(std::move(fields)), std::move(columns));
  }

 private:
  struct Member {
    std::string name = {};
    TypeFinder finder{'.'};
    columns::Texts texts = {};
    std::vector<std::uint8_t> valid = {};
    bool scalars_only = true;  // no text, object or list
    bool strings_only = true;

    void push(std::string_view text, bool present) {
      texts.push_back(text);
      valid.push_back(present ? 1 : 0);
    }
    // A number in quotes is a text; a date has no other spelling than a text.
    Type type() const {
      const Type found = finder.type();
      if (scalars_only) return found;
      const bool time = found == Type::Date || found == Type::Timestamp;
      return strings_only && time ? found : Type::Text;
    }
  };

  Member& member_of(const std::string& key) {
    const auto [at, added] = index_.try_emplace(key, members_.size());
    if (added) members_.push_back({.name = key});
    return members_[at->second];
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Member& member : members_) names.push_back(member.name);
    return names;
  }

  const JsonLinesOptions& options_;
  TextRules rules_;
  std::vector<Member> members_;
  std::map<std::string, std::size_t> index_;
  std::size_t rows_ = 0;
};

// Lines as DuckDB reads them, so that compressed files work too. JSON text has no raw control
// character, so \x01 never splits one.
std::string lines_of(const std::string& file) {
  return fmt::format(
      "SELECT line FROM read_csv({}, auto_detect = false, delim = '\x01', header = false, quote = "
      "'', escape = '', "
      "strict_mode = false, max_line_size = 16777216, columns = {{'line': 'VARCHAR'}})",
      quote_text(file));
}

}  // namespace

Result<Batch> read_json_lines(std::span<const std::string> files, const JsonLinesOptions& options) {
  MARTLET_TRY_SET(auto engine,
                  Engine::open({.access = Access::Sources, .threads = options.threads}));
  MARTLET_TRY_SET(const auto paths, find_files(*engine, files));
  Reader reader(options);
  for (const auto& path : paths) {
    std::size_t line = 0;
    const auto take = [&](const Batch& lines) -> Result<void> {
      for (std::size_t i = 0; i < lines.rows(); ++i) {
        ++line;
        const std::string_view text = lines.column(0).text(i);
        if (lines.column(0).is_missing(i) || trim(text).empty()) continue;
        MARTLET_TRY(reader.line(text, fmt::format("reading {}, line {}", path, line)));
      }
      return {};
    };
    MARTLET_TRY(engine->stream(lines_of(path), {}, take, options.limits));
  }
  auto batch = reader.finish();
  if (!batch.has_value())
    return fail(std::move(batch).error().with_context("reading " + paths.front()));
  return batch;
}

std::string json_lines_text(const Batch& batch) {
  std::string out;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    Json object = Json::object();
    for (std::size_t c = 0; c < batch.width(); ++c)
      object[batch.schema()[c].name] = columns::to_json(batch.column(c).cell(i));
    out += to_text(object);
    out += '\n';
  }
  return out;
}

Result<void> write_json_lines(FileSystem& files, const std::string& path, const Batch& batch) {
  return files.write_file_durably(path, json_lines_text(batch));
}

}  // namespace martlet::table
