// SPDX-License-Identifier: BSD-3-Clause
#include "stack/neighbours.h"

#include <gtest/gtest.h>

#include <vector>

#include "port/memory_port.h"

namespace sluice::stack {
namespace {

constexpr wire::MacAddress kMac{2, 0, 0, 0, 0, 9};

struct NeighboursTest : testing::Test {
  port::MemoryBufSource source{256};
  BufPool bufs{source};
  Rng rng{1};
  Neighbours neighbours{4, true, rng, bufs};
  Instant now{};
  int requests = 0;

  IpAddress ip(std::uint8_t last) { return IpAddress::v4(10, 0, 0, last); }
  void tick(Duration d) {
    now = now + d;
    neighbours.on_timer(now, [this](const Neighbours::Entry&) { ++requests; });
  }
  unsigned length(Buf* list) {
    unsigned n = 0;
    for (; list != nullptr; list = list->next) ++n;
    return n;
  }
};

TEST_F(NeighboursTest, FramesWaitForTheAnswerAndLeaveInOrder) {
  const auto first = neighbours.resolve(0, ip(1), now);
  EXPECT_EQ(first.mac, nullptr);
  ASSERT_NE(first.solicit, nullptr);
  Buf* a = bufs.take();
  Buf* b = bufs.take();
  neighbours.wait(0, ip(1), a);
  const auto second = neighbours.resolve(0, ip(1), now);
  EXPECT_EQ(second.solicit, nullptr) << "one request is on its way already";
  neighbours.wait(0, ip(1), b);
  Buf* list = neighbours.learn(0, ip(1), kMac, false, now);
  ASSERT_EQ(list, a);
  ASSERT_EQ(list->next, b);
  bufs.release_all(list);
  const auto known = neighbours.resolve(0, ip(1), now);
  ASSERT_NE(known.mac, nullptr);
  EXPECT_EQ(*known.mac, kMac);
}

TEST_F(NeighboursTest, AtMostEightFramesWaitAndTheRestIsDropped) {
  (void)neighbours.resolve(0, ip(1), now);
  for (int i = 0; i < 12; ++i) neighbours.wait(0, ip(1), bufs.take());
  EXPECT_EQ(neighbours.counters().waiting_dropped, 4U);
  Buf* list = neighbours.learn(0, ip(1), kMac, false, now);
  EXPECT_EQ(length(list), 8U);
  bufs.release_all(list);
  EXPECT_EQ(bufs.in_use(), 0U);
}

TEST_F(NeighboursTest, ThreeUnansweredRequestsGiveUpAndFreeWhatWaited) {
  (void)neighbours.resolve(0, ip(1), now);
  neighbours.wait(0, ip(1), bufs.take());
  for (int i = 0; i < 5; ++i) tick(Duration::seconds(1));
  EXPECT_EQ(requests, 2) << "with the first by resolve() three in all";
  EXPECT_EQ(neighbours.counters().failed, 1U);
  EXPECT_EQ(bufs.in_use(), 0U);
  EXPECT_EQ(neighbours.next_check(), Instant::never());
}

TEST_F(NeighboursTest, AnAnswerNobodyAskedForIsNotLearned) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, false, now), nullptr);
  EXPECT_EQ(neighbours.resolve(0, ip(1), now).mac, nullptr);
}

TEST_F(NeighboursTest, AnOldEntryIsUsedWhileItIsAskedAbout) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::seconds(31);
  const auto lookup = neighbours.resolve(0, ip(1), now);
  EXPECT_NE(lookup.mac, nullptr);
  EXPECT_NE(lookup.solicit, nullptr);
  for (int i = 0; i < 5; ++i) tick(Duration::seconds(1));
  EXPECT_EQ(neighbours.resolve(0, ip(1), now).mac, nullptr) << "no answer: gone";
}

TEST_F(NeighboursTest, ASuspectedNeighbourIsAskedAboutAtTheNextFrame) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::milliseconds(1);
  EXPECT_EQ(neighbours.resolve(0, ip(1), now).solicit, nullptr);
  neighbours.suspect(0, ip(1));
  const auto lookup = neighbours.resolve(0, ip(1), now);
  EXPECT_NE(lookup.mac, nullptr) << "still used";
  EXPECT_NE(lookup.solicit, nullptr);
}

TEST_F(NeighboursTest, AFullSetGivesUpItsOldestEntry) {
  Neighbours one{1, true, rng, bufs};
  for (std::uint8_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(one.learn(0, ip(i), kMac, true, now), nullptr);
    now = now + Duration::seconds(1);
  }
  (void)one.resolve(0, ip(1), now);  // used again: 2 is the oldest now
  EXPECT_EQ(one.learn(0, ip(5), kMac, true, now), nullptr);
  EXPECT_EQ(one.counters().evicted, 1U);
  EXPECT_NE(one.resolve(0, ip(1), now).mac, nullptr);
  EXPECT_NE(one.resolve(0, ip(5), now).mac, nullptr);
  EXPECT_EQ(one.resolve(0, ip(2), now).mac, nullptr);
}

using Asker = Neighbours::Asker;

TEST_F(NeighboursTest, StrangersCauseSoManyQuestionsAndNoMore) {
  Neighbours link{256, true, rng, bufs};
  std::uint32_t asked = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) {  // ten seconds
    const auto lookup = link.resolve(0, IpAddress::v4(10, 1, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)), now,
                                     Asker::kStranger);
    ASSERT_EQ(lookup.mac, nullptr);
    ASSERT_EQ(lookup.limited, lookup.solicit == nullptr);
    if (lookup.solicit != nullptr) ++asked;
    now = now + Duration::microseconds(500);
  }
  EXPECT_LE(asked, Neighbours::kStrangersAtOnce + 10 * Neighbours::kStrangersPerSecond);
  EXPECT_GE(asked, Neighbours::kStrangersAtOnce + 8 * Neighbours::kStrangersPerSecond);
  EXPECT_EQ(link.counters().limited, 20'000 - asked);
  EXPECT_NE(link.resolve(0, ip(1), now, Asker::kOurs).solicit, nullptr) << "connections ask nevertheless";
}

// A link's clients after our start, or after theirs.
TEST_F(NeighboursTest, HundredsOfStrangersMayComeAtOnce) {
  Neighbours link{256, true, rng, bufs};
  now = now + Duration::seconds(5);
  for (int turn = 0; turn < 2; ++turn) {
    for (std::uint32_t i = 0; i < 300; ++i) {
      const auto net = static_cast<std::uint8_t>(turn);
      const IpAddress from = IpAddress::v4(10, net, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i));
      ASSERT_NE(link.resolve(0, from, now, Asker::kStranger).solicit, nullptr) << turn << ' ' << i;
    }
    now = now + Duration::seconds(3);
  }
}

TEST_F(NeighboursTest, WhatIsKnownIsConfirmedWhateverStrangersCause) {
  Neighbours link{256, true, rng, bufs};
  EXPECT_EQ(link.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::seconds(31);
  for (std::uint32_t i = 0;; ++i) {
    ASSERT_LE(i, Neighbours::kStrangersAtOnce);
    const IpAddress from = IpAddress::v4(10, 2, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i));
    if (link.resolve(0, from, now, Asker::kStranger).limited) break;
  }
  const auto lookup = link.resolve(0, ip(1), now, Asker::kStranger);
  EXPECT_NE(lookup.mac, nullptr);
  EXPECT_NE(lookup.solicit, nullptr);
}

TEST_F(NeighboursTest, StrangersQuestionsGiveWayFirstAndThoseOfConnectionsLast) {
  Neighbours one{1, true, rng, bufs};
  ASSERT_NE(one.resolve(0, ip(1), now, Asker::kOurs).solicit, nullptr);
  ASSERT_NE(one.resolve(0, ip(2), now, Asker::kStranger).solicit, nullptr);
  ASSERT_EQ(one.resolve(0, ip(2), now, Asker::kOurs).solicit, nullptr) << "asked already; a connection's from now on";
  for (std::uint8_t i = 3; i <= 4; ++i) {
    EXPECT_EQ(one.learn(0, ip(i), kMac, true, now), nullptr);
    now = now + Duration::seconds(1);
  }
  // The set is full. The first stranger takes the place of a known neighbour, all others that stranger's.
  for (std::uint8_t i = 10; i < 17; ++i) EXPECT_NE(one.resolve(0, ip(i), now, Asker::kStranger).solicit, nullptr);
  EXPECT_EQ(one.counters().evicted, 7U);
  EXPECT_NE(one.resolve(0, ip(4), now).mac, nullptr);
  EXPECT_EQ(one.learn(0, ip(1), kMac, false, now), nullptr);
  EXPECT_EQ(one.learn(0, ip(2), kMac, false, now), nullptr);
  EXPECT_NE(one.resolve(0, ip(1), now).mac, nullptr) << "still asked about, so the answer is heard";
  EXPECT_NE(one.resolve(0, ip(2), now).mac, nullptr);
  EXPECT_EQ(one.resolve(0, ip(3), now).mac, nullptr) << "the known one that was spoken to least recently";
}

TEST_F(NeighboursTest, WhoOnlyAskedGivesWayToWhoIsSpokenWith) {
  Neighbours one{1, true, rng, bufs};
  for (std::uint8_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(one.learn(0, ip(i), kMac, true, now, Neighbours::News::kClaim), nullptr);
    EXPECT_NE(one.resolve(0, ip(i), now).mac, nullptr);
  }
  for (std::uint8_t i = 10; i < 100; ++i) {
    now = now + Duration::milliseconds(200);
    EXPECT_EQ(one.learn(0, ip(i), kMac, true, now, Neighbours::News::kClaim), nullptr);
  }
  EXPECT_EQ(one.counters().evicted, 89U);
  for (std::uint8_t i = 1; i <= 3; ++i) EXPECT_NE(one.resolve(0, ip(i), now).mac, nullptr) << int{i};
  EXPECT_NE(one.resolve(0, ip(99), now).mac, nullptr) << "the last of them is known nevertheless";
}

// RFC 1122 2.3.2.1, RFC 4861 7.3.3: at his address; RFC 7048: and of everybody before he is given up.
TEST_F(NeighboursTest, WhoIsKnownIsAskedWhereHeIs) {
  EXPECT_TRUE(Neighbours::asks_all(*neighbours.resolve(0, ip(2), now).solicit)) << "unknown";
  EXPECT_EQ(neighbours.learn(0, ip(2), kMac, false, now), nullptr);
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::seconds(31);
  const auto lookup = neighbours.resolve(0, ip(1), now);
  ASSERT_NE(lookup.solicit, nullptr);
  EXPECT_FALSE(Neighbours::asks_all(*lookup.solicit));
  std::vector<bool> all;
  for (int i = 0; i < 4; ++i) {
    now = now + Duration::seconds(1);
    neighbours.on_timer(now, [&](const Neighbours::Entry& entry) { all.push_back(Neighbours::asks_all(entry)); });
  }
  EXPECT_EQ(all, (std::vector{false, true}));
}

TEST_F(NeighboursTest, EverybodyIsAskedAboutWhoDoesNotAnswerFrames) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  neighbours.suspect(0, ip(1));
  now = now + Duration::milliseconds(1);
  EXPECT_TRUE(Neighbours::asks_all(*neighbours.resolve(0, ip(1), now).solicit));
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, false, now), nullptr);
  now = now + Duration::seconds(31);
  EXPECT_FALSE(Neighbours::asks_all(*neighbours.resolve(0, ip(1), now).solicit)) << "he answered meanwhile";
}

TEST_F(NeighboursTest, AnAnswerWithoutAnAddressConfirmsTheOneThatWasAsked) {  // RFC 4861 7.2.5
  const IpAddress owner = IpAddress::parse("fd00::1").value();
  (void)neighbours.resolve(0, owner, now);
  neighbours.confirm(0, owner, now);
  EXPECT_EQ(neighbours.resolve(0, owner, now).mac, nullptr) << "there is none yet";
  EXPECT_EQ(neighbours.learn(0, owner, kMac, false, now), nullptr);
  now = now + Duration::seconds(31);
  EXPECT_NE(neighbours.resolve(0, owner, now).solicit, nullptr);
  neighbours.confirm(0, owner, now);
  for (int i = 0; i < 5; ++i) tick(Duration::seconds(1));
  EXPECT_EQ(requests, 0);
  const auto lookup = neighbours.resolve(0, owner, now);
  EXPECT_NE(lookup.mac, nullptr);
  EXPECT_EQ(lookup.solicit, nullptr);
}

constexpr wire::MacAddress kThief{0x02, 0, 0, 0, 0, 0x66};

TEST_F(NeighboursTest, AHintDoesNotChangeAKnownAddressButItIsAskedAbout) {  // RFC 4861 7.2.5
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::seconds(2);
  EXPECT_EQ(neighbours.learn(0, ip(1), kThief, false, now, Neighbours::News::kHint), nullptr);
  const auto lookup = neighbours.resolve(0, ip(1), now);
  ASSERT_NE(lookup.mac, nullptr);
  EXPECT_EQ(*lookup.mac, kMac);
  EXPECT_NE(lookup.solicit, nullptr);
  EXPECT_EQ(neighbours.counters().refused, 1U);
}

TEST_F(NeighboursTest, AHintAnswersAQuestion) {
  (void)neighbours.resolve(0, ip(1), now);
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, false, now, Neighbours::News::kHint), nullptr);
  EXPECT_EQ(*neighbours.resolve(0, ip(1), now).mac, kMac);
}

// RFC 4861 7.2.3, 7.2.5: not REACHABLE for half a minute by anybody's word.
TEST_F(NeighboursTest, WhoBecomesKnownWithoutAnAnswerIsAskedSoon) {
  const IpAddress asker = IpAddress::parse("fd00::1").value();
  const IpAddress asked = IpAddress::parse("fd00::2").value();
  for (const auto news : {Neighbours::News::kClaim, Neighbours::News::kRumour}) {
    Neighbours link{4, true, rng, bufs};
    EXPECT_EQ(link.learn(0, asker, kMac, true, now, news), nullptr);
    ASSERT_NE(link.resolve(0, asked, now).solicit, nullptr);
    EXPECT_EQ(link.learn(0, asked, kMac, false, now, news), nullptr);
    for (const IpAddress& each : {asker, asked}) {
      const auto lookup = link.resolve(0, each, now + Neighbours::kFirstProbeDelay);
      EXPECT_NE(lookup.mac, nullptr);
      EXPECT_EQ(lookup.solicit, nullptr) << "perhaps he is never spoken to again";
      EXPECT_NE(link.resolve(0, each, now + Neighbours::kFirstProbeDelay + Duration{1}).solicit, nullptr);
    }
  }
}

TEST_F(NeighboursTest, ARumourConfirmsAndChangesNothing) {  // neither solicited nor overriding
  const IpAddress owner = IpAddress::parse("fd00::1").value();
  EXPECT_EQ(neighbours.learn(0, owner, kMac, true, now), nullptr);
  now = now + Duration::seconds(20);
  EXPECT_EQ(neighbours.learn(0, owner, kMac, false, now, Neighbours::News::kRumour), nullptr);
  now = now + Duration::seconds(11);
  EXPECT_NE(neighbours.resolve(0, owner, now).solicit, nullptr) << "said 11 s ago, but by nobody who was asked";
  EXPECT_EQ(neighbours.learn(0, owner, kMac, false, now, Neighbours::News::kRumour), nullptr);
  EXPECT_NE(neighbours.next_check(), Instant::never()) << "nor does it answer a question";
  EXPECT_EQ(neighbours.learn(0, owner, kMac, false, now), nullptr);
  EXPECT_EQ(neighbours.learn(0, owner, kThief, false, now, Neighbours::News::kRumour), nullptr);
  const auto lookup = neighbours.resolve(0, owner, now);
  EXPECT_EQ(*lookup.mac, kMac);
  EXPECT_NE(lookup.solicit, nullptr) << "but a changed address is asked about";
}

TEST_F(NeighboursTest, AClaimIsTakenAndAskedAbout) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::seconds(2);
  EXPECT_EQ(neighbours.learn(0, ip(1), kThief, false, now, Neighbours::News::kClaim), nullptr);
  const auto lookup = neighbours.resolve(0, ip(1), now);
  EXPECT_EQ(*lookup.mac, kThief);
  ASSERT_NE(lookup.solicit, nullptr);
  EXPECT_TRUE(Neighbours::asks_all(*lookup.solicit)) << "its owner may say otherwise";
  neighbours.confirm(0, ip(1), now);
  for (int i = 0; i < 3; ++i) tick(Duration::seconds(1));
  EXPECT_EQ(requests, 2) << "who names no address answers no question to all";
}

// Said twice it would be believed, and the owner's answer come too late.
TEST_F(NeighboursTest, AClaimRepeatedConfirmsNothing) {
  for (const IpAddress& owner : {ip(1), IpAddress::parse("fd00::1").value()}) {
    EXPECT_EQ(neighbours.learn(0, owner, kMac, true, now), nullptr);
    now = now + Duration::seconds(2);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(neighbours.learn(0, owner, kThief, false, now, Neighbours::News::kClaim), nullptr);
      now = now + Duration::milliseconds(1);
    }
    EXPECT_NE(neighbours.resolve(0, owner, now).solicit, nullptr);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(neighbours.learn(0, owner, kThief, false, now, Neighbours::News::kClaim), nullptr);
      now = now + Duration::milliseconds(1);
    }
    EXPECT_NE(neighbours.next_check(), Instant::never()) << "the question is still open";
    EXPECT_EQ(neighbours.learn(0, owner, kMac, false, now), nullptr);
    EXPECT_EQ(*neighbours.resolve(0, owner, now).mac, kMac);
  }
}

TEST_F(NeighboursTest, AClaimDoesNotAnswerAnArpQuestionAboutWhoIsKnown) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::seconds(31);
  EXPECT_NE(neighbours.resolve(0, ip(1), now).solicit, nullptr);
  EXPECT_EQ(neighbours.learn(0, ip(1), kThief, false, now, Neighbours::News::kClaim), nullptr);
  EXPECT_EQ(*neighbours.resolve(0, ip(1), now).mac, kMac);
  EXPECT_EQ(neighbours.counters().refused, 1U);
  EXPECT_EQ(neighbours.learn(0, ip(1), kThief, false, now), nullptr) << "an answer does";
  EXPECT_EQ(*neighbours.resolve(0, ip(1), now).mac, kThief);
}

TEST_F(NeighboursTest, OfSeveralArpAnswersTheFirstCounts) {
  EXPECT_EQ(neighbours.learn(0, ip(1), kMac, true, now), nullptr);
  now = now + Duration::milliseconds(999);
  EXPECT_EQ(neighbours.learn(0, ip(1), kThief, false, now), nullptr);
  EXPECT_EQ(*neighbours.resolve(0, ip(1), now).mac, kMac);
  now = now + Duration::milliseconds(2);
  EXPECT_EQ(neighbours.learn(0, ip(1), kThief, false, now), nullptr);
  EXPECT_EQ(*neighbours.resolve(0, ip(1), now).mac, kThief);
}

TEST_F(NeighboursTest, AFixedEntryStaysAsItIs) {
  Neighbours one{1, true, rng, bufs};
  EXPECT_EQ(one.fix(0, ip(1), kMac, now), nullptr);
  for (const auto news : {Neighbours::News::kOverride, Neighbours::News::kClaim, Neighbours::News::kHint}) {
    now = now + Duration::seconds(40);
    EXPECT_EQ(one.learn(0, ip(1), kThief, true, now, news), nullptr);
  }
  for (std::uint8_t i = 2; i < 20; ++i) EXPECT_EQ(one.learn(0, ip(i), kThief, true, now), nullptr);
  one.suspect(0, ip(1));
  const auto lookup = one.resolve(0, ip(1), now);
  ASSERT_NE(lookup.mac, nullptr) << "not evicted";
  EXPECT_EQ(*lookup.mac, kMac);
  EXPECT_EQ(lookup.solicit, nullptr) << "not asked about";
  EXPECT_EQ(one.fix(0, ip(1), kThief, now), nullptr);
  EXPECT_EQ(*one.resolve(0, ip(1), now).mac, kThief) << "but may be fixed anew";
}

TEST_F(NeighboursTest, AllHostsOfALinkAreRememberedWhereThereIsRoom) {
  const std::vector<IpAddress> firsts = {IpAddress::v4(10, 78, 0, 1), IpAddress::v4(192, 168, 1, 1),
                                         IpAddress::parse("fd00::1").value(), IpAddress::parse("fe80::ff:fe00:1").value()};
  for (const IpAddress& first : firsts) {
    Neighbours link{256, true, rng, bufs};
    const auto host = [&](unsigned i) {
      IpAddress address = first;
      const unsigned last = address.bytes[15] + i;
      address.bytes[15] = static_cast<std::uint8_t>(last);
      address.bytes[14] = static_cast<std::uint8_t>(address.bytes[14] + (last >> 8U));
      return address;
    };
    constexpr unsigned kHosts = 700;  // of 1024 entries
    for (unsigned i = 0; i < kHosts; ++i) EXPECT_EQ(link.learn(0, host(i), kMac, true, now), nullptr);
    EXPECT_EQ(link.counters().evicted, 0U) << first.to_string();
    for (unsigned i = 0; i < kHosts; ++i) ASSERT_NE(link.resolve(0, host(i), now).mac, nullptr) << host(i).to_string();
  }
}

}  // namespace
}  // namespace sluice::stack
