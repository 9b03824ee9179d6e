#include "net/url_guard.h"

#include <gtest/gtest.h>

namespace martlet::net {
namespace {

TEST(UrlGuard, knows_which_addresses_are_public) {
  for (const char* address :
       {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "193.0.0.1", "2600::1",
        "2a00:1450::1", "2002:0808:0808::1", "64:ff9b::808:808"})
    EXPECT_TRUE(is_public_address(address)) << address;
  for (const char* address : {"127.0.0.1",
                              "127.9.9.9",
                              "0.0.0.0",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "100.64.0.1",
                              "198.18.0.1",
                              "192.0.2.1",
                              "224.0.0.1",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::1",
                              "::",
                              "::ffff:127.0.0.1",
                              "::ffff:8.8.8.8",
                              "::127.0.0.1",
                              "fe80::1",
                              "fc00::1",
                              "fd12::1",
                              "ff02::1",
                              "2001:db8::1",
                              "2001::1",
                              "2002:7f00:0001::1",
                              "2002:a9fe:a9fe::",
                              "64:ff9b::7f00:1",
                              "64:ff9b:1::1",
                              "fec0::1",
                              "localhost",
                              "",
                              "8.8.8"})
    EXPECT_FALSE(is_public_address(address)) << address;
}

TEST(UrlGuard, refuses_what_must_not_be_called) {
  const UrlPolicy public_only;
  struct Case {
    const char* url;
    ErrorCode code;
  };
  for (const Case& c :
       {Case{"http://127.0.0.1/", ErrorCode::PermissionDenied},
        Case{"http://127.1/", ErrorCode::PermissionDenied},
        Case{"http://2130706433/", ErrorCode::PermissionDenied},
        Case{"http://0x7f000001/", ErrorCode::PermissionDenied},
        Case{"http://0177.0.0.1/", ErrorCode::PermissionDenied},
        Case{"http://[::1]:8080/", ErrorCode::PermissionDenied},
        Case{"http://[::ffff:10.0.0.1]/", ErrorCode::PermissionDenied},
        Case{"http://169.254.169.254/latest/meta-data", ErrorCode::PermissionDenied},
        Case{"http://localhost/", ErrorCode::PermissionDenied},
        Case{"file:///etc/passwd", ErrorCode::InvalidArgument},
        Case{"gopher://8.8.8.8/", ErrorCode::InvalidArgument},
        Case{"ftp://8.8.8.8/", ErrorCode::InvalidArgument},
        Case{"https://user:pass@8.8.8.8/", ErrorCode::InvalidArgument},
        Case{"https://user@8.8.8.8/", ErrorCode::InvalidArgument},
        Case{"not a url", ErrorCode::InvalidArgument}, Case{"", ErrorCode::InvalidArgument}}) {
    const auto checked = check_url(c.url, public_only);
    ASSERT_FALSE(checked.has_value()) << c.url;
    EXPECT_EQ(checked.error().code(), c.code) << c.url << ": " << checked.error().message();
  }
  const UrlPolicy secure{.https_only = true};
  EXPECT_EQ(check_url("http://8.8.8.8/", secure).error().code(), ErrorCode::InvalidArgument);
}

TEST(UrlGuard, takes_a_url_apart) {
  const auto checked = check_url("HTTPS://8.8.8.8/a?b=c#d", UrlPolicy{});
  ASSERT_TRUE(checked.has_value()) << checked.error().message();
  EXPECT_EQ(checked->scheme, "https");
  EXPECT_EQ(checked->host, "8.8.8.8");
  EXPECT_EQ(checked->port, 443);
  EXPECT_EQ(checked->url, "https://8.8.8.8/a?b=c");
  EXPECT_EQ(checked->addresses, (std::vector<std::string>{"8.8.8.8"}));
  const auto local =
      check_url("http://[::1]:81/", UrlPolicy{.addresses = UrlPolicy::Addresses::Any});
  ASSERT_TRUE(local.has_value()) << local.error().message();
  EXPECT_EQ(local->host, "::1");
  EXPECT_EQ(local->port, 81);
}

}  // namespace
}  // namespace martlet::net
