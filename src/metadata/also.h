// metadata/also.h: what else is to happen in the transaction of a change, told to the function that
// makes it: with what it made, before the commit.
//
//   tracker.start_run(request, [&](Transaction& tx, const Run& run) { return keep(tx, run); });
//
// It runs as the last part of a write() function, so all that holds for those holds for it: not
// blocking, able to run again from the beginning, perhaps on another thread. An error of it undoes
// the change. An empty one does nothing.
#pragma once
#include "base/result.h"

#include <functional>

namespace martlet::metadata {

class Transaction;

template <class Made>
using Also = std::function<Result<void>(Transaction& tx, const Made& made)>;

// `made`, once `also` has had it.
template <class Made>
Result<Made> with(Transaction& tx, Result<Made> made, const Also<Made>& also) {
  if (made.has_value() && also) {
    if (auto done = also(tx, *made); !done.has_value())
      return tl::unexpected<Error>(std::move(done).error());
  }
  return made;
}

}  // namespace martlet::metadata
