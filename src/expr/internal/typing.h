// expr/internal/typing.h: typed nodes: how they are made, folded, and brought to one type. The two
// binders stand on it.
#pragma once
#include "base/finding.h"
#include "expr/internal/tree.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

// Whether the node is a text written in the expression (or made of such).
bool is_literal_text(const Node& node);
// Whether such a text may stand for the kind wherever it is needed.
bool takes_literal(Kind kind);
// "an integer", "a date".
std::string article(Kind kind);
// "integer, text".
std::string kinds_text(const std::vector<Node*>& children);

// Texts written in the expression: take the kind of the values they stand with, or only that of
// dates and times.
enum class Literals : std::uint8_t { TakeAnyKind, TakeTimes };

// Makes the nodes of one expression and collects its findings. What returns a node returns nullptr
// after reporting why there is none.
class Typing {
 public:
  Typing(std::string_view text, const Scope& scope, Nodes& nodes, std::vector<Finding>& findings)
      : text_(text), scope_(scope), nodes_(nodes), findings_(findings) {}

  const Scope& scope() const { return scope_; }
  std::nullptr_t report(std::size_t offset, std::string_view rule, std::string message);

  Node* make(NodeForm form, Kind kind, std::size_t offset, std::string_view name,
             std::vector<Node*> children);
  Node* constant(std::size_t offset, Value value);
  Node* call(Kind kind, std::size_t offset, std::string_view name, Kernel kernel,
             std::vector<Node*> children, const char* failure = nullptr,
             std::int64_t immediate = 0);
  // A node over constants becomes one, unless it fails: then it does so when it is reached, if
  // ever.
  Node* fold(Node* node);
  // `node` as `kind`. Null takes any kind; a literal text must read as the kind; otherwise there
  // must be a cast.
  Node* convert(Node* node, Kind kind);
  void convert_all(std::vector<Node*>& nodes, Kind kind);
  // Converts all to the kind in which they can be compared or stand for one another; false, with a
  // finding, when there is none or one of them is nullptr.
  bool unify(std::vector<Node*>& nodes, Literals literals, std::size_t offset,
             std::string_view what, Kind& kind);
  // The node if it is a boolean; `what` it is, for the finding.
  Node* truth_of(Node* node, std::string_view what);

 private:
  std::string_view text_;
  const Scope& scope_;
  Nodes& nodes_;
  std::vector<Finding>& findings_;
};

}  // namespace martlet::expr
