// SPDX-License-Identifier: BSD-3-Clause
// Case 134: a neighbour solicitation is answered, one from a group is not.
#include "script/dialogue.h"
#include <algorithm>
#include "script/frames.h"

namespace sluice::script {

TEST(OverIpv6, SolicitationIsAnswered) {
  Dialogue d(Ip::kV6);
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  d.send_frame(neighbour_frame(from_peer, true, d.our_address()));
  d.verdict_is(Verdict::kNdHandled);
  const auto answers = d.take_icmp();
  ASSERT_EQ(answers.size(), 1U);
  const Frame& a = answers[0];
  ASSERT_EQ(a.size(), 86U);
  EXPECT_EQ(a[54], 136);            // advertisement
  EXPECT_EQ(a[21], 255);            // hop limit
  EXPECT_EQ(a[58] & 0xe0U, 0x60U);  // solicited, override, no router
  const IpAddress ours = d.our_address();
  EXPECT_TRUE(std::equal(ours.bytes.begin(), ours.bytes.end(), a.begin() + 62));
  EXPECT_EQ(a[78], 2);              // target link-layer address
  EXPECT_TRUE(std::equal(d.host().mac().begin(), d.host().mac().end(), a.begin() + 80));
  EXPECT_EQ(ones_sum(std::span(a).subspan(54), pseudo(std::span(a).subspan(14), 58, 32)), 0xffff);
}

TEST(OverIpv6, SolicitationsThatCannotBeAreIgnored) {
  Dialogue d(Ip::kV6);
  const IpAddress group = IpAddress::parse("ff02::9").value();
  d.send_frame(neighbour_frame({d.peer_mac(), d.host().mac(), group, d.our_address()}, true, d.our_address()));
  d.expect_silence();
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  d.send_frame(neighbour_frame(from_peer, true, d.our_address(), 64));  // came through a router
  d.verdict_is(Verdict::kNdIgnored);
  d.send_frame(neighbour_frame(from_peer, true, d.peer_address(9)));    // about somebody else
  d.verdict_is(Verdict::kNdIgnored);
  d.expect_silence();
}

// The same sixteen bytes stand for 10.0.0.1 inside; ND must neither answer for it nor say who its neighbours are.
TEST(OverIpv6, MappedTargetIsNotAnIpv4Address) {
  Dialogue d(Ip::kV6);
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  for (const bool solicitation : {true, false}) {
    for (const std::uint8_t last : {1, 2}) {
      d.send_frame(neighbour_frame(from_peer, solicitation, IpAddress::v4(10, 0, 0, last)));
      d.verdict_is(Verdict::kNdIgnored);
    }
  }
  EXPECT_TRUE(d.take_icmp().empty());
}

}  // namespace sluice::script
