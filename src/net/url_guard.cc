#include "net/url_guard.h"

#include "base/text.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace martlet::net {
namespace {

struct Block4 {
  std::uint32_t network;
  int bits;
};
// IANA IPv4 Special-Purpose Address Registry (RFC 6890 and later), all that is not globally
// reachable, and multicast.
constexpr std::array<Block4, 16> kSpecial4 = {{{0x00000000, 8},    // this network
                                               {0x0A000000, 8},    // private
                                               {0x64400000, 10},   // shared (CGNAT)
                                               {0x7F000000, 8},    // loopback
                                               {0xA9FE0000, 16},   // link-local, cloud metadata
                                               {0xAC100000, 12},   // private
                                               {0xC0000000, 24},   // protocol assignments
                                               {0xC0000200, 24},   // documentation
                                               {0xC01FC400, 24},   // AS112
                                               {0xC0586300, 24},   // 6to4 relays
                                               {0xC0A80000, 16},   // private
                                               {0xC6120000, 15},   // benchmarks
                                               {0xC6336400, 24},   // documentation
                                               {0xCB007100, 24},   // documentation
                                               {0xE0000000, 4},    // multicast
                                               {0xF0000000, 4}}};  // reserved, broadcast

bool is_public4(std::uint32_t address) {
  return std::ranges::none_of(kSpecial4, [&](const Block4& block) {
    return ((address ^ block.network) >> (32 - block.bits)) == 0;
  });
}

std::uint32_t read4(const std::uint8_t* bytes) {
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) |
         (std::uint32_t{bytes[2]} << 8) | bytes[3];
}

// Global unicast is 2000::/3; all else is special, but for the translated form 64:ff9b::/96.
bool is_public6(const in6_addr& address) {
  const auto* b = static_cast<const std::uint8_t*>(address.s6_addr);
  const auto starts = [&](std::initializer_list<std::uint8_t> prefix) {
    return std::equal(prefix.begin(), prefix.end(), b);
  };
  if (starts({0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0})) return is_public4(read4(b + 12));
  if ((b[0] & 0xE0) != 0x20)
    return false;  // ::1, mapped and compatible IPv4, fc00::/7, fe80::/10, fec0::/10, ff00::/8,
                   // 100::/64 …
  if (starts({0x20, 0x01}) && b[2] < 0x02) return false;  // 2001::/23: Teredo, ORCHID, benchmarks …
  if (starts({0x20, 0x01, 0x0D, 0xB8}) || starts({0x3F, 0xFF})) return false;  // documentation
  if (starts({0x20, 0x02})) return is_public4(read4(b + 2));                   // 6to4
  return true;
}

struct FreeUrl {
  void operator()(CURLU* handle) const { ::curl_url_cleanup(handle); }
};

std::string part_of(CURLU* handle, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (::curl_url_get(handle, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  ::curl_free(text);
  return copy;
}

Result<std::vector<std::string>> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0)
    return unavailable(fmt::format("resolving {}: {}; check the name and the network", host,
                                   ::gai_strerror(failure)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0)
      addresses.emplace_back(text.data());
  }
  return addresses;
}

}  // namespace

bool is_public_address(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return is_public4(ntohl(v4.s_addr));
  in6_addr v6{};
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && is_public6(v6);
}

Result<CheckedUrl> check_url(std::string_view url, const UrlPolicy& policy) {
  const std::unique_ptr<CURLU, FreeUrl> handle(::curl_url());
  const std::string text(url);
  const bool clean = text.find('\0') == std::string::npos;
  if (!clean || ::curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return invalid_argument(
        fmt::format("the URL \"{}\" is not well formed; write https://host/path", url));
  CheckedUrl checked;
  checked.scheme = part_of(handle.get(), CURLUPART_SCHEME, 0);
  if (checked.scheme != "https" && (checked.scheme != "http" || policy.https_only))
    return invalid_argument(fmt::format("the URL's scheme is \"{}\"; allowed: {}", checked.scheme,
                                        policy.https_only ? "https" : "http and https"));
  if (!part_of(handle.get(), CURLUPART_USER, 0).empty() ||
      !part_of(handle.get(), CURLUPART_PASSWORD, 0).empty())
    return invalid_argument("the URL holds a user name or password; pass it as a secret instead");
  ::curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  // curl writes unusual IPv4 forms (0x7f.1, 2130706433) as four numbers here, as it would when
  // connecting.
  std::string host = lower_ascii(part_of(handle.get(), CURLUPART_HOST, 0));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  checked.host = host;
  const std::string port = part_of(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), checked.port);
  checked.url = part_of(handle.get(), CURLUPART_URL, 0);
  MARTLET_TRY_SET(checked.addresses, resolve(checked.host));
  if (checked.addresses.empty())
    return unavailable(fmt::format("resolving {}: it has no address", checked.host));
  if (policy.addresses == UrlPolicy::Addresses::PublicOnly)
    for (const std::string& address : checked.addresses)
      if (!is_public_address(address))
        return fail(ErrorCode::PermissionDenied,
                    fmt::format("calling {}: its address {} is not public; an administrator can "
                                "allow internal addresses",
                                checked.host, address));
  return checked;
}

}  // namespace martlet::net
