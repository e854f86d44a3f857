// SPDX-License-Identifier: BSD-3-Clause
// MUST-46: an open to a group, a broadcast address or no host's address is refused and says nothing.
#include "script/dialogue.h"
#include "support/idle_service.h"

namespace sluice::script {

TEST_P(Family, OpenToNobodyInParticularIsRefused) {
  Dialogue d(GetParam());
  test::IdleService service;
  for (const char* address : {"224.0.0.1", "239.1.2.3", "255.255.255.255", "127.0.0.1", "0.0.0.0", "0.1.2.3",
                              "ff02::1", "ff0e::1", "::1", "::"}) {
    const IpAddress remote = IpAddress::parse(address).value();
    const IpAddress any = IpAddress::parse(remote.is_v4() ? "0.0.0.0" : "::").value();
    const auto opened = d.host().connect(service, {remote, 80}, {any, 0}, {});
    ASSERT_FALSE(opened.ok()) << address;
    EXPECT_EQ(opened.error().code, Errc::kInvalid) << address;
  }
  d.expect_silence();
}

}  // namespace sluice::script
