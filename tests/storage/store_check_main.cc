// martlet_store_check STORE LEDGER: checks a stopped store against the ledger of what was acknowledged.
// Exit status: 0 sound; 1 violations, one a line; 2 wrong use.
#include "platform/real_file_system.h"
#include "storage/ledger.h"
#include "storage/store_check.h"

#include <fmt/format.h>

int main(int count, char** arguments) {
  using namespace martlet;
  if (count != 3) {
    fmt::print(stderr, "usage: martlet_store_check STORE LEDGER\n");
    return 2;
  }
  const auto ledger = storage::read_ledger(arguments[2]);
  if (!ledger.has_value()) {
    fmt::print(stderr, "martlet_store_check: {}\n", ledger.error().message());
    return 2;
  }
  platform::RealFileSystem files;
  const storage::CheckReport report = storage::check_directory(files, arguments[1], *ledger, 1);
  fmt::print("{}{} operations, {} acknowledged; {} blobs compared, {} without a record, {} temporary files removed; {} violations\n",
             storage::to_text(report.violations), report.operations, report.acknowledged, report.blobs, report.garbage,
             report.leftovers, report.violations.size());
  return report.violations.empty() ? 0 : 1;
}
