#include "base/yaml.h"

#include "base/quantity.h"
#include "base/text.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <set>
#include <sstream>

namespace martlet {

struct Yaml::Node {
  Kind kind = Kind::Null;
  std::string scalar;
  bool quoted = false;
  std::vector<Yaml> items;
  std::vector<std::pair<std::string, Yaml>> entries;
  std::string file;
  std::string path;
  int line = 0;
  int column = 0;
  int key_line = 0;  // of the key that it stands under; 0 without one
  int key_column = 0;
};

namespace {

struct FindingList : std::exception {
  std::vector<Finding> findings;
};

std::string member_path(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

// yaml-cpp's recursive loader has no limits, so the text is scanned for depth first: flow brackets
// and indentation both nest.
bool too_deep(std::string_view text, int depth) {
  int flow = 0;
  std::size_t line_start = 0;
  std::vector<std::size_t> indents;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      line_start = i + 1;
      continue;
    }
    if (quote != 0) {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '[' || c == '{') ++flow;
    if ((c == ']' || c == '}') && flow > 0) --flow;
    if (i == line_start) {
      std::size_t k = line_start;
      std::size_t dashes = 0;
      while (k < text.size() && (text[k] == ' ' || text[k] == '-')) {
        if (text[k] == '-') ++dashes;
        ++k;
      }
      if (dashes > static_cast<std::size_t>(depth)) return true;
      while (!indents.empty() && indents.back() >= k - line_start) indents.pop_back();
      indents.push_back(k - line_start);
    }
    if (flow + static_cast<int>(indents.size()) > depth) return true;
  }
  return false;
}

}  // namespace

class YamlBuilder {
 public:
  YamlBuilder(std::string file, std::vector<Finding>& findings)
      : file_(std::move(file)), findings_(findings) {}

  Yaml build(const YAML::Node& from, const std::string& path, int depth,
             const YAML::Mark& key = YAML::Mark::null_mark()) {
    auto node = std::make_shared<Yaml::Node>();
    node->key_line = key.is_null() ? 0 : key.line + 1;
    node->key_column = key.is_null() ? 0 : key.column + 1;
    node->file = file_;
    node->path = path;
    node->line = from.Mark().line + 1;
    node->column = from.Mark().column + 1;
    if (depth <= 0) {
      report(*node, "too_deep", "it is nested too deeply");
      return Yaml(std::move(node));
    }
    const std::string& tag = from.Tag();
    if (!tag.empty() && tag != "?" && tag != "!")
      report(*node, "tag", "tags such as " + tag + " are not allowed");
    switch (from.Type()) {
      case YAML::NodeType::Scalar:
        node->scalar = from.Scalar();
        node->quoted = tag == "!";
        node->kind = !node->quoted && (node->scalar == "~" || node->scalar == "null")
                         ? Yaml::Kind::Null
                         : Yaml::Kind::Scalar;
        break;
      case YAML::NodeType::Sequence: {
        node->kind = Yaml::Kind::Sequence;
        int index = 0;
        for (const auto& item : from)
          node->items.push_back(build(item, path + "[" + std::to_string(index++) + "]", depth - 1));
        break;
      }
      case YAML::NodeType::Map: build_map(from, *node, depth); break;
      default: break;
    }
    return Yaml(std::move(node));
  }

 private:
  void build_map(const YAML::Node& from, Yaml::Node& node, int depth) {
    node.kind = Yaml::Kind::Map;
    std::set<std::string> seen;
    for (const auto& entry : from) {
      if (!entry.first.IsScalar()) {
        report(node, "key", "its keys must be plain text");
        continue;
      }
      const std::string key = entry.first.Scalar();
      Yaml child = build(entry.second, member_path(node.path, key), depth - 1, entry.first.Mark());
      if (!seen.insert(key).second) {
        Yaml::Node at;
        at.file = file_;
        at.path = member_path(node.path, key);
        at.line = entry.first.Mark().line + 1;
        at.column = entry.first.Mark().column + 1;
        report(at, "duplicate_key", "the key stands twice; keep one of them");
        continue;
      }
      node.entries.emplace_back(key, std::move(child));
    }
  }

  void report(const Yaml::Node& node, std::string rule, std::string message) {
    findings_.push_back(
        {node.path, std::move(rule), std::move(message), file_, node.line, node.column});
  }

  std::string file_;
  std::vector<Finding>& findings_;
};

namespace {

// Anchors and aliases are refused: they make small files expand without bound and hide where a
// value comes from.
class AliasFinder : public YAML::EventHandler {
 public:
  explicit AliasFinder(const std::string& file) : file_(file) {}
  void OnDocumentStart(const YAML::Mark& mark) override { document = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { check(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { report(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
    check(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, anchor);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, anchor);
  }
  void OnMapEnd() override {}

  std::vector<Finding> findings;
  YAML::Mark document;  // where the last one began

 private:
  void check(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) report(mark);
  }
  void report(const YAML::Mark& mark) {
    findings.push_back({"", "alias", "anchors and aliases are not allowed; write the value out",
                        file_, mark.line + 1, mark.column + 1});
  }
  std::string file_;
};

}  // namespace

Yaml::Yaml() : node_(std::make_shared<Node>()) {}

Result<Yaml> Yaml::parse(std::string_view text, std::string file_name, const YamlLimits& limits) {
  const std::string subject = "reading " + file_name;
  std::vector<Finding> findings;
  if (text.size() > limits.size_bytes) {
    findings.push_back({"", "too_large",
                        "it has " + std::to_string(text.size()) + " bytes; the limit is " +
                            std::to_string(limits.size_bytes),
                        file_name, 0, 0});
    return invalid(subject, std::move(findings));
  }
  if (!is_valid_utf8(text)) {
    findings.push_back({"", "encoding", "it is not valid UTF-8", file_name, 0, 0});
    return invalid(subject, std::move(findings));
  }
  if (too_deep(text, limits.depth)) {
    findings.push_back({"", "too_deep",
                        "it is nested deeper than " + std::to_string(limits.depth) + " levels",
                        file_name, 0, 0});
    return invalid(subject, std::move(findings));
  }
  try {
    const std::string whole(text);
    std::istringstream stream(whole);
    YAML::Parser parser(stream);
    AliasFinder finder(file_name);
    parser.HandleNextDocument(finder);
    if (!finder.findings.empty()) return invalid(subject, std::move(finder.findings));
    // Asked once and not until there is no more: at a comma or a bracket that closes nothing the
    // parser sees an empty document without end (as YAML::LoadAll does, until memory is full).
    if (parser.HandleNextDocument(finder)) {
      findings.push_back({"", "documents",
                          "it goes on where its first document ends: with another document (---), "
                          "which belongs into a file of its own, or with a stray , ] or }",
                          file_name, finder.document.line + 1, finder.document.column + 1});
      return invalid(subject, std::move(findings));
    }
    YamlBuilder builder(file_name, findings);
    Yaml root = builder.build(YAML::Load(whole), "", limits.depth);
    if (!findings.empty()) return invalid(subject, std::move(findings));
    return root;
  } catch (const YAML::Exception& error) {
    findings.push_back(
        {"", "syntax", error.msg, file_name, error.mark.line + 1, error.mark.column + 1});
    return invalid(subject, std::move(findings));
  }
}

Yaml::Kind Yaml::kind() const { return node_->kind; }
const std::string& Yaml::scalar() const { return node_->scalar; }
bool Yaml::quoted() const { return node_->quoted; }
const std::vector<Yaml>& Yaml::items() const { return node_->items; }
const std::vector<std::pair<std::string, Yaml>>& Yaml::entries() const { return node_->entries; }
const std::string& Yaml::file() const { return node_->file; }
const std::string& Yaml::path() const { return node_->path; }
int Yaml::line() const { return node_->line; }
int Yaml::column() const { return node_->column; }

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& [name, value] : node_->entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Finding Yaml::finding(std::string_view rule, std::string message) const {
  // What is wrong with a key is shown where the key stands, everything else where the value does.
  const bool at_key = rule == "unknown_key" && node_->key_line > 0;
  return {node_->path,
          std::string(rule),
          std::move(message),
          node_->file,
          at_key ? node_->key_line : node_->line,
          at_key ? node_->key_column : node_->column};
}

Json Yaml::to_json() const {
  switch (node_->kind) {
    case Kind::Null: return nullptr;
    case Kind::Sequence: {
      Json list = Json::array();
      for (const Yaml& item : node_->items) list.push_back(item.to_json());
      return list;
    }
    case Kind::Map: {
      Json object = Json::object();
      for (const auto& [name, value] : node_->entries) object[name] = value.to_json();
      return object;
    }
    case Kind::Scalar: break;
  }
  if (!node_->quoted) {
    if (node_->scalar == "true") return true;
    if (node_->scalar == "false") return false;
    if (const auto integer = parse_integer(node_->scalar); integer.has_value()) return *integer;
    if (const auto number = parse_number(node_->scalar); number.has_value()) return *number;
  }
  return node_->scalar;
}

namespace {
std::string kind_text(const Yaml& node) {
  switch (node.kind()) {
    case Yaml::Kind::Null: return "nothing";
    case Yaml::Kind::Sequence: return "a list";
    case Yaml::Kind::Map: return "a map";
    case Yaml::Kind::Scalar: return "\"" + node.scalar().substr(0, 60) + "\"";
  }
  return "";
}

void wrong_type(const Yaml& node, std::string_view expected, std::vector<Finding>& findings) {
  findings.push_back(node.finding("wrong_type", "expected " + std::string(expected) + ", found " +
                                                    kind_text(node)));
}

template <class T>
std::optional<T> read_scalar(const Yaml& node, Result<T> (*parse)(std::string_view),
                             std::string_view expected, std::vector<Finding>& findings) {
  if (node.is_scalar()) {
    if (auto value = parse(trim(node.scalar())); value.has_value()) return std::move(*value);
  }
  wrong_type(node, expected, findings);
  return std::nullopt;
}
}  // namespace

std::optional<std::string> Yaml::as_text(std::vector<Finding>& findings) const {
  if (is_scalar()) return scalar();
  wrong_type(*this, "text", findings);
  return std::nullopt;
}
std::optional<double> Yaml::as_number(std::vector<Finding>& findings) const {
  return read_scalar<double>(*this, &parse_number, "a number", findings);
}
std::optional<std::int64_t> Yaml::as_integer(std::vector<Finding>& findings) const {
  return read_scalar<std::int64_t>(*this, &parse_integer, "a whole number", findings);
}
std::optional<bool> Yaml::as_boolean(std::vector<Finding>& findings) const {
  if (is_scalar() && !quoted() && scalar() == "true") return true;
  if (is_scalar() && !quoted() && scalar() == "false") return false;
  wrong_type(*this, "true or false", findings);
  return std::nullopt;
}
std::optional<Duration> Yaml::as_duration(std::vector<Finding>& findings) const {
  return read_scalar<Duration>(*this, &parse_duration, "a duration such as 90s, 10m, 12h or 3d",
                               findings);
}
std::optional<double> Yaml::as_share(std::vector<Finding>& findings) const {
  return read_scalar<double>(*this, &parse_share, "a share such as 30% or 0.3", findings);
}
std::optional<std::int64_t> Yaml::as_size_bytes(std::vector<Finding>& findings) const {
  return read_scalar<std::int64_t>(*this, &parse_size, "a size such as 512MiB", findings);
}
std::optional<std::vector<std::string>> Yaml::as_texts(std::vector<Finding>& findings) const {
  if (is_scalar()) return std::vector<std::string>{scalar()};
  if (!is_sequence()) {
    wrong_type(*this, "a text or a list of texts", findings);
    return std::nullopt;
  }
  std::vector<std::string> texts;
  bool good = true;
  for (const Yaml& item : items()) {
    if (item.is_scalar()) {
      texts.push_back(item.scalar());
    } else {
      wrong_type(item, "text", findings);
      good = false;
    }
  }
  return good ? std::optional(std::move(texts)) : std::nullopt;
}

YamlObject::YamlObject(const Yaml& node, std::vector<Finding>& findings)
    : node_(node), findings_(findings) {
  if (!node.is_map() && !node.is_null()) wrong_type(node, "a map of keys and values", findings_);
}

const Yaml* YamlObject::look(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  const Yaml* found = node_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool YamlObject::has(std::string_view key) { return look(key) != nullptr; }
const Yaml* YamlObject::child(std::string_view key) { return look(key); }

const Yaml* YamlObject::required_child(std::string_view key) {
  const Yaml* found = look(key);
  if (found == nullptr) report(key, "missing", "it is required");
  return found;
}

#define MARTLET_YAML_READ(name, type, reader)                                                      \
  std::optional<type> YamlObject::name(std::string_view key) {                                     \
    const Yaml* found = look(key);                                                                 \
    if (found == nullptr) return std::nullopt;                                                     \
    return found->reader(findings_);                                                               \
  }
MARTLET_YAML_READ(text, std::string, as_text)
MARTLET_YAML_READ(number, double, as_number)
MARTLET_YAML_READ(integer, std::int64_t, as_integer)
MARTLET_YAML_READ(boolean, bool, as_boolean)
MARTLET_YAML_READ(duration, Duration, as_duration)
MARTLET_YAML_READ(share, double, as_share)
MARTLET_YAML_READ(size_bytes, std::int64_t, as_size_bytes)
MARTLET_YAML_READ(texts, std::vector<std::string>, as_texts)
#undef MARTLET_YAML_READ

std::optional<std::string> YamlObject::one_of(std::string_view key,
                                              std::initializer_list<std::string_view> allowed) {
  const Yaml* found = look(key);
  if (found == nullptr) return std::nullopt;
  std::optional<std::string> word = found->as_text(findings_);
  if (!word.has_value() || std::find(allowed.begin(), allowed.end(), *word) != allowed.end())
    return word;
  std::vector<std::string> words(allowed.begin(), allowed.end());
  findings_.push_back(found->finding("unknown_value", "\"" + *word + "\" is none of " +
                                                          join(words, ", ") +
                                                          did_you_mean(*word, words)));
  return std::nullopt;
}

std::string YamlObject::required_text(std::string_view key) {
  const Yaml* found = required_child(key);
  return found == nullptr ? "" : found->as_text(findings_).value_or("");
}

void YamlObject::report(std::string_view key, std::string_view rule, std::string message) {
  const Yaml* found = node_.find(key);
  Finding finding = (found == nullptr ? node_ : *found).finding(rule, std::move(message));
  if (found == nullptr) finding.path = member_path(node_.path(), std::string(key));
  findings_.push_back(std::move(finding));
}

void YamlObject::finish() {
  for (const auto& [name, value] : node_.entries()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string known = known_.empty() ? "" : "; known here: " + join(known_, ", ");
    const std::string guess = did_you_mean(name, known_);
    findings_.push_back(value.finding("unknown_key", "unknown key \"" + name + "\"" +
                                                         (guess.empty() ? known : guess)));
  }
}

}  // namespace martlet
