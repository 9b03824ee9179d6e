// models/testdata.h: the files under testdata/, for the tests of this module.
#pragma once
#include <string>

namespace martlet::models::testdata {

// The content of testdata/<name>; "" when there is no such file.
std::string read_text(const std::string& name);

}  // namespace martlet::models::testdata
