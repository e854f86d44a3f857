// SPDX-License-Identifier: BSD-3-Clause
// Case 131, refusing: what stands before TCP and is not known is answered with an ICMP error, within a limit.
#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

namespace sluice::script {

namespace {

constexpr std::uint8_t kParameterProblem = 4;

// The single ICMP error that was sent about `about`: type, code and bytes 4-7, quoting it from its IP header on.
void expect_error(Dialogue& d, const Frame& about, std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
  const auto sent = d.take_icmp();
  ASSERT_EQ(sent.size(), 1U);
  const Frame& e = sent[0];
  const std::size_t at = d.l4();
  ASSERT_GT(e.size(), at + 8);
  EXPECT_EQ(e[at], type);
  EXPECT_EQ(e[at + 1], code);
  EXPECT_EQ(wire::load_be32(&e[at + 4]), rest);
  const auto len = static_cast<std::uint32_t>(e.size() - at);
  const wire::CsumSum pseudo =
      d.v4() ? 0 : wire::pseudo_sum_v6(d.our_address().bytes.data(), d.peer_address().bytes.data(), wire::kProtoIcmpv6, len);
  EXPECT_TRUE(wire::checksum_good(pseudo + wire::sum_bytes(&e[at], len)));
  EXPECT_TRUE(std::equal(e.begin() + static_cast<std::ptrdiff_t>(at + 8), e.end(), about.begin() + 14));
  EXPECT_TRUE(std::equal(e.begin(), e.begin() + 6, about.begin() + 6));
}

Frame of_protocol(Dialogue& d, std::uint8_t protocol, std::size_t len = 40) {
  return ip_frame({d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()}, protocol, Frame(len));
}

}  // namespace

TEST(OverIpv6, UnknownHeaderIsAParameterProblem) {
  Dialogue d(Ip::kV6);
  Frame frame = of_protocol(d, 253);
  d.send_frame(frame);
  d.verdict_is(Verdict::kIpv6NextHeaderUnknown);
  expect_error(d, frame, kParameterProblem, 1, 6);
  frame = with_ipv6_extension(frame, 60, Frame{0, 0, 1, 4, 0, 0, 0, 0});
  d.send_frame(frame);
  expect_error(d, frame, kParameterProblem, 1, 40);
  frame = of_protocol(d, 253, 1400);
  d.send_frame(frame);
  const auto sent = d.take_icmp();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].size(), 14U + 1280) << "no error is larger than what every path takes";
}

TEST(OverIpv6, RoutingHeaderWithSegmentsLeftIsRefused) {
  Dialogue d(Ip::kV6);
  for (const std::uint8_t type : {0, 2, 99}) {
    const Frame frame = with_ipv6_extension(d.frame(SYN, seq(0), mss(1000)), 43, Frame{0, 0, type, 1, 0, 0, 0, 0});
    d.send_frame(frame);
    d.verdict_is(Verdict::kIpv6RoutingUnknown);
    expect_error(d, frame, kParameterProblem, 0, 42);
  }
}

TEST(OverIpv6, UnknownOptionsAreTreatedAsTheyAsk) {  // RFC 8200 4.2
  Dialogue d(Ip::kV6);
  const auto with_option = [&](std::uint8_t kind, std::uint8_t type) {
    return with_ipv6_extension(d.frame(SYN, seq(0), mss(1000)), kind, Frame{0, 0, type, 4, 0, 0, 0, 0});
  };
  for (const std::uint8_t kind : {0, 60}) {
    d.send_frame(with_option(kind, 0x5e));  // drop
    d.verdict_is(Verdict::kIpv6OptionUnknown);
    d.expect_silence();
    for (const std::uint8_t type : {0x9e, 0xde}) {
      const Frame frame = with_option(kind, type);
      d.send_frame(frame);
      expect_error(d, frame, kParameterProblem, 2, 42);
    }
  }
  d.send_frame(with_option(0, 0x1e));  // skip
  d.expect(SYN | ACK, seq(0), ack(1));
}

// RFC 4443 2.4 (e.1, e.2): whatever stands before it.
TEST(OverIpv6, NoErrorAboutAnErrorOrARedirect) {
  Dialogue d(Ip::kV6);
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  const Frame option{0, 0, 0x9e, 4, 0, 0, 0, 0};
  const Frame routing{0, 0, 99, 1, 0, 0, 0, 0};
  const Frame body(48);
  for (const std::uint8_t type : {1, 2, 3, 4, 127, 128, 136, 137, 138}) {
    const bool silent = type < 128 || type == 137;
    const Frame message = icmp_frame(from_peer, type, 0, body);
    const Frame spare = with_ipv6_extension(message, 60, Frame{0, 0, 1, 4, 0, 0, 0, 0});
    for (const Frame& frame : {with_ipv6_extension(message, 60, option), with_ipv6_extension(spare, 43, routing),
                               with_ipv6_extension(with_ipv6_extension(message, 60, option), 0, option)}) {
      d.send_frame(frame);
      EXPECT_EQ(d.take_icmp().size(), silent ? 0U : 1U) << int{type};
    }
    Frame fragment = fragment_of(message, {0, 20});
    d.send_frame(fragment);
    EXPECT_EQ(d.take_icmp().size(), silent ? 0U : 1U) << int{type};
  }
}

TEST(OverIpv6, FragmentsThatCannotBeAreComplainedOf) {
  Dialogue d(Ip::kV6);
  const Frame syn = d.frame(SYN, seq(0), mss(1000), wscale(7), sack_permitted(), timestamps());
  Frame frame = fragment_of(syn, {0, 28});
  d.send_frame(frame);
  expect_error(d, frame, kParameterProblem, 0, 4);
  frame = fragment_of(syn, {0, 16});
  d.send_frame(frame);
  expect_error(d, frame, kParameterProblem, 3, 0);
  frame = fragment_of(syn, {24, 40, true});
  wire::store_be16(&frame[56], 0xfff8);
  d.send_frame(frame);
  expect_error(d, frame, kParameterProblem, 0, 42);
}

TEST(OverIpv4, UnknownProtocolIsUnreachable) {
  Dialogue d(Ip::kV4);
  Frame frame = of_protocol(d, 253);
  d.send_frame(frame);
  d.verdict_is(Verdict::kIpv4ProtocolUnknown);
  expect_error(d, frame, 3, 2, 0);
  d.send_frame(of_protocol(d, 253, 1400));
  EXPECT_EQ(d.take_icmp().at(0).size(), 14U + 576);
}

TEST_P(Family, UdpPortIsUnreachable) {
  Dialogue d(GetParam());
  const Frame frame = of_protocol(d, 17);
  d.send_frame(frame);
  expect_error(d, frame, d.v4() ? 3 : 1, d.v4() ? 3 : 4, 0);
}

TEST_P(Family, IcmpErrorsAreLimited) {
  Dialogue d(GetParam());
  const Frame frame = of_protocol(d, 253);
  for (int i = 0; i < 1000; ++i) d.send_frame(frame);
  const std::size_t burst = d.take_icmp().size();
  EXPECT_GT(burst, 30U);
  EXPECT_LE(burst, 50U);
  d.advance(60ms);
  d.send_frame(frame);
  expect_error(d, frame, d.v4() ? 3 : 4, d.v4() ? 2 : 1, d.v4() ? 0 : 6);
}

TEST_P(Family, NoIcmpErrorToWhoeverCannotBeAnswered) {
  Dialogue d(GetParam());
  const wire::MacAddress group{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  const wire::MacAddress other{0x02, 0, 0, 0, 0, 0x77};
  const Frame payload(40);
  const auto from = [&](const wire::MacAddress& mac, const IpAddress& src, const IpAddress& dst) {
    d.send_frame(ip_frame({d.peer_mac(), mac, src, dst}, 253, payload));
    d.expect_silence();
  };
  from(group, d.peer_address(), d.our_address());
  from(other, d.peer_address(), d.our_address());
  from(d.host().mac(), d.peer_address(), d.peer_address(9));
  from(d.host().mac(), d.our_address(), d.our_address());
  if (d.v4()) {
    from(d.host().mac(), IpAddress::v4(10, 0, 0, 255), d.our_address());
  } else {
    from(d.host().mac(), d.peer_address(), IpAddress::parse("ff02::1").value());
    from(d.host().mac(), IpAddress{}, d.our_address());
  }
}

}  // namespace sluice::script
