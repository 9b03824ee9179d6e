// Any bytes as the names of the registry: refused, or valid and the same when read again.
#include "base/text.h"
#include "registry/names.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace martlet;
  using namespace martlet::registry;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto name = ModelName::parse(text); name.has_value()) {
    MARTLET_CHECK(!name->text().empty() && is_valid_utf8(name->text()), "a name is UTF-8");
    MARTLET_CHECK(name->text().find_first_of("/:@") == std::string::npos, "no separators");
    MARTLET_CHECK(ModelName::parse(name->text()) == *name, "a name reads back");
  }
  if (const auto alias = Alias::parse(text); alias.has_value())
    MARTLET_CHECK(Alias::parse(alias->text()) == *alias, "an alias reads back");
  if (const auto environment = parse_environment(text); environment.has_value())
    MARTLET_CHECK(parse_environment(name_of(*environment)) == *environment, "reads back");
  const auto reference = parse_model_reference(text);
  if (!reference.has_value()) {
    MARTLET_CHECK(reference.error().code() == ErrorCode::InvalidArgument, "the caller's fault");
    return 0;
  }
  MARTLET_CHECK(!reference->model.text().empty(), "a reference names a model");
  MARTLET_CHECK((reference->kind == ModelReference::Kind::ByVersion) ==
                    (reference->version.number != 0),
                "a version is one when the reference says so");
  MARTLET_CHECK((reference->kind == ModelReference::Kind::ByAlias) ==
                    !reference->alias.text().empty(),
                "and an alias");
  return 0;
}
