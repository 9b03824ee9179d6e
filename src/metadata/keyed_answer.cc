#include "metadata/keyed_answer.h"

#include "metadata/database.h"

#include <algorithm>
#include <vector>

namespace martlet::metadata {

namespace {

constexpr std::size_t kForgottenAtOnce = 200;
constexpr std::int64_t kForgottenPerCall = 100'000;

bool is_old(const KeyedAnswer& answer, Timestamp now, const KeyedAnswerLimits& limits) {
  return answer.kept.micros + limits.age.count() <= now.micros;
}

}  // namespace

Result<std::optional<KeyedAnswer>> kept_answer(const ReadTransaction& tx, const std::string& key,
                                               Timestamp now, const KeyedAnswerLimits& limits) {
  auto found = tx.get<KeyedAnswer>(key);
  if (found.has_value() && found->has_value() && is_old(**found, now, limits))
    return std::optional<KeyedAnswer>();
  return found;
}

Result<bool> keep_answer(Transaction& tx, const KeyedAnswer& answer,
                         const KeyedAnswerLimits& limits) {
  MARTLET_TRY_SET(const auto before, kept_answer(tx, answer.key, answer.kept, limits));
  if (before.has_value()) return false;
  MARTLET_TRY(tx.put(answer));
  return true;
}

Result<std::int64_t> forget_answers(Database& database, Timestamp now,
                                    const KeyedAnswerLimits& limits) {
  std::int64_t forgotten = 0;
  while (forgotten < kForgottenPerCall) {
    MARTLET_TRY_SET(
        const std::int64_t removed, database.write([&](Transaction& tx) -> Result<std::int64_t> {
          const Timestamp oldest_kept{now.micros - limits.age.count()};
          MARTLET_TRY_SET(const std::int64_t there, tx.count<KeyedAnswer>());
          const std::int64_t over = std::max<std::int64_t>(0, there - limits.count);
          MARTLET_TRY_SET(const std::vector<KeyedAnswer> first,
                          tx.select<KeyedAnswer>(Query().order_by("kept").limit(kForgottenAtOnce)));
          std::int64_t count = 0;
          for (const KeyedAnswer& answer : first) {
            if (count >= over && answer.kept > oldest_kept) break;
            MARTLET_TRY(tx.remove<KeyedAnswer>(answer.key));
            ++count;
          }
          return count;
        }));
    forgotten += removed;
    if (removed < static_cast<std::int64_t>(kForgottenAtOnce)) break;
  }
  return forgotten;
}

}  // namespace martlet::metadata
