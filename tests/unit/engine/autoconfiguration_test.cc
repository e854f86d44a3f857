// SPDX-License-Identifier: BSD-3-Clause
// Addresses of advertised prefixes with two shards, one of which decides.
#include <algorithm>
#include <string>
#include <vector>

#include "bench.h"

namespace sluice::engine {
namespace {

// With fd99::/64, preferred for as long as it is valid.
std::vector<std::uint8_t> prefix_advertisement(std::uint32_t valid_s) {
  std::vector<std::uint8_t> frame = kRouterAdvertisement;
  frame.insert(frame.end(), {3, 4, 64, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd, 0x99});
  frame.resize(frame.size() + 14);
  wire::store_be32(&frame[74], valid_s);
  wire::store_be32(&frame[78], valid_s);
  wire::store_be16(&frame[18], 48);
  wire::store_be16(&frame[56], 0);
  wire::store_checksum(&frame[56], wire::sum_bytes(&frame[54], 48) + wire::pseudo_sum_v6(&frame[22], &frame[38], 58, 48));
  return frame;
}

struct SlaacBench : Bench {
  SlaacBench() { slaac_ = true; }
  // Of fd99::/64; :: if there is none.
  IpAddress address() {
    const Stats stats = group_->stats();
    for (const SlaacAddress& each : stats.ports[0].slaac) {
      if (!each.address.is_link_local()) return each.address;
    }
    return {};
  }
  void connect(int n) {
    for (int i = 0; i < n; ++i) ASSERT_TRUE(host_->connect(client_, {address(), 7}, {IpAddress{}, 0}, {}).ok());
  }
  // What is asked for next in fd99::/64, from nobody.
  IpAddress probed() {
    for (const Instant end = now_ + Duration::seconds(3); now_ < end; now_ = now_ + Duration::milliseconds(1)) {
      for (int turns = 0; group_->run_all_once(now_) && turns < 100; ++turns) {
      }
      while (auto sent = port_->take_sent()) {
        if (sent->bytes.size() != 78 || sent->bytes[54] != 135 || sent->bytes[62] != 0xfd || sent->bytes[63] != 0x99) continue;
        IpAddress target;
        std::copy_n(sent->bytes.begin() + 62, 16, target.bytes.begin());
        return target;
      }
    }
    return {};
  }
};

TEST_F(SlaacBench, AnAutoconfiguredAddressIsServedByBothShards) {
  std::vector<IpAddress> addresses;
  for (const bool rss : {false, true}) {
    SCOPED_TRACE(rss);
    group_.reset();
    host_.reset();
    config_ = Config{};
    client_ = Client{};
    echos_.clear();
    make(rss ? 2 : 1, rss);
    // With two queues the one hears it that does not decide.
    port_->inject(prefix_advertisement(86'400), now_, rss ? 1 : 0);
    run(Duration::seconds(3));
    addresses.push_back(address());
    ASSERT_NE(address(), IpAddress{});
    connect(60);
    run(Duration::seconds(3));
    EXPECT_EQ(client_.answered, 60);
    EXPECT_GT(echos_[0]->accepted, 10);
    EXPECT_GT(echos_[1]->accepted, 10);
    const Stats stats = group_->stats();
    for (unsigned s = 0; s < 2; ++s) {
      EXPECT_EQ(named(stats, s, "slaac_addresses"), 2U) << "and a link-local one";
      EXPECT_EQ(group_->shard(s).stack().broken_invariant(), nullptr);
    }
    ASSERT_EQ(stats.ports[0].slaac.size(), 2U);
    EXPECT_FALSE(stats.ports[0].slaac[1].deprecated);
  }
  EXPECT_EQ(addresses[0], addresses[1]) << "the same key, the same prefix, the same interface";
}

TEST_F(SlaacBench, ItsEndIsThatOfItsConnectionsOnBothShards) {
  make(1, false);
  client_.closes = false;
  port_->inject(prefix_advertisement(10), now_, 0);
  run(Duration::seconds(3));
  connect(40);
  run(Duration::seconds(2));
  EXPECT_EQ(client_.answered, 40);
  EXPECT_GT(echos_[0]->accepted, 5);
  EXPECT_GT(echos_[1]->accepted, 5);
  run(Duration::seconds(6));
  for (const Echo* echo : echos_) {
    EXPECT_EQ(echo->reasons, std::vector<Errc>(static_cast<std::size_t>(echo->accepted), Errc::kAddressNotAvailable));
  }
  const Stats stats = group_->stats();
  for (unsigned s = 0; s < 2; ++s) EXPECT_EQ(named(stats, s, "slaac_addresses"), 1U);
  EXPECT_EQ(address(), IpAddress{});
}

TEST_F(SlaacBench, AConflictThatTheOtherShardHearsCounts) {
  make(2, true);
  port_->inject(prefix_advertisement(86'400), now_, 1);
  const IpAddress first = probed();
  ASSERT_NE(first, IpAddress{});
  HostConfig thief;
  thief.addresses = {first.to_string() + "/64"};
  thief.mac = {0x02, 0, 0, 0, 0, 3};
  Host rival(thief);
  rival.stack().start(now_, 1);  // it tries the same
  for (const Bytes& frame : rival.take_sent()) port_->inject(frame, now_, 1);
  const IpAddress second = probed();
  EXPECT_NE(second, first);
  run(Duration::seconds(2));
  EXPECT_EQ(address(), second);
  const Stats stats = group_->stats();
  EXPECT_EQ(named(stats, 0, "slaac_conflicts"), 1U) << "it speaks";
  EXPECT_EQ(named(stats, 1, "slaac_conflicts"), 0U);
  for (unsigned s = 0; s < 2; ++s) EXPECT_EQ(named(stats, s, "slaac_addresses"), 2U);
}

TEST_F(SlaacBench, WhoseMailboxIsFullHearsOfItLater) {
  make(1, false);
  port_->inject(prefix_advertisement(86'400), now_, 0);
  ShardLoop& decides = group_->shard(0);
  ShardLoop& other = group_->shard(1);
  while (decides.post(1, [](Shard&) {})) {
  }
  for (int ms = 0; ms < 3000; ++ms) {  // the other one has lost its core
    decides.run_once(now_);
    now_ = now_ + Duration::milliseconds(1);
  }
  EXPECT_EQ(decides.stack().autoconfigured(0).n_addresses, 2);
  EXPECT_EQ(other.stack().autoconfigured(0).n_addresses, 0);
  run(Duration::milliseconds(20));
  EXPECT_EQ(other.stack().autoconfigured(0), decides.stack().autoconfigured(0));
  EXPECT_EQ(decides.stack().slaac_news(), 0U);
}

}  // namespace
}  // namespace sluice::engine
