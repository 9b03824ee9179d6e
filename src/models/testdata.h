// models/testdata.h: the files under testdata/, for the tests of this module.
#pragma once
#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>

namespace martlet::models::testdata {

inline std::string path_of(const std::string& name) {
  return fmt::format("{}/src/models/testdata/{}", MARTLET_SOURCE_DIR, name);
}

inline std::string read_text(const std::string& name) {
  std::ifstream in(path_of(name), std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace martlet::models::testdata
