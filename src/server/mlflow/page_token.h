// server/mlflow/page_token.h: where the next page of a search begins, as a text that can't be
// forged and is good for the same search only.
//
// A token is a place and a signature (HMAC-SHA256, RFC 2104) over them and a digest of the
// search that they belong to, in base64url. The key is the store's (metadata/shared_key.h), so
// tokens outlive a restart and are good at every server of one store. Immutable; thread-safe.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::server::mlflow {

struct PagePlace {
  std::int64_t part = 0;
  std::int64_t offset = 0;
  std::optional<std::int64_t> at{};  // as tracking::RunCursor's
  bool operator==(const PagePlace&) const = default;
};

class PageTokens {
 public:
  explicit PageTokens(std::string key) : key_(std::move(key)) {}
  // `search` is whatever tells one search from another, page size and place aside.
  std::string token_of(const PagePlace& place, std::string_view search) const;
  // "" is the first page. InvalidArgument for a token that was not made here, or for another
  // search.
  Result<PagePlace> place_of(std::string_view token, std::string_view search) const;

 private:
  std::string key_;
};

}  // namespace martlet::server::mlflow
