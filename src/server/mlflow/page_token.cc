#include "server/mlflow/page_token.h"

#include "base/digest.h"

#include <array>
#include <cstring>
#include <optional>

namespace martlet::server::mlflow {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kPlaceBytes = 25;      // part, offset, whether there is an `at`, and it
constexpr std::size_t kSignatureBytes = 16;  // half a SHA-256, as RFC 2104 §5 allows

std::string base64url(std::string_view bytes) {
  std::string text;
  std::uint32_t window = 0;
  int bits = 0;
  for (const char c : bytes) {
    window = (window << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += kAlphabet[(window >> bits) & 63];
    }
  }
  if (bits > 0) text += kAlphabet[(window << (6 - bits)) & 63];
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  std::uint32_t window = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    window = (window << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>((window >> bits) & 0xff);
  }
  return bytes;
}

std::string bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes().data()), Digest::kBytes};
}

// RFC 2104, with SHA-256 and its block of 64 bytes.
std::string hmac(std::string_view key, std::string_view message) {
  constexpr std::size_t kBlock = 64;
  std::string block(key.size() > kBlock ? bytes_of(digest_of(key)) : std::string(key));
  block.resize(kBlock, '\0');
  std::string inner = block;
  std::string outer = block;
  for (std::size_t i = 0; i < kBlock; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }
  return bytes_of(digest_of(outer + bytes_of(digest_of(inner + std::string(message)))));
}

std::string sign(std::string_view key, std::string_view place, std::string_view search) {
  return hmac(key, std::string(place) + std::string(search)).substr(0, kSignatureBytes);
}

// Takes the same time wherever the two differ.
bool same(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace

std::string PageTokens::token_of(const PagePlace& place, std::string_view search) const {
  std::string bytes(kPlaceBytes, '\0');
  std::memcpy(bytes.data(), &place.part, 8);
  std::memcpy(bytes.data() + 8, &place.offset, 8);
  bytes[16] = place.at.has_value() ? 1 : 0;
  const std::int64_t at = place.at.value_or(0);
  std::memcpy(bytes.data() + 17, &at, 8);
  return base64url(bytes + sign(key_, bytes, search));
}

Result<PagePlace> PageTokens::place_of(std::string_view token, std::string_view search) const {
  PagePlace place;
  if (token.empty()) return place;
  const std::optional<std::string> bytes = from_base64url(token.substr(0, 64));
  if (!bytes.has_value() || token.size() > 64 || bytes->size() != kPlaceBytes + kSignatureBytes ||
      !same(bytes->substr(kPlaceBytes), sign(key_, bytes->substr(0, kPlaceBytes), search))) {
    return invalid_argument(
        "Invalid page token: it was not given out for this search; pass next_page_token on as it "
        "came, with the same filter, order and experiments, or begin without one");
  }
  std::memcpy(&place.part, bytes->data(), 8);
  std::memcpy(&place.offset, bytes->data() + 8, 8);
  if ((*bytes)[16] != 0) std::memcpy(&place.at.emplace(), bytes->data() + 17, 8);
  return place;
}

}  // namespace martlet::server::mlflow
