#include "base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace martlet {

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<std::uint8_t, Digest::kBytes> sum{};
  unsigned size = 0;
  const unsigned char* done =
      ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), sum.data(), &size);
  MARTLET_CHECK(done != nullptr && size == sum.size(), "libcrypto has no SHA-256");
  return Digest(sum);
}

}  // namespace martlet
