// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cstring>
#include <set>
#include <string>

#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

const Secrets kSecrets{{1, 2}, {3, 4}};
const IpAddress kLocal = IpAddress::v4(10, 0, 0, 1);

FlowId flow(std::uint16_t port) {
  FlowId f;
  f.remote = IpAddress::v4(10, 0, 0, 2);
  f.remote_port = port;
  f.local_port = 80;
  return f;
}

TEST(InitialSequence, AdvancesByOneEveryFourMicroseconds) {
  const Instant t{5'000'000'000};
  const SeqNum a = initial_sequence({kSecrets, kLocal}, flow(1), t);
  EXPECT_EQ(initial_sequence({kSecrets, kLocal}, flow(1), t + Duration::microseconds(4)) - a, 1U);
  EXPECT_EQ(initial_sequence({kSecrets, kLocal}, flow(1), t + Duration::seconds(1)) - a, 250'000U);
}

TEST(InitialSequence, OfFourAtOnceIsTheSame) {
  for (unsigned i = 0; i < 500; ++i) {
    const LocalSecrets secrets({{i, 2 * i + 7}, {3, 4}}, IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i)));
    std::array<FlowId, 4> flows;
    for (unsigned k = 0; k < 4; ++k) {
      flows[k] = flow(static_cast<std::uint16_t>(i * 131 + k * 7919));
      flows[k].remote = IpAddress::v4(static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(k), 3, 4);
      flows[k].local_port = static_cast<std::uint16_t>(i + k);
    }
    const auto hashes = isn_hashes_v4(secrets, {&flows[0], &flows[1], &flows[2], &flows[3]});
    for (unsigned k = 0; k < 4; ++k) EXPECT_EQ(hashes[k], isn_hash(secrets, flows[k]));
  }
}

TEST(InitialSequence, DependsOnEveryPartOfTheTupleAndOnTheSecret) {
  std::set<std::uint32_t> seen;
  const auto add = [&seen](const Secrets& s, const FlowId& f, const IpAddress& l) {
    seen.insert(initial_sequence({s, l}, f, Instant{0}).value());
  };
  add(kSecrets, flow(1), kLocal);
  add(kSecrets, flow(2), kLocal);
  add(kSecrets, flow(1), IpAddress::v4(10, 0, 0, 3));
  add({{1, 3}, {3, 4}}, flow(1), kLocal);
  FlowId other = flow(1);
  other.local_port = 81;
  add(kSecrets, other, kLocal);
  other = flow(1);
  other.remote = IpAddress::v4(10, 0, 0, 4);
  add(kSecrets, other, kLocal);
  EXPECT_EQ(seen.size(), 6U);
}

// What is hashed once for each of our addresses changes no number: SipHash-2-4 of both addresses and the ports.
TEST(InitialSequence, IsTheHashOfTheWholeTuple) {
  const auto words = [](const IpAddress& address) {
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), address.bytes.data(), sizeof(halves));
    return halves;
  };
  for (const char* text : {"10.0.0.1 10.0.0.2", "fd00::1 2001:db8::2"}) {
    const std::string both = text;
    const IpAddress local = IpAddress::parse(both.substr(0, both.find(' '))).value();
    FlowId f = flow(1);
    f.remote = IpAddress::parse(both.substr(both.find(' ') + 1)).value();
    const auto from = words(local);
    const auto to = words(f.remote);
    const std::array<std::uint64_t, 5> message{from[0], from[1], to[0], to[1], 80U << 16U | 1U};
    EXPECT_EQ(initial_sequence({kSecrets, local}, f, Instant{0}).value(), static_cast<std::uint32_t>(siphash<2, 4>(kSecrets.isn, message)));
    EXPECT_EQ(timestamp_offset({kSecrets, local}, f), static_cast<std::uint32_t>(siphash<2, 4>(kSecrets.timestamps, message)));
  }
}

TEST(InitialSequence, LeavesTheIndexOfTheLocalAddressOut) {
  FlowId other = flow(1);
  other.local_addr = 9;
  const SeqNum isn = initial_sequence({kSecrets, kLocal}, flow(1), Instant{0});
  EXPECT_EQ(initial_sequence({kSecrets, kLocal}, other, Instant{0}), isn);
}

TEST(InitialSequence, LiesAboveTheLastNumberOfTheConnectionBefore) {
  EXPECT_EQ(initial_sequence_above(SeqNum(0x1'0005), SeqNum(0x1'0004)), SeqNum(0x1'0005)) << "as it is";
  EXPECT_EQ(initial_sequence_above(SeqNum(3), SeqNum(0xffff'fffe)), SeqNum(3)) << "above, past the wrap";
  for (const std::uint32_t behind : {0U, 1U, 0xffffU, 0x1'0000U, 0x7fff'ffffU}) {
    for (const std::uint32_t last : {0U, 5U, 0x7fff'ffffU, 0xffff'ffffU}) {
      const SeqNum iss = initial_sequence_above(SeqNum(last) - behind, SeqNum(last));
      EXPECT_TRUE(iss.after(SeqNum(last))) << last << " " << behind;
      EXPECT_LE(iss - SeqNum(last), 0x1'0000U) << last << " " << behind;
    }
  }
  EXPECT_NE(initial_sequence_above(SeqNum(1), SeqNum(9)), initial_sequence_above(SeqNum(2), SeqNum(9))) << "as unpredictable";
}

TEST(TimestampOffset, IsConstantForAFlowAndDiffersBetweenFlows) {
  EXPECT_EQ(timestamp_offset({kSecrets, kLocal}, flow(1)), timestamp_offset({kSecrets, kLocal}, flow(1)));
  EXPECT_NE(timestamp_offset({kSecrets, kLocal}, flow(1)), timestamp_offset({kSecrets, kLocal}, flow(2)));
  const SeqNum isn = initial_sequence({kSecrets, kLocal}, flow(1), Instant{0});
  EXPECT_NE(timestamp_offset({kSecrets, kLocal}, flow(1)), isn.value());
}

}  // namespace
}  // namespace sluice::tcp
