// cli/interrupt.h: Ctrl-C and SIGTERM turned into a cancelled token; and times as people give them
// on the command line.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "base/time.h"
#include "base/zone.h"

#include <memory>

namespace martlet::cli {

// While it lives, the first SIGINT or SIGTERM cancels the token; a second one ends the process at
// once. One at a time.
class Interrupt {
 public:
  explicit Interrupt(CancelToken token);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  bool happened() const;
};

// An ISO 8601 time; a bare one, or a date, is read in `zone`.
Result<Timestamp> parse_instant(const std::string& text, const Zone& zone);

}  // namespace martlet::cli
