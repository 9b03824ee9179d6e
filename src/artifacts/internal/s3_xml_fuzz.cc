// Whatever a server sends is read or refused; never more elements than bytes.
#include "artifacts/internal/s3_xml.h"

#include <cstdint>
#include <cstdlib>

namespace {

std::size_t count(const martlet::artifacts::XmlElement& element) {
  std::size_t all = 1;
  for (const auto& child : element.children) all += count(child);
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto root = martlet::artifacts::parse_xml({reinterpret_cast<const char*>(bytes), size});
  if (root.has_value() && count(*root) > size) std::abort();
  return 0;
}
