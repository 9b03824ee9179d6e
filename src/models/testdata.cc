#include "models/testdata.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace martlet::models::testdata {

std::string read_text(const std::string& name) {
  std::ifstream in(fmt::format("{}/src/models/testdata/{}", MARTLET_SOURCE_DIR, name),
                   std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace martlet::models::testdata
