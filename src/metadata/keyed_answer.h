// metadata/keyed_answer.h: the first answer to a request that carries a key, kept in the
// transaction of the change that it answers for: the same request, sent again, then gets the same
// answer and changes nothing, whatever was killed in between.
//
// Free functions; thread-safe. Caller: server's idempotency. Never here: HTTP, what is in an
// answer.
#pragma once
#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"
#include "metadata/record.h"

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::metadata {

class Database;
class ReadTransaction;
class Transaction;

struct KeyedAnswer {
  std::string key;
  Digest request;  // of all that makes two requests the same
  std::int64_t status = 0;
  std::string content_type;
  Blob body;
  Timestamp kept;
  static constexpr RecordInfo kRecord{"keyed_answers", "key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("key", self.key);
    field("request", self.request);
    field("status", self.status);
    field("content_type", self.content_type);
    field("body", self.body);
    field("kept", self.kept);
  }
};

struct KeyedAnswerLimits {
  Duration age = std::chrono::hours(24);
  std::int64_t count = 1'000'000;  // of all; the oldest go first
};

// The answer of that key, unless it is older than allowed.
Result<std::optional<KeyedAnswer>> kept_answer(const ReadTransaction& tx, const std::string& key,
                                               Timestamp now, const KeyedAnswerLimits& limits);
// Whether it is kept now: not when there is one of this key already, which stays.
Result<bool> keep_answer(Transaction& tx, const KeyedAnswer& answer,
                         const KeyedAnswerLimits& limits);
// Removes those that are too old and those beyond the count, a part in each transaction, so that
// other writers don't wait for long; how many. A call removes at most 100,000.
Result<std::int64_t> forget_answers(Database& database, Timestamp now,
                                    const KeyedAnswerLimits& limits);

}  // namespace martlet::metadata
