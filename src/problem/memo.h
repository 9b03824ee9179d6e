// problem/memo.h: the contract as a page for the people who decide (`martlet problem memo`).
#pragma once
#include "problem/contract.h"
#include "problem/verdict.h"

#include <optional>
#include <string>

namespace martlet::problem {

// Markdown: what is asked and decided, how success is measured, what was compared, and, once there
// is one, the verdict.
std::string memo(const Contract& contract, const std::optional<Verdict>& verdict = std::nullopt);

}  // namespace martlet::problem
