// report/html.h: a document as one HTML file that needs nothing else.
//
// No request leaves the page: style, scripts and figures are in it, and its content security policy
// allows nothing more (scripts by their digest; no eval). It can be read without script, printed,
// and looks as the reader's system does, light or dark. The same document gives the same bytes.
// Pure functions.
#pragma once
#include "report/document.h"

#include <string>

namespace martlet::report {

std::string to_html(const Document& document);

}  // namespace martlet::report
