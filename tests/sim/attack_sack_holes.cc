// SPDX-License-Identifier: BSD-3-Clause
// Scoreboards filled on purpose (SegmentSmack, CVE-2018-5390; SACK Panic, CVE-2019-11477): the smallest segments that an
// MSS option gets, a window full of them outstanding, and reports of every other one in any order, so that each
// leaves a hole. Records are bounded by connection and in all, and so is what is sent again.
#include "sim/receivers.h"
#include "wire/bytes.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kNumber = 100;
constexpr std::uint32_t kMaps = 64;
constexpr std::uint32_t kReports = 1500;  // before everything is acknowledged and it begins anew

class SackHoles : public ::testing::TestWithParam<std::tuple<bool, std::uint8_t>> {
 protected:
  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = std::get<0>(GetParam());
    config.victim.buffers = 40'000;
    config.victim.stack.max_connections = 512;
    config.victim.stack.send_maps = kMaps;
    config.attack_every = Duration::milliseconds(1);
    return config;
  }
  [[nodiscard]] static Receivers::Plan plan(std::uint64_t& reports) {
    const std::uint8_t mss = std::get<1>(GetParam());
    auto answer = [&reports, since = std::vector<std::uint32_t>(kNumber)](Siege& s, Receivers& receivers, Receivers::One& one,
                                                                          std::uint32_t) mutable {
      // A window has to open first.
      std::uint32_t& n = since[static_cast<std::size_t>(&one - receivers.all().data())];
      if (one.una < 200'000 || ++n > kReports) {
        n = 0;
        one.acked = one.una;
        return receivers.ack(s, one, one.una);
      }
      ++reports;
      receivers.ack(s, one, one.acked, blocks(s, one));
    };
    return {.number = kNumber, .syn_options = {2, 4, 0, mss, 4, 2, 1, 1}, .answer = std::move(answer)};
  }
  // Four blocks of sixteen bytes, each with as many missing on either side.
  static std::vector<std::uint8_t> blocks(Siege& siege, const Receivers::One& one) {
    std::vector<std::uint8_t> options{1, 1, 5, 34};
    const std::uint32_t places = (one.una - one.acked) / 32;
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t left = one.acked + 16 + 32 * (places == 0 ? 0 : siege.rng().below(places));
      options.resize(options.size() + 8);
      wire::store_be32(&options[options.size() - 8], one.iss + left);
      wire::store_be32(&options[options.size() - 4], one.iss + left + 16);
    }
    return options;
  }
};

TEST_P(SackHoles, RecordsAndRetransmissionsAreBounded) {
  std::uint64_t reports = 0;
  std::uint32_t most_maps = 0;
  std::uint32_t most_records = 0;
  Siege siege(config());
  Receivers receivers(plan(reports));
  siege.run(
      [&](Siege& s) {
        receivers.tick(s);
        const stack::Slabs& slabs = s.victim().stack().slabs();
        most_maps = std::max(most_maps, slabs.maps.used());
        for (std::uint32_t i = 0; i < slabs.maps.high_water(); ++i) most_records = std::max<std::uint32_t>(most_records, slabs.maps[i].n);
      },
      [&](Siege& s, const script::Heard& h) { receivers.hear(s, h); });
  EXPECT_GT(reports, 50'000U);
  EXPECT_EQ(most_maps, kMaps);
  EXPECT_GT(most_records, 300U);  // it came to the bounds
  EXPECT_LE(most_records, tcp::SendRecords::kMaxRecords);
  EXPECT_GT(siege.counter("send_maps_exhausted"), 0U);
  // What is sent once, and no more than two segments again for a report.
  EXPECT_LE(siege.answers(), 2 * reports + receivers.bytes() / 64) << reports << " reports";
  expect_unharmed(config(), siege,
                  {.buffers = kNumber * (2 * 65536 / 2048 + 8), .connections = kNumber, .sides = kNumber, .maps = kMaps});
}

INSTANTIATE_TEST_SUITE_P(Ip, SackHoles, ::testing::Combine(::testing::Bool(), ::testing::Values(1, 48, 88)), [](const auto& p) {
  return std::string(std::get<0>(p.param) ? "V6" : "V4").append("Mss").append(std::to_string(std::get<1>(p.param)));
});

}  // namespace
}  // namespace sluice::test
