// SPDX-License-Identifier: BSD-3-Clause
#include "port/toeplitz.h"

#include <gtest/gtest.h>

#include <vector>

#include "sluice/config.h"

namespace sluice::port {
namespace {

// The published RSS verification suite: its key and its expected hashes.
constexpr RssKey kSuiteKey = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                              0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                              0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

struct Vector {
  const char* source;
  const char* destination;
  std::uint32_t hash;
};

std::vector<std::uint8_t> tuple(const Endpoint& source, const Endpoint& destination) {
  std::vector<std::uint8_t> out;
  const std::ptrdiff_t skip = source.address.is_v4() ? 12 : 0;
  out.insert(out.end(), source.address.bytes.begin() + skip, source.address.bytes.end());
  out.insert(out.end(), destination.address.bytes.begin() + skip, destination.address.bytes.end());
  for (const std::uint16_t port : {source.port, destination.port}) {
    out.push_back(static_cast<std::uint8_t>(port >> 8));
    out.push_back(static_cast<std::uint8_t>(port));
  }
  return out;
}

TEST(Toeplitz, AgreesWithTheRssVerificationSuite) {
  const Toeplitz toeplitz(kSuiteKey);
  const Vector vectors[] = {
      {"66.9.149.187:2794", "161.142.100.80:1766", 0x51ccc178},
      {"199.92.111.2:14230", "65.69.140.83:4739", 0xc626b0ea},
      {"24.19.198.95:12898", "12.22.207.184:38024", 0x5c2b394a},
      {"38.27.205.30:48228", "209.142.163.6:2217", 0xafc7327f},
      {"153.39.163.191:44251", "202.188.127.2:1303", 0x10e828a2},
      {"[3ffe:2501:200:1fff::7]:2794", "[3ffe:2501:200:3::1]:1766", 0x40207d3d},
      {"[3ffe:501:8::260:97ff:fe40:efab]:14230", "[ff02::1]:4739", 0xdde51bbf},
      {"[3ffe:1900:4545:3:200:f8ff:fe21:67cf]:44251", "[fe80::200:f8ff:fe21:67cf]:38024", 0x02d1feef},
  };
  for (const Vector& v : vectors) {
    const auto source = Endpoint::parse(v.source);
    const auto destination = Endpoint::parse(v.destination);
    ASSERT_TRUE(source.ok() && destination.ok()) << v.source;
    EXPECT_EQ(toeplitz.hash(tuple(*source, *destination)), v.hash) << v.source;
  }
}

TEST(Toeplitz, KeysOfDifferentSecretsDifferAndOneSecretGivesOneKey) {
  EXPECT_EQ(make_rss_key(1, 2), make_rss_key(1, 2));
  EXPECT_NE(make_rss_key(1, 2), make_rss_key(1, 3));
  EXPECT_NE(make_rss_key(1, 2), make_rss_key(2, 2));
}

}  // namespace
}  // namespace sluice::port
