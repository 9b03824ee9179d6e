#include "monitoring/references.h"

#include "metadata/database.h"
#include "monitoring/records.h"

namespace martlet::monitoring {

namespace {

constexpr std::int64_t kPage = 10'000;  // truths read at a time

Finding finding_of(std::string path, std::string_view rule, std::string message) {
  Finding finding;
  finding.path = std::move(path);
  finding.rule = rule;
  finding.message = std::move(message);
  return finding;
}

Result<void> check_truths(const metadata::ReadTransaction& tx, std::vector<Finding>& findings) {
  for (std::int64_t at = 0;; at += kPage) {
    MARTLET_TRY_SET(
        const auto page,
        tx.select<TruthRecord>(
            metadata::Query().order_by("deployment").order_by("key").limit(kPage).offset(at)));
    for (const TruthRecord& truth : page) {
      if (!truth.key.empty() && truth.revision >= 1) continue;
      findings.push_back(finding_of("truth " + truth.key + " of " + truth.deployment,
                                    "damaged_record", "it has no key, or no revision"));
    }
    if (static_cast<std::int64_t>(page.size()) < kPage) return {};
  }
}

}  // namespace

Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx) {
  std::vector<Finding> findings;
  MARTLET_TRY(check_truths(tx, findings));
  MARTLET_TRY_SET(const auto windows, tx.select<WindowRecord>());
  for (const WindowRecord& window : windows) {
    if (window.begin < window.end && window.report.is_object()) continue;
    findings.push_back(finding_of("window " + to_text(window.begin) + " of " + window.deployment,
                                  "damaged_record", "it has no length, or no report"));
  }
  // Reading them is the check: a value that can't be its field's is an error.
  MARTLET_TRY(tx.select<AlertRecord>());
  MARTLET_TRY(tx.select<RetrainRecord>());
  MARTLET_TRY(tx.select<MonitorRecord>());
  MARTLET_TRY(tx.select<WebhookRecord>());
  return findings;
}

}  // namespace martlet::monitoring
