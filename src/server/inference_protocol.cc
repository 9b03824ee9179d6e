#include "server/inference_protocol.h"

#include "base/text.h"
#include "columns/cell.h"
#include "deployment/inference_service.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>

namespace martlet::server {

namespace {

using columns::Cell;
using columns::Type;

constexpr std::size_t kMaxFindings = 200;
constexpr std::size_t kShownPerColumn = 3;
constexpr std::size_t kShownBytes = 200;  // of a client's own words in a message
constexpr std::size_t kBodyBytes = std::size_t{64} << 20;
constexpr int kDepth = 64;

// At most kShownBytes of a text, cut between characters.
std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

// The columns of a request while they are read, under the names and types of the shape.
class RequestColumns {
 public:
  explicit RequestColumns(const RequestShape& shape) : shape_(shape) {
    for (const features::InputField& field : shape.inputs)
      add(field.name, field.type, field.required);
    for (const columns::Field& field : shape.key.fields()) add(field.name, field.type, false);
  }

  void report(std::string_view path, std::string rule, const std::string& message) {
    if (findings_.size() < kMaxFindings)
      findings_.push_back({shown(path), std::move(rule), message, "", 0, 0});
    else
      ++more_findings_;
  }

  // How many rows `path` has, the same for all. False, and a finding, when it can't be.
  bool set_rows(std::size_t rows, std::string_view path = "") {
    if (rows_.has_value()) {
      if (rows == *rows_) return rows <= kMaxRowsPerRequest;
      report(path, "shape",
             "it has " + std::to_string(rows) + " values where the first column has " +
                 std::to_string(*rows_));
      return false;
    }
    rows_ = rows;
    if (rows <= kMaxRowsPerRequest) return true;
    report("", "too_many_rows",
           "the request has " + std::to_string(rows) + " rows; at most " +
               std::to_string(kMaxRowsPerRequest) +
               " are answered at once: send several, or use `martlet predict`");
    return false;
  }
  std::size_t width() const { return slots_.size(); }

  std::optional<std::size_t> known(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }
  // Where a column of that name belongs; a finding when the model takes none.
  std::optional<std::size_t> find(std::string_view name) {
    if (const auto place = known(name)) return place;
    if (unknown_.contains(name)) return std::nullopt;
    // Beyond so many findings, names are only counted: neither kept nor compared for a hint.
    const bool kept = findings_.size() < kMaxFindings;
    if (kept) unknown_.emplace(name);
    report(name, "unknown_column",
           "the model takes no column of this name" + (kept ? did_you_mean(name, names_) : ""));
    return std::nullopt;
  }
  // As find(), and says that the column comes now; a finding when it came before.
  std::optional<std::size_t> begin(std::string_view name) {
    const std::optional<std::size_t> place = find(name);
    if (!place.has_value()) return std::nullopt;
    if (slots_[*place].given) {
      report(name, "duplicate", "the column stands twice");
      return std::nullopt;
    }
    slots_[*place].given = true;
    return place;
  }
  bool given(std::size_t place) const { return slots_[place].given; }
  void set_given(std::size_t place) { slots_[place].given = true; }

  // The next value of a column; null: the row doesn't name it.
  void push(std::size_t place, const Json* value) {
    Slot& slot = slots_[place];
    if (value != nullptr) {
      push(slot, columns::cell_from_json(*value, slot.type, shape_.zone));
      return;
    }
    if (slot.required && ++slot.bad <= kShownPerColumn)
      report(slot.name, "missing",
             "row " + std::to_string(slot.builder.size() + 1) +
                 ": the column is required; give null where a value is not known");
    slot.builder.push_missing();
  }
  void push_text(std::size_t place, std::string_view value) {
    Slot& slot = slots_[place];
    push(slot, columns::cell_from_text(value, slot.type, shape_.zone));
  }

  Result<InferenceRequest> finish() {
    const std::size_t rows = rows_.value_or(0);
    if (rows == 0) report("", "empty", "the request has no rows");
    if (rows <= kMaxRowsPerRequest) {
      for (const Slot& slot : slots_) {
        if (!slot.given && slot.required)
          report(slot.name, "missing",
                 "the column is required; give null where a value is not known");
      }
    }
    if (more_findings_ > 0)
      findings_.push_back(
          {"", "more", "and " + std::to_string(more_findings_) + " more", "", 0, 0});
    if (!findings_.empty()) return invalid("reading the request", std::move(findings_));
    std::vector<columns::Column> done;
    for (Slot& slot : slots_)
      done.push_back(slot.given ? slot.builder.finish()
                                : columns::Column::missing(slot.type, rows));
    std::vector<columns::Field> fields;
    std::vector<columns::Column> inputs, keys;
    for (const features::InputField& field : shape_.inputs) {
      fields.push_back({field.name, field.type});
      inputs.push_back(done[by_name_.at(field.name)]);
    }
    for (const columns::Field& field : shape_.key.fields())
      keys.push_back(done[by_name_.at(field.name)]);
    InferenceRequest request;
    request.rows = columns::Batch(columns::Schema(std::move(fields)), std::move(inputs));
    request.keys = columns::Batch(shape_.key, std::move(keys));
    return request;
  }

 private:
  struct Slot {
    std::string_view name;  // in the shape
    Type type;
    bool required;
    columns::ColumnBuilder builder;
    bool given = false;
    std::size_t bad = 0;
  };
  void add(const std::string& name, Type type, bool required) {
    if (!by_name_.emplace(name, slots_.size()).second) return;
    slots_.push_back({name, type, required, columns::ColumnBuilder(type)});
    names_.push_back(name);
  }
  void push(Slot& slot, const Result<Cell>& cell) {
    if (cell.has_value()) {
      slot.builder.push(*cell);
      return;
    }
    if (++slot.bad <= kShownPerColumn)
      report(slot.name, "wrong_type",
             "row " + std::to_string(slot.builder.size() + 1) + ": " +
                 shown(cell.error().message()));
    slot.builder.push_missing();
  }

  const RequestShape& shape_;
  std::vector<Slot> slots_;
  std::vector<std::string> names_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::set<std::string, std::less<>> unknown_;
  std::optional<std::size_t> rows_;
  std::vector<Finding> findings_;
  std::size_t more_findings_ = 0;
};

// An object keeps its members in a list, so reading one costs the square of their number; no honest
// request has many more than the model has columns.
Result<void> check_members(std::string_view body, std::size_t limit) {
  std::vector<std::size_t> open;  // members of the objects around; unused for lists
  for (std::size_t i = 0; i < body.size(); ++i) {
    switch (body[i]) {
      case '"':
        for (++i; i < body.size() && body[i] != '"'; ++i) {
          if (body[i] == '\\') ++i;
        }
        break;
      case '{':
      case '[':
        if (open.size() == kDepth)
          return invalid_argument("reading the request: it is nested deeper than " +
                                  std::to_string(kDepth) + " levels");
        open.push_back(0);
        break;
      case '}':
      case ']':
        if (!open.empty()) open.pop_back();
        break;
      case ':':
        if (!open.empty() && ++open.back() > limit)
          return invalid_argument("reading the request: an object in it has more than " +
                                  std::to_string(limit) +
                                  " members, far more than the model has columns");
        break;
      default: break;
    }
  }
  return {};
}

Result<Json> parse_object(std::string_view body, std::size_t width) {
  constexpr std::size_t kFewMembers = 256;
  MARTLET_TRY(check_members(body, std::max(kFewMembers, 2 * width)));
  auto json = parse_json(body, {.size_bytes = kBodyBytes, .depth = kDepth});
  if (!json.has_value()) return fail(std::move(json).error().with_context("reading the request"));
  if (!json->is_object()) return invalid_argument("reading the request: it must be a JSON object");
  return json;
}

// Flattens nested lists, as tensors may be written.
void flatten(const Json& list, std::vector<const Json*>& out) {
  for (const Json& item : list) {
    if (item.is_array()) {
      flatten(item, out);
    } else {
      out.push_back(&item);
    }
  }
}

// The number of rows that a tensor's shape [n] or [n, 1] gives.
std::optional<std::uint64_t> rows_of_shape(const Json& shape) {
  if (!shape.is_array() || shape.empty() || shape.size() > 2) return std::nullopt;
  for (const Json& extent : shape) {
    if (!extent.is_number_unsigned()) return std::nullopt;
  }
  if (shape.size() == 2 && shape[1].get<std::uint64_t>() != 1) return std::nullopt;
  return shape[0].get<std::uint64_t>();
}

const std::string* text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? nullptr
                                                      : &found->get_ref<const std::string&>();
}

// A parameter that would have the values, or the meaning of an output, come from elsewhere.
const char* unread_extension(const Json& tensor) {
  const auto parameters = tensor.find("parameters");
  if (parameters == tensor.end() || !parameters->is_object()) return nullptr;
  for (const char* const name : {"binary_data_size", "shared_memory_region", "classification"}) {
    if (parameters->contains(name)) return name;
  }
  return nullptr;
}

void read_tensor(const Json& tensor, std::size_t number, RequestColumns& columns) {
  const std::string* name = tensor.is_object() ? text_in(tensor, "name") : nullptr;
  if (name == nullptr) {
    columns.report("inputs[" + std::to_string(number) + "]", "tensor",
                   "a tensor is an object with name, shape, datatype and data");
    return;
  }
  const std::string* datatype = text_in(tensor, "datatype");
  if (datatype == nullptr || !is_v2_type(*datatype)) {
    columns.report(
        *name, "datatype",
        "a tensor has a datatype: BOOL, INT64, FP64, BYTES or another of the protocol's");
  }
  if (const char* const extension = unread_extension(tensor)) {
    columns.report(*name, "extension",
                   std::string(extension) + " is an extension of the protocol that isn't read "
                                            "here: send the values in \"data\"");
    return;
  }
  const auto extents = tensor.find("shape");
  const auto rows = extents == tensor.end() ? std::nullopt : rows_of_shape(*extents);
  const auto data = tensor.find("data");
  if (!rows.has_value() || data == tensor.end() || !data->is_array()) {
    columns.report(*name, "shape",
                   "a column is a tensor of shape [rows] or [rows, 1] with its values in \"data\"");
    return;
  }
  std::vector<const Json*> values;
  flatten(*data, values);
  if (values.size() != *rows) {
    columns.report(*name, "shape",
                   "its shape says " + std::to_string(*rows) + " values, its data has " +
                       std::to_string(values.size()));
    return;
  }
  // Also without rows to put there: a column that stands twice is reported all the same.
  const bool fits = columns.set_rows(values.size(), *name);
  const auto place = columns.begin(*name);
  if (!fits || !place.has_value()) return;
  for (const Json* value : values) columns.push(*place, value);
}

Result<InferenceRequest> read_records(const Json& records, RequestColumns columns) {
  if (!columns.set_rows(records.size())) return columns.finish();
  for (std::size_t row = 0; row < records.size(); ++row) {
    if (!records[row].is_object()) {
      return invalid_argument("reading the request: row " + std::to_string(row + 1) +
                              " must be an object of columns");
    }
    for (auto item = records[row].begin(); item != records[row].end(); ++item) {
      if (const auto place = columns.find(item.key())) columns.set_given(*place);
    }
  }
  std::vector<const Json*> values(columns.width());
  for (const Json& record : records) {
    std::fill(values.begin(), values.end(), nullptr);
    for (auto item = record.begin(); item != record.end(); ++item) {
      if (const auto place = columns.known(item.key())) values[*place] = &item.value();
    }
    for (std::size_t place = 0; place < values.size(); ++place) {
      if (columns.given(place)) columns.push(place, values[place]);
    }
  }
  return columns.finish();
}

Result<InferenceRequest> read_split(const Json& split, RequestColumns columns) {
  const auto names = split.find("columns");
  const auto lines = split.find("data");
  if (names == split.end() || lines == split.end() || !names->is_array() || !lines->is_array()) {
    return invalid_argument(
        "reading the request: dataframe_split has the lists \"columns\" and \"data\"");
  }
  std::vector<std::optional<std::size_t>> places;
  for (const Json& name : *names) {
    if (!name.is_string()) {
      return invalid_argument("reading the request: the columns of dataframe_split are named by "
                              "texts");
    }
    places.push_back(columns.begin(name.get_ref<const std::string&>()));
  }
  if (!columns.set_rows(lines->size())) return columns.finish();
  for (std::size_t row = 0; row < lines->size(); ++row) {
    const Json& values = (*lines)[row];
    if (!values.is_array() || values.size() != places.size()) {
      return invalid_argument("reading the request: row " + std::to_string(row + 1) +
                              " of dataframe_split must have " + std::to_string(places.size()) +
                              " values");
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i].has_value()) columns.push(*places[i], &values[i]);
    }
  }
  return columns.finish();
}

Result<InferenceRequest> read_lists(const Json& object, RequestColumns columns) {
  for (auto item = object.begin(); item != object.end(); ++item) {
    std::vector<const Json*> values;
    if (item.value().is_array()) {
      flatten(item.value(), values);
    } else {
      values.push_back(&item.value());
    }
    const bool fits = columns.set_rows(values.size(), item.key());
    const auto place = columns.begin(item.key());
    if (!fits || !place.has_value()) continue;
    for (const Json* value : values) columns.push(*place, value);
  }
  return columns.finish();
}

// One line of CSV (RFC 4180) from `at` on; quoted fields may hold line breaks. False when a quote
// is never closed.
bool csv_line(std::string_view text, std::size_t& at, std::vector<std::string>& fields) {
  fields.assign(1, {});
  bool quoted = false;
  bool was_quoted = false;
  while (at < text.size()) {
    const char c = text[at++];
    if (quoted) {
      if (c == '"' && at < text.size() && text[at] == '"') {
        fields.back() += '"';
        ++at;
      } else if (c == '"') {
        quoted = false;
      } else {
        fields.back() += c;
      }
    } else if (c == '"' && fields.back().empty() && !was_quoted) {
      quoted = was_quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
      was_quoted = false;
    } else if (c == '\n') {
      break;
    } else if (c != '\r' || at == text.size() || text[at] != '\n') {
      fields.back() += c;
    }
  }
  return !quoted;
}

Result<InferenceRequest> decode_csv(std::string_view body, const RequestShape& shape) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  if (!is_valid_utf8(body))
    return invalid_argument("reading the CSV request: it is no valid UTF-8");
  constexpr std::string_view kOpenQuote =
      "reading the CSV request: a quote is opened and never closed";
  RequestColumns columns(shape);
  std::size_t at = 0;
  std::vector<std::string> fields;
  if (!csv_line(body, at, fields)) return invalid_argument(std::string(kOpenQuote));
  std::vector<std::optional<std::size_t>> places;
  for (const std::string& name : fields) places.push_back(columns.begin(name));
  std::size_t rows = 0;
  while (at < body.size()) {
    if (!csv_line(body, at, fields)) return invalid_argument(std::string(kOpenQuote));
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (++rows > kMaxRowsPerRequest) continue;  // counted for the message
    if (fields.size() != places.size()) {
      columns.report("row " + std::to_string(rows), "ragged",
                     "it has " + std::to_string(fields.size()) + " fields, the header " +
                         std::to_string(places.size()));
      continue;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i].has_value()) columns.push_text(*places[i], fields[i]);
    }
  }
  columns.set_rows(rows);
  return columns.finish();
}

constexpr std::array<std::string_view, 3> kOutputs = {"predicted", "score", "prediction_id"};

}  // namespace

bool is_v2_type(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kTypes = {
      "BOOL",  "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16",
      "INT32", "INT64", "FP16",   "FP32",   "FP64",   "BF16", "BYTES"};
  return std::find(kTypes.begin(), kTypes.end(), name) != kTypes.end();
}

RequestShape shape_of(const deployment::ServedModel& model) {
  return {model.inputs(), model.key(), model.zone()};
}

Result<InferenceRequest> decode_v2(std::string_view body, const RequestShape& shape) {
  RequestColumns columns(shape);
  MARTLET_TRY_SET(const Json json, parse_object(body, columns.width()));
  const auto inputs = json.find("inputs");
  if (inputs == json.end() || !inputs->is_array())
    return invalid_argument("reading the request: \"inputs\" must be a list of tensors");
  for (std::size_t i = 0; i < inputs->size(); ++i) read_tensor((*inputs)[i], i, columns);
  std::string id;
  if (const auto given = json.find("id"); given != json.end()) {
    if (given->is_string())
      id = given->get<std::string>();
    else
      columns.report("id", "wrong_type", "the id of a request is a text");
  }
  std::vector<std::string> outputs;
  if (const auto wanted = json.find("outputs"); wanted != json.end()) {
    for (const Json& output : wanted->is_array() ? *wanted : Json::array({nullptr})) {
      const std::string* name = output.is_object() ? text_in(output, "name") : nullptr;
      if (name == nullptr)
        columns.report("outputs", "output", "outputs is a list of objects with a name");
      else if (const char* const extension = unread_extension(output))
        columns.report(*name, "extension",
                       std::string(extension) + " is an extension of the protocol that isn't "
                                                "offered here");
      else if (std::find(kOutputs.begin(), kOutputs.end(), *name) == kOutputs.end())
        columns.report(*name, "unknown_output",
                       "the outputs are predicted, score (of a binary model) and prediction_id");
      else
        outputs.push_back(*name);
    }
  }
  MARTLET_TRY_SET(InferenceRequest request, columns.finish());
  request.id = std::move(id);
  request.outputs = std::move(outputs);
  return request;
}

Result<InferenceRequest> decode_mlflow(std::string_view body, std::string_view content_type,
                                       const RequestShape& shape) {
  if (lower_ascii(trim(content_type.substr(0, content_type.find(';')))) == "text/csv")
    return decode_csv(body, shape);
  RequestColumns columns(shape);
  MARTLET_TRY_SET(const Json json, parse_object(body, columns.width()));
  static constexpr std::array<std::string_view, 4> kForms = {"dataframe_split", "dataframe_records",
                                                             "instances", "inputs"};
  constexpr std::string_view kChoice =
      "give one of dataframe_split, dataframe_records, instances and inputs";
  const Json* payload = nullptr;
  std::string form;
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item.key() == "params" && (item.value().is_null() || item.value().empty())) continue;
    if (std::find(kForms.begin(), kForms.end(), item.key()) == kForms.end() || payload != nullptr) {
      return invalid_argument("reading the request: \"" + shown(item.key()) +
                              "\" is not expected: " + std::string(kChoice) + ", and nothing else");
    }
    payload = &item.value();
    form = item.key();
  }
  if (payload == nullptr) return invalid_argument("reading the request: " + std::string(kChoice));
  if (form == "dataframe_split" && payload->is_object())
    return read_split(*payload, std::move(columns));
  if (form != "dataframe_split" && payload->is_array())
    return read_records(*payload, std::move(columns));
  if ((form == "inputs" || form == "instances") && payload->is_object())
    return read_lists(*payload, std::move(columns));
  return invalid_argument("reading the request: \"" + form + "\" must be " +
                          (form == "dataframe_split" ? "an object with columns and data"
                           : form == "dataframe_records"
                               ? "a list of rows"
                               : "a list of rows or an object of columns"));
}

}  // namespace martlet::server
