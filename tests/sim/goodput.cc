// SPDX-License-Identifier: BSD-3-Clause
#include "sim/goodput.h"

#include <algorithm>

namespace sluice::test {

namespace {
constexpr std::uint64_t kRate = 400'000'000;
constexpr std::uint32_t kBuffer = 32U << 20U;
constexpr Instant at_ms(std::int64_t ms) { return Instant{ms * 1'000'000}; }

NetworkConfig wire(const Cell& cell) {
  NetworkConfig link;
  link.bits_per_second = kRate;
  link.delay = Duration::microseconds(cell.rtt_ms * 500);
  link.buffer_bytes = static_cast<std::uint32_t>(std::max<std::uint64_t>(256'000, kRate / 8000 * static_cast<std::uint64_t>(cell.rtt_ms)));
  link.one_way = true;
  link.loss = cell.loss;
  link.reorder = cell.reorder ? 10 : 0;
  link.reorder_by = Duration::microseconds(std::max<std::int64_t>(300, cell.rtt_ms * 250));
  return link;
}
}  // namespace

Outcome run(const Cell& cell, std::int64_t every_ms, const Watch& watch) {
  Ends ends;
  ends.rcvbuf = kBuffer;
  ends.buffers = 96'000;
  ends.seed = cell.seed;
  Bottleneck net(wire(cell), {{cell.algorithm, at_ms(0), kBuffer}}, ends);
  if (every_ms != 0) {
    for (std::int64_t ms = every_ms; ms < cell.ms; ms += every_ms) {
      net.run_until(at_ms(ms));
      watch(ms, net.sender().slabs().tcbs[0], net.sender(), net.counts());
    }
  }
  net.run_until(at_ms(cell.ms));
  Outcome out;
  const double bits = 8.0 * static_cast<double>(net.received().front());
  out.mbit = bits / static_cast<double>(cell.ms) / 1000;
  // The first byte arrives after one and a half round trips.
  const double usable = static_cast<double>(cell.ms) - 1.5 * static_cast<double>(cell.rtt_ms);
  out.share = bits / (static_cast<double>(kRate) / 1000 * usable * 1448 / 1514);
  out.dropped = net.counts().lost + net.counts().overflowed;
  const tcp::Counters& counters = net.sender().counters();
  out.resent = counters.mib.RetransSegs;
  out.timeouts = counters.rto_timeouts;
  out.recoveries = counters.fast_retransmits;
  out.lost_again = counters.lost_retransmissions;
  out.undone = counters.undone_by_timestamps + counters.undone_by_dsack + counters.undone_by_frto;
  out.broken = net.broken();
  return out;
}

}  // namespace sluice::test
