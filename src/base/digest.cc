#include "base/digest.h"

#include <openssl/evp.h>

namespace martlet {

namespace {
constexpr char kHex[] = "0123456789abcdef";
int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}
}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with("sha256:")) digits.remove_prefix(7);
  std::array<std::uint8_t, kBytes> bytes{};
  bool good = digits.size() == 2 * kBytes;
  for (std::size_t i = 0; good && i < kBytes; ++i) {
    const int high = nibble(digits[2 * i]);
    const int low = nibble(digits[2 * i + 1]);
    good = high >= 0 && low >= 0;
    if (good) bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!good) {
    return invalid_argument("reading a digest: \"" + std::string(text.substr(0, 80)) +
                            "\" is not \"sha256:\" and 64 lower-case hexadecimal digits");
  }
  return Digest(bytes);
}

std::string Digest::hex() const {
  std::string text(2 * kBytes, '0');
  for (std::size_t i = 0; i < kBytes; ++i) {
    text[2 * i] = kHex[bytes_[i] >> 4];
    text[2 * i + 1] = kHex[bytes_[i] & 15];
  }
  return text;
}

std::string Digest::text() const { return "sha256:" + hex(); }
std::string Digest::short_text() const { return hex().substr(0, 12); }
bool Digest::is_zero() const { return *this == Digest(); }

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  MARTLET_CHECK(state_->context != nullptr &&
                    EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1,
                "libcrypto has no SHA-256");
}
Sha256::~Sha256() { EVP_MD_CTX_free(state_->context); }

void Sha256::update(std::string_view bytes) {
  MARTLET_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
                "SHA-256 failed");
}
void Sha256::update(std::span<const std::byte> bytes) {
  MARTLET_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
                "SHA-256 failed");
}

Digest Sha256::finish() {
  std::array<std::uint8_t, Digest::kBytes> bytes{};
  unsigned int length = 0;
  MARTLET_CHECK(EVP_DigestFinal_ex(state_->context, bytes.data(), &length) == 1 &&
                    length == Digest::kBytes,
                "SHA-256 failed");
  MARTLET_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1, "SHA-256 failed");
  return Digest(bytes);
}

Digest digest_of(std::string_view bytes) {
  Sha256 hasher;
  hasher.update(bytes);
  return hasher.finish();
}

std::uint64_t checksum64(std::string_view bytes) {
  const Digest digest = digest_of(bytes);
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = (value << 8) | digest.bytes()[i];
  return value;
}

}  // namespace martlet
