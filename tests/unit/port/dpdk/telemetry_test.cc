// SPDX-License-Identifier: BSD-3-Clause
// The commands over the real socket, in one process.
#include "port/dpdk/telemetry.h"

#include <rte_eal.h>
#include <rte_telemetry.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dpdk_test.h"

namespace sluice::port {
namespace {

Stats sample() {
  Stats stats;
  stats.tcp.ActiveOpens = 1;
  stats.tcp.InSegs = 18446744073709551615U;
  stats.states.at(static_cast<std::size_t>(State::kEstablished)) = 24;
  stats.verdicts = {{"Accepted", "info", "", 100}, {"BadChecksum", "drop", "", 3}};
  PortStats port;
  port.name = "front";
  port.device = "net_memif0," + std::string(300, 'x');
  port.link_up = true;
  port.rx_frames = 41;
  stats.ports = {port, port};
  ShardStats shard;
  shard.loops = 1000;
  shard.counters = {{"arp_cache_full", 61}};
  stats.shards = {shard, shard};
  stats.shards[1].index = 1;
  return stats;
}

class TelemetryTest : public DpdkTest {
 protected:
  void SetUp() override {
    DpdkTest::SetUp();
    socket_ = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = std::string(rte_eal_get_runtime_dir()) + "/dpdk_telemetry.v2";
    ASSERT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ASSERT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
    ASSERT_NE(receive().find("max_output_len"), std::string::npos);
  }
  void TearDown() override {
    ::close(socket_);
    DpdkTest::TearDown();
  }
  std::string ask(const std::string& command) const {
    EXPECT_EQ(::send(socket_, command.data(), command.size(), 0), static_cast<ssize_t>(command.size()));
    return receive();
  }

 private:
  std::string receive() const {
    std::string answer(1U << 16U, '\0');
    const ssize_t n = ::recv(socket_, answer.data(), answer.size(), 0);
    answer.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    std::erase(answer, ' ');
    return answer;
  }

  int socket_ = -1;
};

TEST_F(TelemetryTest, StatsHaveTheMibsNamesAndEveryState) {
  const Telemetry telemetry(sample);
  EXPECT_EQ(ask("/sluice/stats"),
            R"({"/sluice/stats":{"ActiveOpens":1,"PassiveOpens":0,"AttemptFails":0,"EstabResets":0,"CurrEstab":0,)"
            R"("InSegs":18446744073709551615,"OutSegs":0,"RetransSegs":0,"InErrs":0,"OutRsts":0,"states":{)"
            R"("CLOSED":0,"LISTEN":0,"SYN_SENT":0,"SYN_RCVD":0,"ESTABLISHED":24,"FIN_WAIT_1":0,"FIN_WAIT_2":0,)"
            R"("CLOSE_WAIT":0,"CLOSING":0,"LAST_ACK":0,"TIME_WAIT":0}}})");
}

TEST_F(TelemetryTest, VerdictsAreCountedByName) {
  const Telemetry telemetry(sample);
  EXPECT_EQ(ask("/sluice/verdicts"), R"({"/sluice/verdicts":{"Accepted":100,"BadChecksum":3}})");
}

TEST_F(TelemetryTest, PortsAreRowsWhoseLongNamesAreCut) {
  const Telemetry telemetry(sample);
  const std::string answer = ask("/sluice/ports");
  const std::string row = R"({"name":"front","device":"net_memif0,)" + std::string(RTE_TEL_MAX_STRING_LEN - 1 - 11, 'x') +
                          R"(","link_up":1,"rx_frames":41,"rx_bytes":0,"tx_frames":0,"tx_bytes":0,"rx_missed":0,)"
                          R"("rx_no_buffer":0,"tx_dropped":0})";
  EXPECT_EQ(answer, R"({"/sluice/ports":{"0":)" + row + R"(,"1":)" + row + "}}");
}

TEST_F(TelemetryTest, ShardsAreRowsAndOneShardHasItsCounters) {
  const Telemetry telemetry(sample);
  const std::string rest = R"(,"loops":1000,"busy_loops":0,"rx_frames":0,"tx_frames":0,"buffers_in_use":0)";
  EXPECT_EQ(ask("/sluice/shards"), R"({"/sluice/shards":{"0":{"index":0)" + rest + R"(},"1":{"index":1)" + rest + "}}}");
  EXPECT_EQ(ask("/sluice/shards,1"),
            R"({"/sluice/shards":{"index":1)" + rest + R"(,"counters":{"arp_cache_full":61}}})");
  for (const char* wrong : {"2", "x", "1x", "-1"}) {
    EXPECT_EQ(ask(std::string("/sluice/shards,") + wrong), R"({"/sluice/shards":null})") << wrong;
  }
}

TEST_F(TelemetryTest, AFullMachinesAnswersFit) {
  Stats stats = sample();
  stats.verdicts.assign(200, {"AVerdictWithARatherLongName", "drop", "", ~std::uint64_t{0}});
  ShardStats shard;
  shard.index = 127;
  shard.loops = shard.busy_loops = shard.rx_frames = shard.tx_frames = shard.buffers_in_use = ~std::uint64_t{0};
  stats.shards.assign(128, shard);
  const Telemetry telemetry([&stats] { return stats; });
  const auto rows = [&](const std::string& command, const std::string& key) {
    const std::string answer = ask(command);
    EXPECT_TRUE(answer.ends_with("}}")) << answer.substr(answer.size() - 50);
    std::size_t n = 0;
    for (std::size_t at = answer.find(key); at != std::string::npos; at = answer.find(key, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(rows("/sluice/verdicts", "AVerdict"), 200U);
  EXPECT_EQ(rows("/sluice/shards", "\"buffers_in_use\""), 80U);
}

TEST_F(TelemetryTest, ALateQueryFindsNobody) {
  { const Telemetry telemetry(sample); }
  EXPECT_EQ(ask("/sluice/stats"), R"({"/sluice/stats":null})");
  const Telemetry again(sample);
  EXPECT_EQ(ask("/sluice/verdicts").find("null"), std::string::npos);
}

TEST_F(TelemetryTest, AFailingSourceIsNoAnswer) {
  const Telemetry telemetry([]() -> Stats { throw std::bad_alloc(); });
  EXPECT_EQ(ask("/sluice/stats"), R"({"/sluice/stats":null})");
}

}  // namespace
}  // namespace sluice::port
