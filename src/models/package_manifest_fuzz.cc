// Any bytes as a package's manifest: Corrupt, or a manifest whose paths stay inside the package and
// that reads back from its own bytes.
#include "models/package_manifest.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using martlet::models::Manifest;
  const auto manifest = Manifest::parse({reinterpret_cast<const char*>(bytes), size});
  if (!manifest.has_value()) {
    MARTLET_CHECK(manifest.error().code() == martlet::ErrorCode::Corrupt, "a refusal is Corrupt");
    return 0;
  }
  for (const auto& file : manifest->files) {
    MARTLET_CHECK(!file.first.empty() && file.first.front() != '/', "paths are relative");
    MARTLET_CHECK(("/" + file.first + "/").find("/../") == std::string::npos,
                  "paths do not lead outside");
    MARTLET_CHECK(file.first.find('\\') == std::string::npos, "no backslashes");
  }
  const std::string text = manifest->to_bytes();
  const auto again = Manifest::parse(text);
  MARTLET_CHECK(again.has_value() && again->to_bytes() == text, "a manifest reads back");
  return 0;
}
