// Any bytes as a version's source: refused, or a place that no reading leads out of.
#include "registry/version_source.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace martlet;
  using namespace martlet::registry;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  SourceClaim claim;
  claim.source = std::string(text);
  claim.run_id = "r1";
  claim.run_location = "mlflow-artifacts:/0/r1/artifacts";
  const auto checked = check_source(claim);
  if (!checked.has_value()) {
    MARTLET_CHECK(checked.error().code() == ErrorCode::InvalidArgument, "the caller's fault");
    return 0;
  }
  MARTLET_CHECK(checked->kind != SourceKind::Local, "without a resolver there is no local path");
  MARTLET_CHECK(("/" + claim.source + "/").find("/../") == std::string::npos, "nothing goes up");
  if (checked->kind == SourceKind::Artifacts)
    MARTLET_CHECK(checked->location.find("r1") != std::string::npos, "it is the run's");
  return 0;
}
