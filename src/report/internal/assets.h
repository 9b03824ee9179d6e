// report/internal/assets.h: what every page carries. The definitions are generated
// (cmake/embed_text.cmake) from assets/ and from the pinned files of deps/pins.txt.
#pragma once
#include <string_view>

namespace martlet::report::internal {

extern const std::string_view kStyle;
extern const std::string_view kPageScript;
extern const std::string_view kVega;
extern const std::string_view kVegaLite;
extern const std::string_view kVegaEmbed;
extern const std::string_view kVegaLicence;
extern const std::string_view kVegaLiteLicence;
extern const std::string_view kVegaEmbedLicence;

}  // namespace martlet::report::internal
