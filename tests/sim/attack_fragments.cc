// SPDX-License-Identifier: BSD-3-Clause
// Fragments of datagrams that are never whole, that are too small to be judged, and that contradict each other (RFC 1858, RFC
// 3128, RFC 5722, RFC 7112): what they hold is the reassembly's quota, one buffer a datagram, for a minute at most.
#include <array>

#include "sim/siege.h"
#include "wire/checksum.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kQuota = 64;
constexpr std::size_t kText = 96;

class Fragments : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = GetParam();
    config.victim.stack.reassembly = kQuota;
    return config;
  }
  // A segment that would be a datagram of 116 bytes, to a port where nobody listens or to a connection.
  static Frame whole(Siege& siege) {
    const auto number = static_cast<std::uint32_t>(siege.rng().next());
    return siege.frame_of({.from = {siege.stranger(number), 7000}, .to = {siege.victim_address(), 4000}, .seq = number,
                           .data = std::string(kText, 'f')});
  }
  static std::uint32_t any_id(Siege& siege) { return static_cast<std::uint32_t>(siege.rng().next()); }
  static std::uint64_t held(Siege& siege) {
    return siege.count(GetParam() ? tcp::Verdict::kIpv6Fragment : tcp::Verdict::kIpv4Fragment);
  }
};

// Firsts, middles and lasts of as many datagrams. One that is whole gets through between them: the oldest gives way, not it.
TEST_P(Fragments, WhatIsNeverCompletedHoldsTheQuotaAndNoMore) {
  Siege siege(config());
  std::uint64_t honest = 0;
  std::uint32_t turn = 0;
  siege.run([&](Siege& s) {
    static constexpr std::array<script::Cut, 3> kParts{{{0, 64}, {32, 64}, {64, 116, true}}};
    script::Cut cut = kParts[turn % 3];
    cut.id = any_id(s);
    s.strike(script::fragment_of(whole(s), cut));
    if (++turn % 200 != 0) return;
    const Frame frame = whole(s);
    for (script::Cut part : {kParts[0], kParts[2]}) {
      part.id = turn;
      s.strike(script::fragment_of(frame, part));
    }
    ++honest;
  });
  EXPECT_GT(held(siege), 70'000U);
  EXPECT_EQ(siege.most().fragments, kQuota) << "it came to the bound";
  EXPECT_GT(siege.counter("reassembly_evicted"), 70'000U);
  EXPECT_GT(honest, 300U);
  EXPECT_EQ(siege.counter("reassembled"), honest);
  expect_unharmed(config(), siege, {.buffers = kQuota, .fragments = kQuota});
  expect_all_freed(siege);
}

// The flags of a segment in another fragment than its ports, or over them (IPv4); a header chain that goes on elsewhere (IPv6).
TEST_P(Fragments, TinyOnesAreNotKept) {
  Siege siege(config());
  siege.run([](Siege& s) {
    script::Cut cut = s.rng().below(2) == 0 ? script::Cut{0, 8} : script::Cut{8, 64};
    cut.id = any_id(s);
    s.strike(script::fragment_of(whole(s), cut));
  });
  EXPECT_GT(siege.count(tcp::Verdict::kFragmentTiny), 70'000U);
  EXPECT_EQ(siege.counter("reassembled"), 0U);
  expect_unharmed(config(), siege);
  expect_all_freed(siege);
}

// The second fragment writes over a part of the first, the third would complete the datagram. Of IPv6 the identification is spoilt
// for a minute and takes a place of the quota, but no buffer.
TEST_P(Fragments, OverlappingOnesAreGivenUp) {
  SiegeConfig third = config();
  third.attack_every = Duration::microseconds(150);
  Siege siege(third);
  siege.run([](Siege& s) {
    const Frame frame = whole(s);
    const std::uint32_t id = any_id(s);
    for (script::Cut cut : {script::Cut{0, 64}, script::Cut{40, 88}, script::Cut{64, 116, true}}) {
      cut.id = id;
      s.strike(script::fragment_of(frame, cut));
    }
  });
  EXPECT_GT(siege.count(tcp::Verdict::kFragmentOverlap), GetParam() ? 40'000U : 20'000U);
  EXPECT_EQ(siege.counter("reassembled"), 0U);
  // Of IPv4 the third fragment begins a datagram anew.
  expect_unharmed(third, siege, {.buffers = GetParam() ? 1U : kQuota, .fragments = kQuota});
  expect_all_freed(siege);
}

// Beyond what a datagram may have, of no bytes, of an odd length, and of protocols that nobody reads here.
TEST_P(Fragments, ImpossibleOnesAreNotKept) {
  Siege siege(config());
  siege.run([](Siege& s) {
    script::Cut cut{0, s.rng().below(2) == 0 ? 61U : 0U};
    cut.id = any_id(s);
    Frame frame = script::fragment_of(whole(s), cut);
    if (s.rng().below(3) == 0) {  // the end of 65,528 bytes and some
      cut = {64, 116, true, cut.id};
      frame = script::fragment_of(whole(s), cut);
      if (GetParam()) {
        wire::store_be16(&frame[56], 0xfff8);
      } else {
        wire::store_be16(&frame[20], 0x1fff);
        wire::store_be16(&frame[24], 0);
        wire::store_checksum(&frame[24], wire::sum_bytes(&frame[14], 20));
      }
    }
    s.strike(frame);
  });
  EXPECT_GT(siege.count(tcp::Verdict::kFragmentBad), 70'000U);
  expect_unharmed(config(), siege);
  expect_all_freed(siege);
}

INSTANTIATE_TEST_SUITE_P(Ip, Fragments, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
