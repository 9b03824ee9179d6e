// deployment/admission.h: how many requests a deployment works on at once. What comes beyond is
// refused at once, before it costs anything, instead of waiting until nobody wants its answer.
//
// Thread-safe, without locks; outlives its tickets. One per deployment, made by lifecycle.
#pragma once
#include "base/result.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace martlet::deployment {

class Admission {
 public:
  // The right to be worked on, until it's destroyed. Movable to other threads.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() {
      if (from_ != nullptr) from_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class Admission;
    explicit Ticket(Admission& from) : from_(&from) {}
    Admission* from_;
  };

  static constexpr std::size_t kDefaultLimit = 256;
  explicit Admission(std::size_t limit = kDefaultLimit) : limit_(limit) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Unavailable when `limit` requests are in flight.
  Result<Ticket> enter();

  std::size_t limit() const { return limit_; }
  std::size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  std::size_t limit_;
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace martlet::deployment
