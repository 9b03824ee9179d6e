// report/markdown.h: a document as Markdown (GitHub's tables); plots become their tables. Pure.
#pragma once
#include "report/document.h"

#include <string>

namespace martlet::report {

std::string to_markdown(const Document& document);

}  // namespace martlet::report
