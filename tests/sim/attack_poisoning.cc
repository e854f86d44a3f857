// SPDX-License-Identifier: BSD-3-Clause
// Somebody on the link who says that addresses of others are his (RFC 826, RFC 4861). What is defended:
//  - nobody comes into the neighbour cache by an answer that was not asked for, and made-up neighbours who ask us push out none
//    that a connection uses;
//  - what nobody asked for (gratuitous ARP, requests, advertisements without the solicited flag) is taken, as both RFCs have
//    it (unless it says itself that it does not override), but never confirms: everybody is asked about the address at its next use
//    and its owner's answer puts it right within a round trip, for a second at least in IPv4, however often the lie is repeated; and
//    it answers no open ARP question about who is known;
//  - where an entry is known from elsewhere than the wire, nothing said there changes it;
//  - our own addresses stay ours: a claim on one is answered by an announcement, once in ten seconds (RFC 5227).
// What the RFCs leave possible, and is therefore so here: an unasked unicast ARP reply, when the last news are a second old, and an
// advertisement that says it is solicited and overrides are believed. Nothing tells them from true ones; who can send them gets the
// frames until a question goes unanswered (RFC 9293 R1 makes us ask), or longer if he answers those too. Whom the link cannot trust
// it must keep off: that is for switches (dynamic ARP inspection, RA and ND guard).
#include "sim/siege.h"
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/icmpv6.h"

namespace sluice::test {
namespace {

constexpr wire::MacAddress kThief{0x02, 0, 0, 0, 0, 0x66};

// How a lie is told.
enum class Lie { kAnswer, kGratuitousReply, kGratuitousRequest, kRequest };
constexpr Lie kClaims[] = {Lie::kGratuitousReply, Lie::kGratuitousRequest, Lie::kRequest};

Frame arp_lie(Siege& siege, Lie lie, const IpAddress& whose, const wire::MacAddress& mac) {
  const bool to_all = lie == Lie::kGratuitousReply || lie == Lie::kGratuitousRequest;
  const IpAddress about = to_all ? whose : siege.victim_address();
  const bool reply = lie == Lie::kAnswer || lie == Lie::kGratuitousReply;
  return script::arp_frame({mac, to_all ? wire::kMacBroadcast : siege.victim().mac(), whose, about},
                           reply ? wire::kArpReply : wire::kArpRequest);
}

// An answer is solicited and overrides; gratuitous ones are to all nodes, with and without overriding; a request is for us.
Frame nd_lie(Siege& siege, Lie lie, const IpAddress& whose, const wire::MacAddress& mac) {
  wire::NeighborMessage message;
  message.solicitation = lie == Lie::kRequest;
  message.solicited = lie == Lie::kAnswer;
  message.override_flag = lie != Lie::kGratuitousRequest;
  message.target = message.solicitation ? siege.victim_address() : whose;
  message.mac = mac;
  const bool to_all = lie == Lie::kGratuitousReply || lie == Lie::kGratuitousRequest;
  const IpAddress to = to_all ? IpAddress::parse("ff02::1").value() : siege.victim_address();
  Frame body(message.size());
  message.write(body.data(), whose, to);
  return script::ip_frame({mac, to_all ? wire::ipv6_multicast_mac(to) : siege.victim().mac(), whose, to}, 58, body, 255);
}

Frame lie_about(Siege& siege, Lie lie, const IpAddress& whose, const wire::MacAddress& mac = kThief) {
  return whose.is_v4() ? arp_lie(siege, lie, whose, mac) : nd_lie(siege, lie, whose, mac);
}

class Poisoning : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = GetParam();
    config.introductions = false;
    return config;
  }
  // Seconds of what heals, with less of everything else.
  [[nodiscard]] static SiegeConfig slow() {
    SiegeConfig slow = config();
    slow.span = Duration::seconds(8);
    slow.connections = 1;
    slow.delay = Duration::milliseconds(20);
    slow.attack_every = Duration::milliseconds(1);
    return slow;
  }
};

TEST_P(Poisoning, AnswersNobodyAskedForMakeNobodyKnown) {
  Siege siege(config());
  siege.run([](Siege& s) {
    const auto number = static_cast<std::uint32_t>(s.rng().next());
    s.strike(lie_about(s, s.rng().below(2) == 0 ? Lie::kAnswer : Lie::kGratuitousReply, s.neighbour(number)));
  });
  EXPECT_LE(siege.counter("neighbours_learned"), 2U);
  EXPECT_EQ(siege.counter("neighbours_evicted"), 0U);
  expect_unharmed(config(), siege);
}

// RFC 826 and RFC 4861 7.2.3 have us remember who asks us.
TEST_P(Poisoning, RequestsOfMadeUpNeighboursPushOutNobodyWhoIsInUse) {
  Siege siege(config());
  siege.run([](Siege& s) {
    const auto number = static_cast<std::uint32_t>(s.rng().next());
    s.strike(lie_about(s, Lie::kRequest, s.neighbour(number)));
  });
  EXPECT_GT(siege.counter("neighbours_evicted"), 50'000U);
  EXPECT_LE(siege.questions(), 40U) << "who was idle for some milliseconds is asked about anew";
  expect_unharmed(config(), siege);
}

TEST_P(Poisoning, WhoIsKnownFromElsewhereStaysWhereHeIs) {
  SiegeConfig fixed = config();
  fixed.introductions = true;
  Siege siege(fixed);
  siege.run([](Siege& s) {
    static constexpr Lie kLies[] = {Lie::kAnswer, Lie::kGratuitousReply, Lie::kGratuitousRequest, Lie::kRequest};
    const char* gateway = GetParam() ? "fd00::fe" : "10.0.0.254";
    const IpAddress whose = s.rng().below(2) == 0 ? s.client_address() : IpAddress::parse(gateway).value();
    s.strike(lie_about(s, kLies[s.rng().below(4)], whose));
  });
  EXPECT_GT(siege.counter("neighbour_news_refused"), 70'000U);
  expect_unharmed(fixed, siege);
}

// Five of them in a row, a millisecond apart, as often as they can count in IPv4. The thief gets what is sent in a round trip, for which
// connections pay with a recovery each: a tenth of their goodput at most. If a claim that is repeated confirmed itself it were all.
TEST_P(Poisoning, ClaimsAreAskedAboutHoweverOftenRepeated) {
  SiegeConfig rows = slow();
  rows.delay = Duration::milliseconds(5);
  Siege siege(rows);
  std::uint32_t turn = 0, told = 0;
  siege.run([&](Siege& s) {
    if (turn++ % 1500 >= 5) return;
    s.strike(lie_about(s, kClaims[turn / 1500 % 3], s.client_address()));
    ++told;
  });
  EXPECT_GE(told, 50U);
  EXPECT_GE(siege.questions_about(siege.client_address()), 6U);
  EXPECT_LE(siege.questions_about(siege.client_address()), 40U);
  Siege peace(rows);
  peace.run();
  EXPECT_GE(siege.bytes() * 100, peace.bytes() * 90) << siege.bytes() << " bytes, " << peace.bytes() << " in peace";
  EXPECT_EQ(siege.lost(), 0U);
}

// The one that is believed: told during a tenth of a second. Connections live, and are as before when the thief has not answered.
TEST_P(Poisoning, AfterAnAnswerThatIsBelievedItHeals) {
  Siege siege(slow());
  std::uint64_t stolen = 0;
  siege.run([&](Siege& s) {
    const Duration since = s.now() - Instant{};
    if (since < Duration::seconds(2) || since > Duration::milliseconds(2100)) return;
    s.strike(lie_about(s, Lie::kAnswer, s.client_address()));
    stolen = s.answers();
  });
  EXPECT_GT(stolen, 10U) << "if it were not believed any more, say so above";
  EXPECT_GE(siege.questions_about(siege.client_address()), 1U);
  expect_unharmed(slow(), siege);
}

TEST_P(Poisoning, ClaimsOnOurOwnAddressAreAnsweredNowAndThen) {
  Siege siege(config());
  siege.run([](Siege& s) { s.strike(lie_about(s, kClaims[s.rng().below(2)], s.victim_address())); });
  EXPECT_GT(siege.count(tcp::Verdict::kAddressConflict), 70'000U);
  EXPECT_EQ(siege.counter("addresses_disabled"), 0U);
  EXPECT_EQ(siege.questions_about(siege.victim_address()), 1U) << "announcements";
  EXPECT_EQ(siege.answers(), 0U);
  expect_unharmed(config(), siege);
}

INSTANTIATE_TEST_SUITE_P(Ip, Poisoning, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
