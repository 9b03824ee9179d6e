#include "deployment/admission.h"

#include <string>

namespace martlet::deployment {

Result<Admission::Ticket> Admission::enter() {
  if (in_flight_.fetch_add(1, std::memory_order_relaxed) >= limit_) {
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    refused_.fetch_add(1, std::memory_order_relaxed);
    return unavailable("answering the request: " + std::to_string(limit_) +
                       " requests are being worked on, which is the limit; send it again shortly");
  }
  return Ticket(*this);
}

}  // namespace martlet::deployment
