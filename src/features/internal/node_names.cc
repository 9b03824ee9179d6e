// What a node's matrix columns are called, and where they come from, for people.
#include "features/internal/calendar.h"
#include "features/internal/node.h"

namespace martlet::features {
namespace {

struct Named {
  MatrixColumn column;
  std::string origin;
};

std::string tail_text(const Tail& tail) {
  std::string text;
  if (tail.clipped)
    text += ", clipped to [" + shortest(tail.low) + ", " + shortest(tail.high) + "]";
  if (tail.fill == tail.fill) text += ", " + shortest(tail.fill) + " when missing";
  if (tail.scaled) text += ", standardised";
  return text;
}

void add_amount(std::vector<Named>& list, std::string name, const std::string& origin,
                const Tail& tail) {
  list.push_back({{name, false, 0}, origin + tail_text(tail)});
  if (tail.indicator)
    list.push_back({{name + ".missing", false, 0}, "1 when " + name + " is missing"});
}

void add_categories(std::vector<Named>& list, const Node& node) {
  for (std::size_t i = 0; i < node.categories.size(); ++i) {
    const std::string category = node.categories.name(i);
    list.push_back(
        {{node.column + "=" + category, false, 0}, "1 when " + node.column + " is " + category});
  }
  if (node.has_other)
    list.push_back(
        {{node.column + "=(other)", false, 0}, "1 when " + node.column + " is any other category"});
  if (node.has_missing)
    list.push_back(
        {{node.column + "=(missing)", false, 0}, "1 when " + node.column + " is missing"});
}

void add_parts(std::vector<Named>& list, const Node& node) {
  std::size_t tail = 0;
  for (const Part part : node.parts) {
    const std::string name = node.column + "." + std::string(name_of(part));
    const std::string origin = std::string(name_of(part)) + " of " + node.column + ", local time";
    if (node.cyclic && period_of(part) > 0) {
      list.push_back({{name + ".sin", false, 0}, origin + ", sine on its circle"});
      list.push_back({{name + ".cos", false, 0}, origin + ", cosine on its circle"});
    } else {
      add_amount(list, name, origin, node.tails[tail++]);
    }
  }
}

std::vector<Named> named(const Node& node) {
  std::vector<Named> list;
  const auto count = static_cast<int>(node.categories.size());
  switch (node.kind) {
    case NodeKind::Number: add_amount(list, node.column, node.column, node.tails[0]); break;
    case NodeKind::Ordinal: {
      const std::string origin =
          "code of " + node.column + " among " + std::to_string(count) + " categories";
      if (node.as_codes) {
        list.push_back({{node.column, true, count}, origin});
      } else {
        add_amount(list, node.column, origin, node.tails[0]);
      }
      break;
    }
    case NodeKind::OneHot: add_categories(list, node); break;
    case NodeKind::Target:
      for (int i = 0; i < node.outputs; ++i) {
        const std::string suffix = node.outputs == 1 ? "" : "=" + std::to_string(i);
        add_amount(list, node.column + ".target" + suffix,
                   "mean target" + suffix + " of " + node.column + "'s " + std::to_string(count) +
                       " categories",
                   node.tails[static_cast<std::size_t>(i)]);
      }
      break;
    case NodeKind::Hash:
      if (node.as_codes) {
        list.push_back({{node.column + ".bucket", true, node.buckets},
                        node.column + " hashed into " + std::to_string(node.buckets) + " buckets"});
        break;
      }
      for (int i = 0; i < node.buckets; ++i)
        list.push_back({{node.column + ".bucket=" + std::to_string(i), false, 0},
                        "1 when " + node.column + " hashes into bucket " + std::to_string(i)});
      break;
    case NodeKind::Parts: add_parts(list, node); break;
  }
  return list;
}

}  // namespace

std::vector<MatrixColumn> Node::matrix_columns() const {
  std::vector<MatrixColumn> columns;
  for (Named& item : named(*this)) columns.push_back(std::move(item.column));
  return columns;
}

std::vector<std::string> Node::origins() const {
  std::vector<std::string> origins;
  for (Named& item : named(*this)) origins.push_back(std::move(item.origin));
  return origins;
}

}  // namespace martlet::features
