// SPDX-License-Identifier: BSD-3-Clause
// Cases 120 and 132: fragments are put together; overlapping and tiny ones cost their datagram, and what is
// never completed goes away.
#include <algorithm>
#include <vector>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/checksum.h"

namespace sluice::script {

namespace {

Verdict held(const Dialogue& d) { return d.v4() ? Verdict::kIpv4Fragment : Verdict::kIpv6Fragment; }

// A SYN of 40 bytes of TCP.
Frame long_syn(Dialogue& d) { return d.frame(SYN, seq(0), mss(1000), wscale(7), sack_permitted(), timestamps()); }

// The IPv4 header was changed.
Frame& rechecked(Frame& frame) {
  wire::store_be16(&frame[24], 0);
  wire::store_checksum(&frame[24], wire::sum_bytes(&frame[14], 20));
  return frame;
}

// The fragment moved to where its field for offset and flags says.
Frame moved(Frame frame, std::uint16_t v4, std::uint16_t v6) {
  if (frame[12] == 0x86) {
    wire::store_be16(&frame[56], v6);
    return frame;
  }
  wire::store_be16(&frame[20], v4);
  return rechecked(frame);
}

}  // namespace

TEST(OverIpv4, SynInSixteenByteFragmentsReversedIsReassembled) {
  Dialogue d(Ip::kV4);
  const Frame syn = long_syn(d);
  ASSERT_EQ(syn.size(), d.l4() + 40);
  d.send_frame(fragment_of(syn, {32, 40, true}));
  d.verdict_is(Verdict::kIpv4Fragment);
  d.send_frame(fragment_of(syn, {16, 32}));
  d.expect_silence();
  d.send_frame(fragment_of(syn, {0, 16}));
  d.verdict_is(Verdict::kListenSyn);
  d.expect(SYN | ACK, seq(0), ack(1));
}

TEST_P(Family, FragmentsInAnyOrderAreReassembled) {
  std::vector<Cut> cuts{{0, 24}, {24, 32}, {32, 40, true}};
  std::uint16_t port = 41000;
  Dialogue d(GetParam());
  std::sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) { return a.from < b.from; });
  do {
    Peer& peer = d.add_peer(port++);
    const Frame syn = peer.frame(SYN, seq(0), mss(1000), wscale(7), sack_permitted(), timestamps());
    for (const Cut& cut : cuts) d.send_frame(fragment_of(syn, {cut.from, cut.to, cut.last, port}));
    d.verdict_is(Verdict::kListenSyn);
    peer.expect(SYN | ACK, seq(0), ack(1));
  } while (std::next_permutation(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) { return a.from < b.from; }));
}

TEST_P(Family, TextInFragmentsIsDelivered) {
  Dialogue d(GetParam());
  d.establish();
  const Frame text = d.frame(ACK, seq(1), ack(1), bytes(1001));
  const std::size_t end = text.size() - d.l4();
  d.send_frame(fragment_of(text, {504, end, true}));
  d.send_frame(fragment_of(text, {0, 504}));
  d.expect(ACK, ack(1002));
  EXPECT_TRUE(d.app().has_bytes(1001));
  d.send_frame(fragment_of(text, {0, end, true}));  // atomic, of IPv6 (RFC 6946); of IPv4 no fragment at all
  d.expect(ACK, ack(1002));
}

TEST_P(Family, RepeatedFragmentsAreIgnored) {
  Dialogue d(GetParam());
  const Frame syn = long_syn(d);
  d.send_frame(fragment_of(syn, {0, 24}));
  d.send_frame(fragment_of(syn, {0, 24}));
  d.verdict_is(Verdict::kFragmentDuplicate);
  d.send_frame(fragment_of(syn, {24, 40, true}));
  d.expect(SYN | ACK, seq(0), ack(1));
}

TEST_P(Family, OverlappingFragmentsCostTheirDatagram) {
  Dialogue d(GetParam());
  const Frame syn = long_syn(d);
  Frame other = syn;
  other[d.l4() + 30] ^= 1U;
  std::uint32_t id = 100;
  for (const Frame& overlap : {fragment_of(syn, {16, 32, false, id}), fragment_of(syn, {24, 32, false, id + 1}),
                               fragment_of(other, {24, 40, true, id + 2}), fragment_of(syn, {24, 36, true, id + 3})}) {
    d.send_frame(fragment_of(syn, {24, 40, true, id}));
    d.send_frame(overlap);
    d.verdict_is(d.v4() || id != 100 ? Verdict::kFragmentOverlap : Verdict::kFragmentTiny);
    d.send_frame(fragment_of(syn, {0, 24, false, id}));
    d.verdict_is(d.v4() ? held(d) : Verdict::kFragmentOverlap);  // RFC 5722: also what is yet to come
    d.expect_silence();
    ++id;
  }
}

TEST_P(Family, TinyFragmentsAreDropped) {
  Dialogue d(GetParam());
  const Frame syn = long_syn(d);
  d.send_frame(fragment_of(syn, {0, 8}));
  d.verdict_is(Verdict::kFragmentTiny);
  d.send_frame(fragment_of(syn, {8, 40, true}));
  d.verdict_is(Verdict::kFragmentTiny);
  if (!d.v4()) {
    d.send_frame(fragment_of(syn, {0, 16}));  // RFC 7112: part of the TCP header
    d.verdict_is(Verdict::kFragmentTiny);
  }
  EXPECT_EQ(d.take_icmp().size(), d.v4() ? 0U : 2U);
  d.expect_silence();
  EXPECT_EQ(d.counter("reassembly_pending"), 0U);
}

TEST_P(Family, FragmentsThatCannotBeAreDropped) {
  Dialogue d(GetParam());
  const Frame syn = long_syn(d);
  d.send_frame(fragment_of(syn, {0, 28}));  // no multiple of 8, and more to come
  d.verdict_is(Verdict::kFragmentBad);
  d.send_frame(fragment_of(syn, {24, 24}));
  d.verdict_is(Verdict::kFragmentBad);
  d.send_frame(moved(fragment_of(syn, {24, 40, true}), 0x1fff, 0xfff8));  // ends beyond 65535
  d.verdict_is(Verdict::kFragmentBad);
  d.send_frame(fragment_of(syn, {24, 32, true}));
  d.send_frame(fragment_of(syn, {32, 40, true}));  // two ends
  d.verdict_is(Verdict::kFragmentBad);
  EXPECT_EQ(d.take_icmp().size(), d.v4() ? 0U : 2U);
  EXPECT_EQ(d.counter("reassembly_pending"), 0U);
}

TEST_P(Family, UnfinishedDatagramsAreGivenUpInTime) {
  Dialogue d(GetParam());
  const Frame syn = long_syn(d);
  d.send_frame(fragment_of(syn, {0, 24}));
  d.advance(d.v4() ? 29s : 59s);
  EXPECT_EQ(d.counter("reassembly_pending"), 1U);
  d.advance(2s);
  EXPECT_EQ(d.counter("reassembly_timeouts"), 1U);
  // Time Exceeded, fragment reassembly, quoting the first fragment as it came.
  const std::vector<Frame> said = d.take_icmp();
  ASSERT_EQ(said.size(), 1U);
  const Frame& error = said[0];
  EXPECT_EQ(error[d.l4()], d.v4() ? 11 : 3);
  EXPECT_EQ(error[d.l4() + 1], 1);
  const Frame first = fragment_of(syn, {0, 24});
  EXPECT_EQ(Frame(error.begin() + static_cast<std::ptrdiff_t>(d.l4() + 8), error.end()), Frame(first.begin() + 14, first.end()));
  d.send_frame(fragment_of(syn, {24, 40, true}));
  d.verdict_is(held(d));
}

TEST_P(Family, UnfinishedDatagramsWithoutAFirstFragmentAreForgottenSilently) {
  Dialogue d(GetParam());
  d.send_frame(fragment_of(long_syn(d), {24, 40, true}));
  d.advance(61s);
  EXPECT_EQ(d.counter("reassembly_timeouts"), 1U);
  d.expect_silence();
}

TEST_P(Family, ComplaintsOfUnfinishedDatagramsAreLimited) {
  Scene scene;
  scene.host.stack.reassembly = 2000;
  scene.host.buffers = 8192;
  Dialogue d(GetParam(), scene);
  d.establish();
  const Frame syn = long_syn(d);
  for (std::uint32_t id = 0; id < 2000; ++id) d.send_frame(fragment_of(syn, {0, 24, false, id}));
  d.advance(61s);
  EXPECT_EQ(d.counter("reassembly_timeouts"), 2000U);
  const std::size_t said = d.take_icmp().size();
  EXPECT_GT(said, 0U);
  EXPECT_LT(said, 1000U);
  EXPECT_EQ(d.counter("icmp_errors_limited"), 2000 - said);
}

TEST_P(Family, FirstFragmentsWithoutEndHoldBoundedMemory) {
  Scene scene;
  scene.host.stack.reassembly = 16;
  Dialogue d(GetParam(), scene);
  const Frame syn = long_syn(d);
  for (std::uint32_t id = 0; id < 1000; ++id) d.send_frame(fragment_of(syn, {0, 24, false, id}));
  EXPECT_EQ(d.counter("reassembly_pending"), 16U);
  EXPECT_EQ(d.counter("reassembly_evicted"), 984U);
  EXPECT_LE(d.stack().bufs().in_use(), 16U);
  d.send_frame(fragment_of(syn, {24, 40, true, 999}));  // who is quick gets through
  d.expect(SYN | ACK, seq(0), ack(1));
}

TEST_P(Family, DatagramsThatFitNoBufferAreDropped) {
  Dialogue d(GetParam());
  d.establish();
  const Frame text = d.frame(ACK, seq(1), ack(1), bytes(1400));
  d.send_frame(moved(fragment_of(text, {0, 1400, true}), 1000 / 8, 1000));
  d.verdict_is(Verdict::kFragmentTooLarge);
}

TEST_P(Family, FragmentsForOthersAreNotKept) {
  Dialogue d(GetParam());
  Frame udp = fragment_of(long_syn(d), {0, 24});
  if (d.v4()) {
    udp[23] = 17;
    rechecked(udp);
  } else {
    udp[54] = 17;
  }
  d.send_frame(udp);
  d.verdict_is(d.v4() ? Verdict::kIpv4ProtocolUnknown : Verdict::kIpv6NextHeaderUnknown);
  Frame elsewhere = fragment_of(long_syn(d), {0, 24});
  elsewhere[5] ^= 1U;
  d.send_frame(elsewhere);
  d.verdict_is(Verdict::kLinkNotForUs);
  EXPECT_EQ(d.counter("reassembly_pending"), 0U);
}

TEST(OverIpv6, AtomicFragmentIsNoFragment) {
  Dialogue d(Ip::kV6);
  const Frame syn = long_syn(d);
  d.send_frame(fragment_of(syn, {24, 40, true, 5}));  // RFC 6946: it stands alone, whatever waits under its number
  d.send_frame(fragment_of(syn, {0, 40, true, 5}));
  d.verdict_is(Verdict::kListenSyn);
  d.expect(SYN | ACK, seq(0), ack(1));
  EXPECT_EQ(d.counter("reassembly_pending"), 1U);
}

TEST(OverIpv6, NeighbourDiscoveryInFragmentsIsIgnored) {
  Dialogue d(Ip::kV6);
  const Frame solicitation =
      neighbour_frame({d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()}, true, d.our_address());
  d.send_frame(fragment_of(solicitation, {0, 32, true}));  // atomic
  d.verdict_is(Verdict::kNdIgnored);
  d.send_frame(fragment_of(solicitation, {0, 16}));
  d.send_frame(fragment_of(solicitation, {16, 32, true}));
  d.verdict_is(Verdict::kNdIgnored);  // RFC 6980
  d.expect_silence();
}

}  // namespace sluice::script
