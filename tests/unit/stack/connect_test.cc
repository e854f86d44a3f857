// SPDX-License-Identifier: BSD-3-Clause
// Which address and port an active open gets.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "sluice/listener.h"
#include "support/host.h"
#include "support/idle_service.h"

namespace sluice::test {
namespace {

HostConfig several(std::vector<std::string> sources) {
  HostConfig config;
  config.addresses = {"10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24", "fd00::1/64", "fd00::2/64"};
  config.sources = std::move(sources);
  config.stack.max_connections = 60'000;
  return config;
}

struct Opener {
  explicit Opener(HostConfig config) : host(config) { host.add_service(service); }

  Result<Connection> open(const char* to, const char* from = nullptr) {
    const Endpoint remote = Endpoint::parse(to).value();
    const IpAddress any = IpAddress::parse(remote.address.is_v4() ? "0.0.0.0" : "::").value();
    return host.connect(service, remote, {from == nullptr ? any : IpAddress::parse(from).value(), 0}, {});
  }
  std::string address_of_next(const char* to) { return open(to).value().info().local.address.to_string(); }

  IdleService service;
  Host host;
};

TEST(Connect, WithoutSourcesTheFirstAddressThatFitsIsTaken) {
  Opener opener(several({}));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(opener.address_of_next("10.0.0.9:80"), "10.0.0.1");
  EXPECT_EQ(opener.address_of_next("[fd00::9]:80"), "fd00::1");
}

TEST(Connect, SourcesAreTakenInTurn) {
  Opener opener(several({"10.0.0.2", "10.0.0.4", "fd00::2"}));
  std::map<std::string, int> used;
  for (int i = 0; i < 10; ++i) ++used[opener.address_of_next("10.0.0.9:80")];
  EXPECT_EQ(used, (std::map<std::string, int>{{"10.0.0.2", 5}, {"10.0.0.4", 5}}));
  EXPECT_EQ(opener.address_of_next("[fd00::9]:80"), "fd00::2");
  EXPECT_EQ(opener.open("10.0.0.9:80", "10.0.0.1").value().info().local.address, IpAddress::v4(10, 0, 0, 1))
      << "who names an address gets it";
}

// RFC 9293 MUST-43, MUST-45: in the SYN, and in what is sent later.
TEST(Connect, TheGivenAddressIsUsedThroughout) {
  for (const bool v4 : {true, false}) {
    Opener opener(several({"10.0.0.2", "fd00::1"}));
    const IpAddress given = IpAddress::parse(v4 ? "10.0.0.3" : "fd00::2").value();
    const Endpoint remote = Endpoint::parse(v4 ? "10.0.0.9:80" : "[fd00::9]:80").value();
    Instant now = Instant{} + Duration::seconds(1);
    opener.host.stack().set_now(now);
    opener.host.stack().learn_neighbour(0, remote.address, {0x02, 0, 0, 0, 0, 9}, now);
    ASSERT_TRUE(opener.open(remote.to_string().c_str(), given.to_string().c_str()).ok());
    unsigned seen = 0;
    for (int second = 0; second < 8; ++second) {
      now = now + Duration::seconds(1);
      opener.host.advance(now);
      for (const auto& frame : opener.host.take_sent()) {
        const bool is_v4 = frame[12] == 0x08 && frame[13] == 0x00;
        const bool is_tcp = v4 ? is_v4 && frame[23] == 6 : !is_v4 && frame.size() > 53 && frame[20] == 6;
        if (!is_tcp) continue;
        ++seen;
        const std::size_t at = v4 ? 26 : 22;
        const std::size_t len = v4 ? 4 : 16;
        EXPECT_TRUE(std::equal(frame.begin() + static_cast<std::ptrdiff_t>(at), frame.begin() + static_cast<std::ptrdiff_t>(at + len),
                               given.bytes.end() - static_cast<std::ptrdiff_t>(len)));
      }
    }
    EXPECT_GE(seen, 3U) << "the SYN, and its repetitions";
  }
}

TEST(Connect, EveryPortOfEverySourceCanBeUsedThenNone) {
  Opener opener(several({"10.0.0.2", "10.0.0.3"}));
  std::set<Endpoint> used;
  for (std::uint32_t i = 0; i < 2 * stack::LocalPorts::kCount; ++i) {
    const auto opened = opener.open("10.0.0.9:80");
    ASSERT_TRUE(opened.ok()) << i << ": " << opened.error().message;
    used.insert(opened->info().local);
  }
  EXPECT_EQ(used.size(), 2 * stack::LocalPorts::kCount);
  EXPECT_EQ(opener.open("10.0.0.9:80").error().code, Errc::kAddressNotAvailable);
  EXPECT_TRUE(opener.open("10.0.0.9:81").ok()) << "to another port all are free";
}

}  // namespace
}  // namespace sluice::test
