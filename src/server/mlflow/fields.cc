#include "server/mlflow/fields.h"

#include "base/json.h"
#include "base/text.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <mutex>

namespace martlet::server::mlflow {

namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kShownBytes = 120;
constexpr std::size_t kMaxProblems = 20;  // told in one answer
constexpr std::size_t kFirstBlock = 16;   // nodes
constexpr std::size_t kLargestBlock = 1024;

bool is_camel_of(std::string_view camel, std::string_view snake) {
  std::size_t at = 0;
  bool upper = false;
  for (const char c : snake) {
    if (c == '_') {
      upper = true;
      continue;
    }
    const char wanted = upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (at == camel.size() || camel[at] != wanted) return false;
    ++at;
    upper = false;
  }
  return at == camel.size();
}

// What parsers keep between requests: enough for most bodies, in no more of them than run at once.
class ParserPool {
 public:
  std::unique_ptr<simdjson::dom::parser> take() {
    const std::unique_lock lock(mutex_);
    if (idle_.empty()) return std::make_unique<simdjson::dom::parser>();
    auto parser = std::move(idle_.back());
    idle_.pop_back();
    return parser;
  }
  void give_back(std::unique_ptr<simdjson::dom::parser> parser) {
    if (parser->capacity() > kMaxKeptBytes) return;
    const std::unique_lock lock(mutex_);
    if (idle_.size() < kMaxKept) idle_.push_back(std::move(parser));
  }

 private:
  static constexpr std::size_t kMaxKept = 4;
  static constexpr std::size_t kMaxKeptBytes = 262'144;  // of text; a parser takes about ten each
  std::mutex mutex_;                                     // guards idle_
  std::vector<std::unique_ptr<simdjson::dom::parser>> idle_;
};

ParserPool& parsers() {
  static ParserPool pool;
  return pool;
}

Json json_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null: return nullptr;
    case Node::Kind::Boolean: return node.boolean;
    case Node::Kind::Integer: return node.integer;
    case Node::Kind::Number: return node.number;
    case Node::Kind::Text: return node.text.substr(0, kShownBytes);
    case Node::Kind::Array: return "[…]";
    case Node::Kind::Object: return "{…}";
  }
  return nullptr;
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (problem == std::errc::result_out_of_range)  // too large or too small: as strtod has it
    return std::strtod(std::string(text).c_str(), nullptr);
  return problem == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> integer_of(double number) {
  // Exactly representable bounds of a 64-bit integer.
  if (number != std::trunc(number) || number < -0x1p63 || number >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::int64_t integer = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (problem == std::errc() && end == text.data() + text.size() && !text.empty()) return integer;
  const auto number = number_of(text);
  return number.has_value() ? integer_of(*number) : std::nullopt;
}

}  // namespace

// Builds nodes as the parser finds them.
class Message::Builder {
 public:
  explicit Builder(Message& message) : message_(message) {}

  bool null() { return value({}); }
  bool boolean(bool boolean) {
    Node node;
    node.kind = Node::Kind::Boolean;
    node.boolean = boolean;
    return value(std::move(node));
  }
  bool number_integer(std::int64_t integer) {
    Node node;
    node.kind = Node::Kind::Integer;
    node.integer = integer;
    return value(std::move(node));
  }
  bool number_unsigned(std::uint64_t integer) {
    if (std::in_range<std::int64_t>(integer))
      return number_integer(static_cast<std::int64_t>(integer));
    return number(static_cast<double>(integer));
  }
  bool number_float(double float_number, const std::string& /*written*/) {
    return number(float_number);
  }
  bool number(double number) {
    Node node;
    node.kind = Node::Kind::Number;
    node.number = number;
    return value(std::move(node));
  }
  bool string(std::string& text) { return this->text(std::move(text)); }
  bool text(std::string text) {
    Node node;
    node.kind = Node::Kind::Text;
    node.text = std::move(text);
    return value(std::move(node));
  }
  bool binary(const std::vector<std::uint8_t>& /*bytes*/) { return false; }
  bool key(std::string& key) {
    key_ = std::move(key);
    return true;
  }
  bool start_object(std::size_t /*size*/) { return open(Node::Kind::Object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t /*size*/) { return open(Node::Kind::Array); }
  bool end_array() { return close(); }
  template <class Problem>
  bool parse_error(std::size_t position, const std::string& /*token*/, const Problem& problem) {
    if (problem_.empty())
      problem_ = fmt::format("the body isn't JSON, at byte {}: {}", position, problem.what());
    return false;
  }

  std::string take_problem() { return std::move(problem_); }

  // All of a parsed document. False when it is nested too deeply.
  bool element(const simdjson::dom::element& found) {
    using Type = simdjson::dom::element_type;
    switch (found.type()) {
      case Type::NULL_VALUE: return null();
      case Type::BOOL: return boolean(found.get_bool().value_unsafe());
      case Type::INT64: return number_integer(found.get_int64().value_unsafe());
      case Type::UINT64: return number_unsigned(found.get_uint64().value_unsafe());
      case Type::DOUBLE: return number(found.get_double().value_unsafe());
      case Type::STRING: return text(std::string(found.get_string().value_unsafe()));
      case Type::ARRAY: {
        const simdjson::dom::array array = found.get_array().value_unsafe();
        if (!open(Node::Kind::Array)) return false;
        for (const simdjson::dom::element one : array) {
          if (!element(one)) return false;
        }
        return close();
      }
      case Type::OBJECT: {
        const simdjson::dom::object object = found.get_object().value_unsafe();
        if (!open(Node::Kind::Object)) return false;
        for (const simdjson::dom::key_value_pair field : object) {
          key_ = field.key;
          if (!element(field.value)) return false;
        }
        return close();
      }
    }
    return false;
  }

 private:
  bool value(Node node) {
    node.key = std::move(key_);
    key_.clear();
    Node* added = message_.add(std::move(node));
    if (open_.empty()) {
      message_.root_ = added;
    } else {
      Node* parent = open_.back();
      (parent->first == nullptr ? parent->first : parent->last->next) = added;
      parent->last = added;
    }
    added_ = added;
    return true;
  }
  bool open(Node::Kind kind) {
    if (open_.size() == kMaxDepth) {
      problem_ = fmt::format("the body is nested deeper than {} levels", kMaxDepth);
      return false;
    }
    Node node;
    node.kind = kind;
    value(std::move(node));
    open_.push_back(added_);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Message& message_;
  std::vector<Node*> open_;
  Node* added_ = nullptr;
  std::string key_;
  std::string problem_;
};

// The parser knows no bare NaN; so the text is parsed as it is first, which it nearly always can
// be.
std::string quote_bare_numbers(std::string_view json) {
  std::string quoted;
  quoted.reserve(json.size() + 16);
  bool in_text = false;
  for (std::size_t i = 0; i < json.size();) {
    const char c = json[i];
    if (in_text) {
      const std::size_t taken = c == '\\' && i + 1 < json.size() ? 2 : 1;
      quoted += json.substr(i, taken);
      in_text = c != '"';
      i += taken;
      continue;
    }
    bool replaced = false;
    for (const std::string_view word : {"NaN", "-Infinity", "Infinity"}) {
      if (!json.substr(i).starts_with(word)) continue;
      quoted += '"';
      quoted += word;
      quoted += '"';
      i += word.size();
      replaced = true;
      break;
    }
    if (replaced) continue;
    in_text = c == '"';
    quoted += c;
    ++i;
  }
  return quoted;
}

Message::Message() = default;
Message::~Message() = default;

Node* Message::add(Node node) {
  if (nodes_.empty() || nodes_.back().size() == nodes_.back().capacity()) {
    const std::size_t before = nodes_.empty() ? kFirstBlock / 2 : nodes_.back().capacity();
    nodes_.emplace_back().reserve(std::min(before * 2, kLargestBlock));
  }
  nodes_.back().push_back(std::move(node));
  return &nodes_.back().back();
}

bool Message::parse_quickly(std::string_view json) {
  auto parser = parsers().take();
  const auto document = parser->parse(json.data(), json.size());
  Builder builder(*this);
  const bool done =
      document.error() == simdjson::SUCCESS && builder.element(document.value_unsafe());
  parsers().give_back(std::move(parser));
  return done;
}

Result<void> Message::parse_into_root(std::string_view json) {
  if (parse_quickly(json)) return {};
  // The other parser says what is wrong, and where.
  nodes_.clear();
  root_ = nullptr;
  Builder builder(*this);
  if (Json::sax_parse(json, &builder)) return {};
  const std::string first_problem = builder.take_problem();
  const std::string quoted = quote_bare_numbers(json);
  nodes_.clear();
  root_ = nullptr;
  Builder again(*this);
  if (quoted.size() != json.size() && Json::sax_parse(quoted, &again)) return {};
  return invalid_argument(first_problem);
}

Result<std::unique_ptr<Message>> Message::parse(std::string_view json) {
  std::unique_ptr<Message> message(new Message());  // the constructor is private
  if (trim(json).empty()) return message;
  MARTLET_TRY(message->parse_into_root(json));
  // Old clients encode twice.
  if (message->root_->kind == Node::Kind::Text) {
    const std::string inner = std::move(message->root_->text);
    message->nodes_.clear();
    message->root_ = nullptr;
    MARTLET_TRY(message->parse_into_root(inner));
  }
  if (message->root_->kind != Node::Kind::Object) {
    return invalid_argument("the body must be a JSON object, such as {\"name\": \"churn\"}");
  }
  return message;
}

void Message::take_query(std::span<const net::Parameter> query) {
  Node object;
  object.kind = Node::Kind::Object;
  root_ = add(std::move(object));
  from_query_ = true;
  for (const net::Parameter& parameter : query) {
    Node node;
    node.kind = Node::Kind::Text;
    std::string_view name = parameter.name;
    if (name.ends_with("[]")) name.remove_suffix(2);
    node.key = std::string(name);
    node.text = std::string(parameter.value);
    Node* added = add(std::move(node));
    (root_->first == nullptr ? root_->first : root_->last->next) = added;
    root_->last = added;
  }
}

Result<std::unique_ptr<Message>> Message::read(const net::Request& request) {
  const bool by_query = request.method == net::Method::Get || request.method == net::Method::Head ||
                        request.method == net::Method::Delete;
  if (trim(request.body).empty() || (by_query && !request.query.empty())) {
    std::unique_ptr<Message> message(new Message());
    message->take_query(by_query ? std::span<const net::Parameter>(request.query)
                                 : std::span<const net::Parameter>());
    return message;
  }
  const std::string_view type = request.header("content-type");
  if (lower_ascii(trim(type.substr(0, type.find(';')))) != "application/json") {
    return invalid_argument(fmt::format(
        "Bad Request. Content-Type must be application/json, not '{}'.", type.substr(0, 80)));
  }
  return parse(request.body);
}

Result<void> Message::check() const {
  if (problems_.empty()) return {};
  std::string all;
  const std::size_t told = std::min(problems_.size(), kMaxProblems);
  for (std::size_t i = 0; i < told; ++i) all += (i == 0 ? "" : " ") + problems_[i];
  if (told < problems_.size())
    all += fmt::format(" And {} more problems.", problems_.size() - told);
  return invalid_argument(all);
}

const Node* Fields::find(std::string_view name) const {
  if (object_ == nullptr) return nullptr;
  const Node* found = nullptr;
  for (const Node* node = object_->first; node != nullptr; node = node->next) {
    if (node->key == name) {
      found = node;
      break;
    }
  }
  if (found == nullptr && name.find('_') != std::string_view::npos) {
    for (const Node* node = object_->first; node != nullptr && found == nullptr; node = node->next)
      if (is_camel_of(node->key, name)) found = node;
  }
  return found == nullptr || found->kind == Node::Kind::Null ? nullptr : found;
}

std::string Fields::path_of(std::string_view name) const {
  if (path_.empty()) return std::string(name);
  return index_.has_value() ? fmt::format("{}[{}].{}", path_, *index_, name)
                            : fmt::format("{}.{}", path_, name);
}

void Fields::missing(std::string_view name) const {
  message_->problems_.push_back(
      fmt::format("Missing value for required parameter '{}'.", path_of(name)));
}

void Fields::refuse(std::string_view name, std::string_view why) const {
  const Node* value = find(name);
  message_->problems_.push_back(fmt::format("Invalid value {} for parameter '{}' supplied: {}.",
                                            value == nullptr ? "null" : to_text(json_of(*value)),
                                            path_of(name), why));
}

void Fields::wrong(std::string_view name, const Node& value, std::string_view expected) const {
  message_->problems_.push_back(
      fmt::format("Invalid value {} for parameter '{}' supplied: {} is expected.",
                  to_text(json_of(value)), path_of(name), expected));
}

std::optional<std::string> Fields::text(std::string_view name) const {
  const Node* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->kind == Node::Kind::Text) return value->text;
  wrong(name, *value, "a string");
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view name) const {
  const Node* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::optional<std::int64_t> read;
  if (value->kind == Node::Kind::Integer) read = value->integer;
  if (value->kind == Node::Kind::Number) read = integer_of(value->number);
  if (value->kind == Node::Kind::Text) read = integer_of(value->text);
  if (!read.has_value()) wrong(name, *value, "a 64-bit integer");
  return read;
}

std::optional<double> Fields::number(std::string_view name) const {
  const Node* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::optional<double> read;
  if (value->kind == Node::Kind::Integer) read = static_cast<double>(value->integer);
  if (value->kind == Node::Kind::Number) read = value->number;
  if (value->kind == Node::Kind::Text) {
    const std::string& text = value->text;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (text == "NaN" || text == "nan") {
      read = std::numeric_limits<double>::quiet_NaN();
    } else if (text == "Infinity" || text == "inf") {
      read = kInfinity;
    } else if (text == "-Infinity" || text == "-inf") {
      read = -kInfinity;
    } else {
      read = number_of(text);
    }
  }
  if (!read.has_value()) wrong(name, *value, "a number");
  return read;
}

std::optional<bool> Fields::boolean(std::string_view name) const {
  const Node* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->kind == Node::Kind::Boolean) return value->boolean;
  if (value->kind == Node::Kind::Text) {
    const std::string lower = lower_ascii(value->text);
    if (lower == "true" || lower == "1") return true;
    if (lower == "false" || lower == "0") return false;
  }
  wrong(name, *value, "true or false");
  return std::nullopt;
}

std::string Fields::required_text(std::string_view name) const {
  if (!has(name)) missing(name);
  return text(name).value_or("");
}

std::string Fields::required_name(std::string_view name) const {
  const Node* value = find(name);
  if (value == nullptr || (value->kind == Node::Kind::Text && value->text.empty())) {
    missing(name);
    return "";
  }
  return text(name).value_or("");
}

std::string Fields::required_name(std::string_view name, std::string_view old_name) const {
  return required_name(!has(name) && has(old_name) ? old_name : name);
}

std::int64_t Fields::required_integer(std::string_view name) const {
  if (!has(name)) missing(name);
  return integer(name).value_or(0);
}

double Fields::required_number(std::string_view name) const {
  if (!has(name)) missing(name);
  return number(name).value_or(0);
}

std::vector<std::string> Fields::texts(std::string_view name) const {
  std::vector<std::string> found;
  const Node* value = find(name);
  if (value == nullptr) return found;
  if (message_->from_query_) {
    for (const Node* node = object_->first; node != nullptr; node = node->next)
      if (node->key == value->key) found.push_back(node->text);
    return found;
  }
  if (value->kind != Node::Kind::Array) {
    wrong(name, *value, "a list of strings");
    return found;
  }
  std::size_t index = 0;
  for (const Node* node = value->first; node != nullptr; node = node->next, ++index) {
    if (node->kind == Node::Kind::Integer) {
      found.push_back(std::to_string(node->integer));  // ids are numbers to some clients
    } else if (node->kind != Node::Kind::Text) {
      wrong(fmt::format("{}[{}]", name, index), *node, "a string");
    } else {
      found.push_back(node->text);
    }
  }
  return found;
}

std::vector<Fields> Fields::objects(std::string_view name) const {
  std::vector<Fields> found;
  const Node* value = find(name);
  if (value == nullptr) return found;
  if (value->kind != Node::Kind::Array) {
    wrong(name, *value, "a list of objects");
    return found;
  }
  const std::string path = path_of(name);
  std::size_t index = 0;
  for (const Node* node = value->first; node != nullptr; node = node->next, ++index) {
    if (node->kind != Node::Kind::Object) {
      wrong(fmt::format("{}[{}]", name, index), *node, "an object");
    } else {
      found.push_back(Fields(*message_, node, path, index));
    }
  }
  return found;
}

std::optional<Fields> Fields::object(std::string_view name) const {
  const Node* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->kind != Node::Kind::Object) {
    wrong(name, *value, "an object");
    return std::nullopt;
  }
  return Fields(*message_, value, path_of(name));
}

std::vector<std::string> Fields::names() const {
  std::vector<std::string> found;
  if (object_ == nullptr) return found;
  for (const Node* node = object_->first; node != nullptr; node = node->next)
    found.push_back(node->key);
  return found;
}

std::optional<std::int64_t>
Fields::enum_number(std::string_view name,
                    std::initializer_list<std::pair<std::string_view, std::int64_t>> known) const {
  const Node* value = find(name);
  if (value == nullptr) return std::nullopt;
  for (const auto& [text, number] : known) {
    if (value->kind == Node::Kind::Text &&
        (value->text == text || value->text == std::to_string(number)))
      return number;
    if (value->kind == Node::Kind::Integer && value->integer == number) return number;
  }
  std::string names;
  for (const auto& [text, number] : known) names += (names.empty() ? "" : ", ") + std::string(text);
  wrong(name, *value, "one of " + names);
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> Fields::pairs(std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> found;
  for (const Fields& pair : objects(name))
    found.emplace_back(pair.required_name("key"), pair.text("value").value_or(""));
  return found;
}

}  // namespace martlet::server::mlflow
