// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "sluice/config.h"
#include "sluice/connection.h"
#include "sluice/error.h"
#include "sluice/version.h"

namespace sluice {
namespace {

TEST(Values, EveryStateHasItsOwnName) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kStates; ++i) names.insert(state_name(static_cast<State>(i)));
  EXPECT_EQ(names.size(), kStates);
  EXPECT_STREQ(state_name(State::kFinWait1), "FIN_WAIT_1");
  EXPECT_STREQ(state_name(State::kTimeWait), "TIME_WAIT");
}

TEST(Values, ErrorsAreNamedAsSocketCallsNameThem) {
  EXPECT_STREQ(errno_name(Errc::kOk), "0");
  EXPECT_STREQ(errno_name(Errc::kConnectionReset), "ECONNRESET");
  EXPECT_STREQ(errno_name(Errc::kAddressNotAvailable), "EADDRNOTAVAIL");
  EXPECT_STREQ(errno_name(Errc::kIo), "EIO");
}

TEST(Values, VersionIsThreeNumbers) {
  EXPECT_TRUE(std::regex_match(version(), std::regex("[0-9]+\\.[0-9]+\\.[0-9]+"))) << version();
}

TEST(IpAddressText, RoundTripsBothFamilies) {
  for (const char* text : {"10.77.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "fd77::1", "2001:db8::ff00:42:8329"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(IpAddressText, TellsTheFamiliesApart) {
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_v4());
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_any());
  EXPECT_FALSE(IpAddress::parse("::")->is_v4());
  EXPECT_TRUE(IpAddress::parse("::")->is_any());
  EXPECT_EQ(*IpAddress::parse("10.77.0.1"), IpAddress::v4(10, 77, 0, 1));
}

TEST(IpAddressText, KnowsWhatIsLinkLocal) {
  for (const char* text : {"fe80::", "fe80::1", "febf:ffff::1"}) EXPECT_TRUE(IpAddress::parse(text)->is_link_local()) << text;
  for (const char* text : {"fe7f:ffff::1", "fec0::", "ff02::1", "fd80::1", "::fe80", "169.254.0.1", "254.128.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_link_local()) << text;
  }
}

TEST(IpAddressText, RefusesWhatIsNoAddress) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "10.0.0"sv, "10.0.0.256"sv, "010.0.0.1 "sv, "fd77:::1"sv, "fe80::1%eth0"sv,
                                      "[::1]"sv, "10.0.0.1\0x"sv,
                                      "::ffff:10.0.0.1"sv, "localhost"sv,
                                      "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"sv}) {
    const auto address = IpAddress::parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, Errc::kInvalid);
  }
}

TEST(EndpointText, RoundTripsBothFamilies) {
  for (const char* text : {"10.77.0.1:80", "0.0.0.0:0", "[::]:443", "[fd77::1]:65535"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
  EXPECT_EQ(Endpoint::parse("10.77.0.1:80")->port, 80);
}

TEST(EndpointText, RefusesWhatIsNoEndpoint) {
  for (const char* text : {"", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:+80",
                           "10.0.0.1: 80", "fd77::1:80", "[10.0.0.1]:80", "[fd77::1]", "[fd77::1]80",
                           "10.0.0.1:99999999999999999999", "[]:80"}) {
    EXPECT_FALSE(Endpoint::parse(text).ok()) << text;
  }
}

TEST(InterfaceAddressText, RoundTripsBothFamilies) {
  for (const char* text : {"10.77.0.1/24", "10.0.0.1/32", "10.0.0.1/0", "fd77::1/64", "fd77::1/128"}) {
    const auto address = InterfaceAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(InterfaceAddressText, RefusesABadPrefixAndSaysWhatWouldBeRight) {
  EXPECT_EQ(InterfaceAddress::parse("10.0.0.1").error().message,
            "no prefix length (10.0.0.1); write it after a slash, like 10.0.0.1/24");
  EXPECT_EQ(InterfaceAddress::parse("10.0.0.1/33").error().message,
            "not a prefix length (10.0.0.1/33); write one from 0 to 32 after the slash");
  for (const char* text : {"", "/24", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/24/8", "fd77::1/129", "fd77::1/6x"}) {
    EXPECT_FALSE(InterfaceAddress::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace sluice
