// base/yaml.h: YAML with positions, and strict reading of it.
//
// A Yaml is an immutable node that knows its file, line, column and path. YamlObject reads a
// mapping strictly: what it is not asked for is an unknown key, reported with the nearest known
// name; every problem becomes a Finding and reading goes on, so that all problems of a file are
// reported at once. Each module reads its own part of martlet.yaml with these two.
//
//   YamlObject read(node, findings);
//   auto name = read.required_text("name");
//   auto rate = read.share("rate");                 // optional
//   read.finish();                                  // unknown keys
#pragma once
#include "base/finding.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet {

struct YamlLimits {
  std::size_t size_bytes = 1u << 20;
  int depth = 64;
};

class Yaml {
 public:
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map };

  // Parses one document. Errors carry findings with positions: syntax, duplicate keys, tags,
  // anchors and aliases (refused), limits.
  static Result<Yaml> parse(std::string_view text, std::string file_name,
                            const YamlLimits& limits = {});
  Yaml();  // a null node without a position

  Kind kind() const;
  bool is_null() const { return kind() == Kind::Null; }
  bool is_scalar() const { return kind() == Kind::Scalar; }
  bool is_sequence() const { return kind() == Kind::Sequence; }
  bool is_map() const { return kind() == Kind::Map; }
  const std::string& scalar() const;  // "" unless a scalar
  bool quoted() const;  // the scalar was written in quotes, so it is text whatever it looks like
  const std::vector<Yaml>& items() const;  // empty unless a sequence
  const std::vector<std::pair<std::string, Yaml>>&
  entries() const;                               // in the file's order; empty unless a map
  const Yaml* find(std::string_view key) const;  // of a map; nullptr when absent

  const std::string& file() const;
  const std::string& path() const;  // "problem.kpis[1].goal"
  int line() const;                 // 1-based
  int column() const;               // 1-based

  // A finding at this node.
  Finding finding(std::string_view rule, std::string message) const;
  // Plain JSON: unquoted true/false/null and numbers become such, all else text.
  Json to_json() const;

  // Typed readings of this node; nullopt and a finding when it isn't one.
  std::optional<std::string> as_text(std::vector<Finding>& findings) const;
  std::optional<double> as_number(std::vector<Finding>& findings) const;
  std::optional<std::int64_t> as_integer(std::vector<Finding>& findings) const;
  std::optional<bool> as_boolean(std::vector<Finding>& findings) const;
  std::optional<Duration> as_duration(std::vector<Finding>& findings) const;
  std::optional<double> as_share(std::vector<Finding>& findings) const;
  std::optional<std::int64_t> as_size_bytes(std::vector<Finding>& findings) const;
  // One text or a list of texts.
  std::optional<std::vector<std::string>> as_texts(std::vector<Finding>& findings) const;

 private:
  struct Node;
  explicit Yaml(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  friend class YamlBuilder;
  std::shared_ptr<const Node> node_;
};

class YamlObject {
 public:
  // A finding unless `node` is a map (null counts as an empty one). Both must outlive the reader.
  YamlObject(const Yaml& node, std::vector<Finding>& findings);

  const Yaml& node() const { return node_; }
  bool has(std::string_view key);  // marks the key as known
  // The raw member; nullptr when absent or null.
  const Yaml* child(std::string_view key);
  const Yaml* required_child(std::string_view key);

  std::optional<std::string> text(std::string_view key);
  std::optional<double> number(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<Duration> duration(std::string_view key);
  std::optional<double> share(std::string_view key);
  std::optional<std::int64_t> size_bytes(std::string_view key);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  // One of the given words; a finding with the nearest one otherwise.
  std::optional<std::string> one_of(std::string_view key,
                                    std::initializer_list<std::string_view> allowed);

  // As above, with a finding and an empty value when it's absent.
  std::string required_text(std::string_view key);

  void report(std::string_view key, std::string_view rule,
              std::string message);  // a finding at the member, or at the map if absent
  // Every key that nobody asked for becomes a finding, with the nearest known name.
  void finish();

 private:
  const Yaml* look(std::string_view key);
  const Yaml& node_;
  std::vector<Finding>& findings_;
  std::vector<std::string> known_;
};

}  // namespace martlet
