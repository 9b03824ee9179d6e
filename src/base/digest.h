// base/digest.h: content addresses. SHA-256 throughout (DESIGN §4): the digest that OCI, Sigstore
// and MLflow use.
//
// Values and one incremental hasher; the hasher is for one thread at a time. Hardware instructions
// are used by libcrypto.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace martlet {

class Digest {
 public:
  static constexpr std::size_t kBytes = 32;
  Digest() = default;  // all zeros: "no digest"
  explicit Digest(const std::array<std::uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  // "sha256:" + 64 lower-case hex digits, or the 64 digits alone. InvalidArgument otherwise.
  static Result<Digest> parse(std::string_view text);

  std::string hex() const;         // 64 digits
  std::string text() const;        // "sha256:" + hex
  std::string short_text() const;  // first 12 hex digits, for people
  const std::array<std::uint8_t, kBytes>& bytes() const { return bytes_; }
  bool is_zero() const;
  auto operator<=>(const Digest&) const = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  void update(std::span<const std::byte> bytes);
  Digest finish();  // resets

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(std::string_view bytes);
// Of the canonical form (RFC 8785). A name of its own kind: any text would convert to Json
// silently.
template <std::same_as<Json> J>
Digest digest_of(const J& value) {
  return digest_of(std::string_view(canonical_json(value)));
}

// CRC-32C would serve framing as well, but one checksum is enough: the first 8 bytes of the
// SHA-256, little endian.
std::uint64_t checksum64(std::string_view bytes);

}  // namespace martlet

template <>
struct std::hash<martlet::Digest> {
  std::size_t operator()(const martlet::Digest& digest) const noexcept {
    std::size_t value = 0;
    for (std::size_t i = 0; i < sizeof(value); ++i) value = (value << 8) | digest.bytes()[i];
    return value;
  }
};
