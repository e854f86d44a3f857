// SPDX-License-Identifier: BSD-3-Clause
// Two shards in lock-step over one port, a simulated host on the other end of the wire.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "bench.h"

namespace sluice::engine {
namespace {

TEST_F(Bench, OneQueueIsSpreadOverBothShardsByTheSameHash) {
  make(1, false);
  open(100);
  run(Duration::seconds(3));
  EXPECT_EQ(client_.answered, 100);
  EXPECT_GT(echos_[0]->accepted, 20);
  EXPECT_GT(echos_[1]->accepted, 20);
  EXPECT_EQ(echos_[0]->accepted + echos_[1]->accepted, 100);
  const Stats stats = group_->stats();
  EXPECT_GT(named(stats, 0, "handed_over"), 100U) << "shard 0 owns the queue";
  EXPECT_EQ(named(stats, 1, "handed_over"), 0U);
  EXPECT_GT(named(stats, 1, "neighbours_learned"), 0U) << "ARP reaches both";
  std::uint64_t verdicts = 0;
  for (const VerdictCount& v : stats.verdicts) verdicts += v.frames;
  EXPECT_EQ(verdicts, stats.ports[0].rx_frames);
  EXPECT_EQ(stats.tcp.PassiveOpens, 100U);
  for (unsigned s = 0; s < 2; ++s) {
    EXPECT_EQ(group_->shard(s).stack().broken_invariant(), nullptr);
    EXPECT_EQ(group_->shard(s).stack().live_connections(), 0U);
    EXPECT_EQ(stats.shards[s].buffers_in_use, 0U);
  }
}

// What a device knows of a frame goes along with its copy.
TEST_F(Bench, NeighboursReachBothShardsThoughTheDeviceTakesTagsOff) {
  vlan_ = 42;
  make(1, false);
  open(40);
  run(Duration::seconds(3));
  EXPECT_EQ(client_.answered, 40);
  EXPECT_GT(echos_[1]->accepted, 5);
  const Stats stats = group_->stats();
  for (unsigned s = 0; s < 2; ++s) EXPECT_GT(named(stats, s, "neighbours_learned"), 0U) << s;
}

// A thread may lose its core between the two: a frame must not be dealt with at a time before it arrived.
TEST_F(Bench, TheClockIsReadBehindTheBurst) {
  make(1, false);
  open(1);
  const std::vector<Bytes> request = host_->take_sent();
  ASSERT_EQ(request.size(), 1U) << "ARP's";
  std::thread other([&] { group_->run(1, [start = now_] { return start; }); });
  int turns = 0;
  Instant arrived;
  group_->run(0, [&] {
    const Instant now = now_ + Duration::milliseconds(++turns);
    if (turns == 10) {
      port_->inject(request[0], now_, 0);
      arrived = now;
    }
    if (turns == 20) group_->stop();
    return now;
  });
  other.join();
  int answers = 0;
  while (const auto sent = port_->take_sent()) {
    if (wire::load_be16(&sent->bytes[12]) != 0x0806 || sent->bytes[21] != 2) continue;
    ++answers;
    EXPECT_GT(sent->at, arrived);
  }
  EXPECT_EQ(answers, 1);
}

// So with what another shard hands over, here news about a neighbour.
TEST_F(Bench, WhatIsHandedOverBehindTheFetchWaitsForTheNextTurn) {
  make(1, false);
  open(1);
  port_->inject(host_->take_sent().front(), now_, 0);
  ShardLoop& other = group_->shard(1);
  other.fetch(now_);
  group_->shard(0).run_once(now_);
  other.turn(now_);
  EXPECT_TRUE(other.has_pending());
  other.run_once(now_ + Duration::milliseconds(1));
  EXPECT_FALSE(other.has_pending());
}

TEST_F(Bench, FragmentsAreReassembledAndReachTheShardOfTheirFlow) {
  for (const bool rss : {false, true}) {
    SCOPED_TRACE(rss);
    group_.reset();
    host_.reset();
    config_ = Config{};
    client_ = Client{};
    echos_.clear();
    make(rss ? 2 : 1, rss);
    cut_up_ = true;
    open(60);
    run(Duration::seconds(3));
    EXPECT_EQ(client_.answered, 60);
    EXPECT_GT(echos_[0]->accepted, 10);
    EXPECT_GT(echos_[1]->accepted, 10);
    const Stats stats = group_->stats();
    EXPECT_GE(named(stats, 0, "reassembled") + named(stats, 1, "reassembled"), 240U);
    EXPECT_TRUE(named(stats, 0, "reassembled") == 0 || named(stats, 1, "reassembled") == 0) << "one pair of addresses, one shard";
    std::uint64_t verdicts = 0;
    for (const VerdictCount& v : stats.verdicts) verdicts += v.frames;
    EXPECT_EQ(verdicts, stats.ports[0].rx_frames);
    for (unsigned s = 0; s < 2; ++s) {
      EXPECT_EQ(group_->shard(s).stack().broken_invariant(), nullptr);
      EXPECT_EQ(group_->shard(s).stack().live_connections(), 0U);
      EXPECT_EQ(stats.shards[s].buffers_in_use, 0U);
    }
  }
}

TEST_F(Bench, RouterAdvertisementsReachBothShards) {
  make(1, false);
  port_->inject(kRouterAdvertisement, now_, 0);
  run(Duration::milliseconds(1));
  const Stats stats = group_->stats();
  for (unsigned s = 0; s < 2; ++s) EXPECT_EQ(named(stats, s, "routers"), 1U) << s;
  EXPECT_EQ(named(stats, 0, "router_advertisements") + named(stats, 1, "router_advertisements"), 1U);
  EXPECT_EQ(named(stats, 0, "router_solicitations") + named(stats, 1, "router_solicitations"), 0U);
}

TEST_F(Bench, ASolicitationForRoutersIsSentByOneShard) {
  make(1, false);
  run(Duration::milliseconds(2100));
  const Stats stats = group_->stats();
  EXPECT_EQ(named(stats, 0, "router_solicitations") + named(stats, 1, "router_solicitations"), 1U);
}

TEST_F(Bench, AQueueEachNeedsNoHandOver) {
  make(2, true);
  open(60);
  run(Duration::seconds(3));
  EXPECT_EQ(client_.answered, 60);
  EXPECT_GT(echos_[0]->accepted, 10);
  EXPECT_GT(echos_[1]->accepted, 10);
  EXPECT_EQ(named(group_->stats(), 0, "handed_over"), 0U);
}

TEST_F(Bench, AnswersToActiveOpensComeBackToTheirShard) {
  for (const bool rss : {false, true}) {
    SCOPED_TRACE(rss);
    group_.reset();
    host_.reset();
    config_ = Config{};
    echos_.clear();
    make(rss ? 2 : 1, rss);
    ASSERT_TRUE(host_->listen(client_, Endpoint::parse("10.0.0.2:80").value(), {}, 128).ok());
    for (Echo* echo : echos_) {
      for (int i = 0; i < 25; ++i) {
        ASSERT_TRUE(echo->shard->connect(*echo, Endpoint::parse("10.0.0.2:80").value(), {IpAddress::v4(0, 0, 0, 0), 0}, {}).ok());
      }
    }
    run(Duration::seconds(2));
    EXPECT_EQ(echos_[0]->connected, 25);
    EXPECT_EQ(echos_[1]->connected, 25);
    EXPECT_EQ(group_->stats().tcp.ActiveOpens, 50U);
    EXPECT_EQ(group_->stats().tcp.AttemptFails, 0U);
  }
}

TEST_F(Bench, TasksRunOnTheShardTheyWerePostedTo) {
  make(1, false);
  unsigned ran_on = 99;
  ASSERT_TRUE(echos_[0]->shard->post(1, [&](Shard& shard) { ran_on = shard.index(); }));
  EXPECT_FALSE(echos_[0]->shard->post(7, [](Shard&) {})) << "no such shard";
  run(Duration::milliseconds(5));
  EXPECT_EQ(ran_on, 1U);
}

// A queue for two: what shard 1 sends leaves by shard 0's hand.
TEST_F(Bench, WhenSentWaitsUntilTheDeviceHasTheFramesOfEitherShard) {
  make(1, false);
  client_.closes = false;
  open(8);
  run(Duration::milliseconds(200));
  ASSERT_EQ(client_.answered, 8);
  ASSERT_TRUE(echos_[0]->accepted != 0 && echos_[1]->accepted != 0);
  std::vector<unsigned> told;
  std::vector<std::size_t> left;
  const auto turns = [this] {
    for (int i = 0; i < 20; ++i) group_->run_all_once(now_);
  };
  const auto reset_both = [&] {
    for (Echo* echo : echos_) {
      echo->shard->reset_service(*echo);
      echo->shard->when_sent([&, shard = echo->shard->index()] {
        told.push_back(shard);
        left.push_back(port_->sent_waiting());
      });
    }
    EXPECT_TRUE(told.empty()) << "within the call";
  };
  port_->set_transmit_room(0);
  reset_both();
  turns();
  EXPECT_TRUE(told.empty()) << "the device takes nothing";
  port_->set_transmit_room(7);
  turns();
  EXPECT_LE(told.size(), 1U) << "the last RST has not left";
  port_->set_transmit_room(1000);
  turns();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(left.back(), 8U);
  while (auto sent = port_->take_sent()) host_->receive(sent->bytes, now_);
  EXPECT_EQ(client_.closed, 8);

  told.clear();
  port_->set_transmit_room(0);
  open(8);
  run(Duration::milliseconds(200));
  reset_both();
  run(Duration::milliseconds(900));
  EXPECT_TRUE(told.empty());
  run(Duration::milliseconds(200));
  EXPECT_EQ(told.size(), 2U) << "a device that takes nothing holds nobody up for longer than a second";
}

TEST_F(Bench, AJobMayAddJobs) {
  make(1, false);
  int ran = 0;
  std::function<void()> again = [&] {
    if (++ran < 50) echos_[0]->shard->when_sent(again);
  };
  for (int i = 0; i < 3; ++i) echos_[0]->shard->when_sent(again);
  run(Duration::milliseconds(50));
  EXPECT_EQ(ran, 52) << "the one that reaches 50 and two that come after it";
}

TEST_F(Bench, ConnectionsOfAllShardsAreReportedOrNone) {
  make(1, false);
  client_.closes = false;
  open(8);
  run(Duration::milliseconds(200));
  ASSERT_EQ(client_.answered, 8);
  const auto none = group_->connections(std::chrono::milliseconds(20));
  ASSERT_FALSE(none.ok()) << "nobody runs the shards: a list that lacks some would lie";
  EXPECT_EQ(none.error().code, Errc::kTimedOut);
  std::atomic<bool> answered{false};
  Result<std::vector<ConnectionReport>> reports = none;
  std::vector<std::uint16_t> odd;
  int taken = 0;
  std::thread asking([&] {
    reports = group_->connections(std::chrono::seconds(60));
    const auto is_odd = [](const ConnectionReport& report) { return report.info.peer.port % 2 == 1; };
    const auto keep = [&odd](const std::vector<ConnectionReport>& some) {
      for (const ConnectionReport& report : some) odd.push_back(report.info.peer.port);
      return true;
    };
    EXPECT_TRUE(group_->for_each_connection(is_odd, keep, std::chrono::seconds(60)).ok());
    EXPECT_TRUE(group_->for_each_connection({}, [&taken](const auto&) { return ++taken == 0; }, std::chrono::seconds(60)).ok());
    answered = true;
  });
  while (!answered) run(Duration::milliseconds(1));
  asking.join();
  ASSERT_TRUE(reports.ok());
  EXPECT_EQ(reports->size(), 8U);
  std::vector<std::uint16_t> wanted;
  for (const ConnectionReport& report : *reports) {
    EXPECT_EQ(report.info.state, State::kEstablished);
    if (report.info.peer.port % 2 == 1) wanted.push_back(report.info.peer.port);
  }
  std::ranges::sort(odd);
  std::ranges::sort(wanted);
  EXPECT_EQ(odd, wanted) << "what is not wanted stays on its shard";
  EXPECT_EQ(taken, 1) << "who has enough is sent no more";
}

TEST_F(Bench, ADrainWaitsForConnectionsThenResetsThem) {
  make(1, false);
  client_.closes = false;  // stuck for ever
  open(8);  // as many as may wait for ARP
  run(Duration::milliseconds(200));
  ASSERT_EQ(client_.answered, 8);
  for (unsigned s = 0; s < 2; ++s) group_->shard(s).begin_drain(now_ + Duration::seconds(1));
  run(Duration::milliseconds(500));
  EXPECT_EQ(client_.closed, 0) << "still within the time";
  open(1);
  run(Duration::milliseconds(100));
  EXPECT_EQ(client_.closed, 1) << "refused: nothing new while draining";
  run(Duration::milliseconds(600));
  EXPECT_EQ(client_.closed, 9) << "reset at the deadline";
  EXPECT_EQ(echos_[0]->reasons.size() + echos_[1]->reasons.size(), 8U) << "and told so";
  const auto late = group_->shard(0).connect(*echos_[0], {IpAddress::v4(10, 0, 0, 9), 80}, {IpAddress::v4(0, 0, 0, 0), 0}, {});
  EXPECT_EQ(late.error().code, Errc::kConnectionAborted);
  EXPECT_TRUE(group_->shard(0).drained());
  EXPECT_TRUE(group_->shard(1).drained());
}

// A link that is down, or the other end of a memif gone: what is left to send never leaves.
TEST_F(Bench, ADrainEndsThoughTheDeviceTakesNothing) {
  make(1, false);
  client_.closes = false;
  open(8);
  run(Duration::milliseconds(200));
  ASSERT_EQ(client_.answered, 8);
  port_->set_transmit_room(0);
  for (unsigned s = 0; s < 2; ++s) group_->shard(s).begin_drain(now_ + Duration::seconds(1));
  run(Duration::milliseconds(1500));
  ASSERT_EQ(group_->shard(0).stack().live_connections() + group_->shard(1).stack().live_connections(), 0U);
  EXPECT_FALSE(group_->shard(0).drained()) << "the last RSTs are given a second";
  run(Duration::milliseconds(700));
  EXPECT_TRUE(group_->shard(0).drained());
  EXPECT_TRUE(group_->shard(1).drained());
}

TEST_F(Bench, ADrainTellsServicesOfEachConnectionOnce) {
  make(1, false);
  client_.closes = false;
  open(8);
  run(Duration::milliseconds(200));
  ASSERT_EQ(client_.answered, 8);
  for (unsigned s = 0; s < 2; ++s) {
    echos_[s]->leaves = true;
    group_->shard(s).begin_drain(now_ + Duration::seconds(1));
  }
  run(Duration::milliseconds(500));
  EXPECT_EQ(echos_[0]->told + echos_[1]->told, 8);
  EXPECT_EQ(client_.closed, 0) << "nobody was reset";
  EXPECT_TRUE(group_->shard(0).drained());
  EXPECT_TRUE(group_->shard(1).drained());
}

// One shard is done long ago when the other, which has no queue, hands it its last frames, and is done itself.
TEST_F(Bench, TheLastResetsOfAShardWithoutAQueueLeave) {
  drain_s_ = 0;
  make(1, false);
  client_.closes = false;
  open_on(1, 200);
  run(Duration::seconds(3));
  ASSERT_EQ(client_.answered, 200);
  ASSERT_EQ(echos_[1]->accepted, 200);
  group_->stop();
  // Shard 1 begins when shard 0 is done, and shard 0 loses its core until shard 1 has ended.
  std::atomic<bool> first_done{false}, second_ended{false};
  std::thread other([&] {
    group_->run(1, [&] {
      first_done.wait(false);
      return now_;
    });
    second_ended = true;
    second_ended.notify_all();
  });
  group_->run(0, [&, turn = 0, now = now_]() mutable {
    if (++turn == 5) {
      first_done = true;
      first_done.notify_all();
      second_ended.wait(false);
    }
    return now + Duration::microseconds(turn);
  });
  other.join();
  int resets = 0;
  while (const auto sent = port_->take_sent()) {
    constexpr std::size_t kTcpFlags = 14 + 20 + 13;
    if (wire::load_be16(&sent->bytes[12]) == 0x0800 && (sent->bytes[kTcpFlags] & 0x04U) != 0) ++resets;
  }
  EXPECT_EQ(resets, 200);
}

TEST_F(Bench, NobodyWaitsForConnectionsOfShardsThatHaveEnded) {
  drain_s_ = 0;
  make(1, false);
  group_->stop();
  std::thread other([&] { group_->run(1, [&] { return now_; }); });
  group_->run(0, [&] { return now_; });
  other.join();
  const auto reports = group_->connections(std::chrono::seconds(10));
  ASSERT_FALSE(reports.ok());
  EXPECT_EQ(reports.error().code, Errc::kNoDevice) << reports.error().message;
}

// The others learn of it by copies.
TEST_F(Bench, AnAddressConflictIsCountedOnce) {
  make(1, false);
  HostConfig thief;
  thief.addresses = {"10.0.0.1/24", "fd00::1/64"};
  thief.mac = {0x02, 0, 0, 0, 0, 3};
  Host rival(thief);
  rival.stack().start(now_, 1);
  for (const Bytes& frame : rival.take_sent()) port_->inject(frame, now_, 0);
  run(Duration::milliseconds(5));
  const Stats stats = group_->stats();
  EXPECT_EQ(named(stats, 0, "address_conflicts"), 2U) << "by ARP and by a neighbour solicitation";
  EXPECT_EQ(named(stats, 1, "address_conflicts"), 0U);
  EXPECT_EQ(named(stats, 0, "addresses_disabled"), 1U);
  EXPECT_EQ(named(stats, 1, "addresses_disabled"), 0U);
}

// A port of the caller's choice belongs to one shard: the answers come to that one whoever asked.
TEST_F(Bench, AnOpenFromAGivenPortIsRefusedAtOnceByTheShardsThatDoNotOwnIt) {
  make(1, false);
  const Endpoint server = Endpoint::parse("10.0.0.2:80").value();
  ASSERT_TRUE(host_->listen(client_, server, {}, 128).ok());
  int refused[2]{};
  for (std::uint16_t port = 5000; port < 5020; ++port) {
    for (unsigned s = 0; s < 2; ++s) {
      const auto opened = echos_[s]->shard->connect(*echos_[s], server, {IpAddress::v4(10, 0, 0, 1), port}, {});
      if (opened.ok()) continue;
      EXPECT_EQ(opened.error().code, Errc::kAddressNotAvailable);
      ++refused[s];
    }
  }
  EXPECT_EQ(refused[0] + refused[1], 20);
  EXPECT_GT(refused[0], 0);
  EXPECT_GT(refused[1], 0);
  run(Duration::seconds(3));
  EXPECT_EQ(echos_[0]->connected, 20 - refused[0]);
  EXPECT_EQ(echos_[1]->connected, 20 - refused[1]);
}

}  // namespace
}  // namespace sluice::engine
