// artifacts/internal/s3_xml.h: the XML that S3 servers answer with, as a tree of elements.
//
// Elements and text only: attributes, comments and the declaration are passed over; a DOCTYPE is
// refused, so there are no entities but the five predefined ones and numbers. Depth and number of
// elements are bounded. Pure; thread-safe.
#pragma once
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet::artifacts {

struct XmlElement {
  std::string name;  // without a namespace's prefix
  std::string text;  // of this element itself
  std::vector<XmlElement> children;

  const XmlElement* child(std::string_view child_name) const;  // the first one; null when absent
  std::string_view child_text(std::string_view child_name) const;  // "" when absent
};

// The root. Corrupt for what isn't well formed.
Result<XmlElement> parse_xml(std::string_view bytes);

}  // namespace martlet::artifacts
