// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/conn_filter.h"
#include "cli/stats_json.h"
#include "cli/stats_view.h"
#include "reports.h"

namespace sluice::cli {
namespace {

TEST(StatsJson, HasTheDocumentedKeysInTheirOrder) {
  EXPECT_EQ(stats_json(sample_stats()).dump(),
            R"({"tcp":{"ActiveOpens":1,"PassiveOpens":2,"AttemptFails":3,"EstabResets":4,"CurrEstab":5,"InSegs":6,)"
            R"("OutSegs":7,"RetransSegs":8,"InErrs":9,"OutRsts":10},)"
            R"("states":{"CLOSED":20,"LISTEN":21,"SYN_SENT":22,"SYN_RCVD":23,"ESTABLISHED":24,"FIN_WAIT_1":25,)"
            R"("FIN_WAIT_2":26,"CLOSE_WAIT":27,"CLOSING":28,"LAST_ACK":29,"TIME_WAIT":30},)"
            R"("verdicts":{"accepted":100,"bad_checksum":0},)"
            R"("ports":[{"name":"front","device":"net_tap0","link_up":true,"rx_frames":41,"rx_bytes":42,)"
            R"("tx_frames":43,"tx_bytes":44,"rx_missed":45,"rx_no_buffer":46,"tx_dropped":47,)"
            R"("slaac":[{"address":"fd99::48","deprecated":false},{"address":"fd99::49","deprecated":true}]}],)"
            R"("shards":[{"index":0,"loops":1000,"busy_loops":255,"rx_frames":51,"tx_frames":52,"buffers_in_use":53,)"
            R"("counters":{"arp_cache_full":61}}]})");
}

TEST(StatsJson, AnEmptyInstanceStillHasEveryKey) {
  const auto json = stats_json(Stats{});
  EXPECT_TRUE(json.at("verdicts").is_object());
  EXPECT_TRUE(json.at("ports").is_array());
  EXPECT_EQ(json.at("states").size(), kStates);
}

TEST(ConnectionJson, HasTheDocumentedKeysInTheirOrder) {
  EXPECT_EQ(connection_json(sample_connection()).dump(),
            R"({"local":"10.77.0.1:80","peer":"10.77.0.2:40000","state":"ESTABLISHED","service":"web","shard":1,)"
            R"("age_ms":10,"snd_una":1,"snd_nxt":2,"rcv_nxt":3,"cwnd":4,"srtt_us":5,"rto_us":6,"retransmits":7,)"
            R"("rx_queued":8,"tx_queued":9})");
}

TEST(StatsTable, ShowsWhatHappenedAndWhatItMeans) {
  const std::string table = stats_table(stats_json(sample_stats(), true));
  EXPECT_NE(table.find("\n  PassiveOpens   2\n"), std::string::npos) << table;
  EXPECT_NE(table.find("accepted     100  info      delivered to a connection"), std::string::npos) << table;
  EXPECT_EQ(table.find("bad_checksum"), std::string::npos) << "a verdict that never came";
  EXPECT_NE(table.find("front  up "), std::string::npos) << table;
  EXPECT_NE(table.find("\nslaac\n  port   address   deprecated\n  front  fd99::48  no\n  front  fd99::49  yes\n"), std::string::npos)
      << table;
  EXPECT_NE(table.find("25.5"), std::string::npos) << table;
  EXPECT_NE(table.find("arp_cache_full  61"), std::string::npos) << table;
}

TEST(StatsTable, TakesAnAnswerOfAnotherVersion) {
  EXPECT_NE(stats_table(nlohmann::ordered_json::parse(R"({"tcp":{"New":5},"ports":[{}]})")).find("New"),
            std::string::npos);
}

TEST(ConnsTable, AlignsItsColumns) {
  const std::string table = conns_table({connection_json(sample_connection()),
                                         connection_json(sample_connection(State::kTimeWait, 5, "longer"))});
  EXPECT_EQ(table,
            "local         peer             state        service  shard  age_ms  cwnd  srtt_us  rto_us  retransmits  "
            "rx_queued  tx_queued\n"
            "10.77.0.1:80  10.77.0.2:40000  ESTABLISHED  web          1      10     4        5       6            7  "
            "        8          9\n"
            "10.77.0.1:80  10.77.0.2:5      TIME_WAIT    longer       1      10     4        5       6            7  "
            "        8          9\n");
}

bool passes(const std::vector<std::string>& terms, const ConnectionReport& report) {
  const Result<ConnFilter> filter = ConnFilter::parse(terms);
  EXPECT_TRUE(filter.ok());
  return filter->passes(report);
}

TEST(ConnFilter, MatchesEachTermAndAllOfThem) {
  const ConnectionReport report = sample_connection();
  for (const char* yes : {"state=ESTABLISHED", "service=web", "local=10.77.0.1:80", "local=10.77.0.1", "peer=10.77.0.2",
                          "peer=10.77.0.2:40000"}) {
    EXPECT_TRUE(passes({yes}, report)) << yes;
    EXPECT_TRUE(passes({yes, "state=ESTABLISHED"}, report)) << yes;
    EXPECT_FALSE(passes({yes, "state=LISTEN"}, report)) << yes;
  }
  for (const char* no : {"state=LISTEN", "service=we", "local=10.77.0.1:81", "local=10.77.0.2", "peer=10.77.0.1",
                         "peer=10.77.0.2:4000", "peer=fd77::1"}) {
    EXPECT_FALSE(passes({no}, report)) << no;
  }
  EXPECT_TRUE(passes({}, report));
  for (const char* other : {"state=LISTEN", "service=we", "local=10.77.0.2", "peer=10.77.0.3:40000"}) {
    const std::string key = std::string(other).substr(0, std::string(other).find('='));
    const std::string own = key == "state" ? "ESTABLISHED" : key == "service" ? "web" : key == "local" ? "10.77.0.1" : "10.77.0.2";
    EXPECT_FALSE(passes({other, key + "=" + own}, report)) << other;
    EXPECT_FALSE(passes({key + "=" + own, other}, report)) << other;
  }
  EXPECT_TRUE(passes({"local=10.77.0.1", "local=10.77.0.1:80", "state=ESTABLISHED", "state=ESTABLISHED"}, report));
}

}  // namespace
}  // namespace sluice::cli
