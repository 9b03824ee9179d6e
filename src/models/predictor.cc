#include "models/predictor.h"

#include "models/linear_model.h"
#include "models/tree_ensemble.h"

#include <cmath>

namespace martlet::models {
namespace {

struct LinkName {
  LinkKind kind;
  std::string_view name;
};
constexpr LinkName kLinkNames[] = {{LinkKind::Identity, "identity"},
                                   {LinkKind::Sigmoid, "sigmoid"},
                                   {LinkKind::Exponential, "exponential"},
                                   {LinkKind::SignedSquare, "signed_square"},
                                   {LinkKind::Softplus, "softplus"}};

}  // namespace

double Link::apply(double raw) const {
  switch (kind) {
    case LinkKind::Identity: return raw;
    case LinkKind::Sigmoid: return 1.0 / (1.0 + std::exp(-scale * raw));
    case LinkKind::Exponential: return std::exp(raw);
    case LinkKind::SignedSquare: return static_cast<double>((raw > 0) - (raw < 0)) * raw * raw;
    case LinkKind::Softplus: return std::log1p(std::exp(raw));
  }
  return raw;
}

Json to_json(const Link& link) {
  Json json = Json::object();
  for (const LinkName& known : kLinkNames) {
    if (known.kind == link.kind) json["kind"] = known.name;
  }
  if (link.kind == LinkKind::Sigmoid) json["scale"] = link.scale;
  return json;
}

Result<Link> link_from_json(const Json& json) {
  MARTLET_TRY_SET(const std::string name, text_member(json, "kind", "link"));
  Link link;
  bool found = false;
  for (const LinkName& known : kLinkNames) {
    if (known.name != name) continue;
    link.kind = known.kind;
    found = true;
  }
  if (!found) return corrupt("link: \"" + name + "\" is no link function");
  if (link.kind == LinkKind::Sigmoid) {
    MARTLET_TRY_SET(link.scale, number_member(json, "scale", "link"));
    if (!(link.scale > 0) || !std::isfinite(link.scale))
      return corrupt("link: the scale must be positive and finite");
  }
  return link;
}

void Predictor::scores(std::span<const double> rows, std::size_t width,
                       std::span<double> out) const {
  raw_scores(rows, width, out);
  const Link function = link();
  if (function.kind == LinkKind::Identity) return;
  for (double& value : out) value = function.apply(value);
}

Result<std::shared_ptr<const Predictor>> load_predictor(std::string_view flavour,
                                                        std::string_view bytes) {
  if (flavour == "lightgbm") {
    MARTLET_TRY_SET(std::shared_ptr<const Predictor> predictor,
                    TreeEnsemble::parse_lightgbm(bytes));
    return predictor;
  }
  if (flavour == "logistic" || flavour == "ridge") {
    MARTLET_TRY_SET(std::shared_ptr<const LinearModel> model, LinearModel::parse(bytes));
    if (model->flavour() != flavour) {
      return corrupt(fmt::format("the manifest says {}, but the model file holds a {} model",
                                 flavour, model->flavour()));
    }
    return std::shared_ptr<const Predictor>(std::move(model));
  }
  return invalid_argument(fmt::format(
      "no inference engine for models of flavour \"{}\"; known are lightgbm, logistic and ridge",
      flavour));
}

}  // namespace martlet::models
