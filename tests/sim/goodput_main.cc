// SPDX-License-Identifier: BSD-3-Clause
// The matrix of bench/compare/goodput.py in virtual time, a line a cell; with --trace the sender of each as it goes.
//   sim_goodput [--cc reno,cubic,bbr] [--loss 0,1,10,30] [--rtt-ms 1,20,100] [--reorder 0,1] [--seeds 3] [--ms 4000] [--trace MS]
// Loss is in thousandths.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/goodput.h"

namespace sluice::test {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) out.push_back(word);
  return out;
}

CongestionControl algorithm(const std::string& name) {
  if (name == "cubic") return CongestionControl::kCubic;
  if (name == "bbr") return CongestionControl::kBbr;
  if (name == "dctcp") return CongestionControl::kDctcp;
  return CongestionControl::kNewReno;
}

void trace(std::int64_t ms, const tcp::Tcb& tcb, const stack::Stack& stack, const NetworkCounts& counts) {
  std::uint32_t lost = 0;
  std::uint32_t sacked = 0;
  unsigned records = 0;
  if (tcb.sends != kNoIndex) {
    const tcp::SendMap& map = stack.slabs().maps[tcb.sends];
    lost = map.lost;
    sacked = map.sacked;
    records = map.n;
  }
  const char* state = (tcb.flags & tcp::kInRecovery) != 0 ? "fast" : (tcb.flags & tcp::kInRtoRecovery) != 0 ? "rto" : "";
  fmt::print("{:6} ms  una {:6}k cwnd {:6} ssthresh {:10} flight {:6} sacked {:6} lost {:6} records {:5} srtt {:6} us {:4} resent {:6} "
             "dropped {:6} rto {} recoveries {} lost again {} undone {} dsacks {} reo {}\n",
             ms, tcb.snd_una.value() / 1000, tcb.cwnd / 1448, tcb.ssthresh / 1448, (tcb.snd_nxt - tcb.snd_una) / 1448, sacked / 1448,
             lost / 1448, records, tcb.srtt_us8 / 8, state, stack.counters().mib.RetransSegs, counts.lost + counts.overflowed,
             stack.counters().rto_timeouts, stack.counters().fast_retransmits, stack.counters().lost_retransmissions,
             stack.counters().undone_by_timestamps + stack.counters().undone_by_dsack, stack.counters().dsacks_received,
             tcb.reordered == 0 ? 0U : tcb.reo_mult + 1U);
}

struct Options {
  std::string cc = "reno,cubic,bbr", loss = "0,1,10,30", rtt_ms = "1,20,100", reorder = "0,1";
  std::uint64_t seeds = 3;
  std::int64_t ms = 4000, trace_ms = 0;
};

void cell_line(Cell cell, const std::string& name, const Options& options) {
  double mbit = 0;
  Outcome sum;
  for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
    cell.seed = seed;
    const Outcome one = run(cell, options.trace_ms, trace);
    mbit += one.mbit / static_cast<double>(options.seeds);
    sum.share += one.share / static_cast<double>(options.seeds);
    sum.resent += one.resent;
    sum.dropped += one.dropped;
    sum.timeouts += one.timeouts;
    sum.recoveries += one.recoveries;
    sum.lost_again += one.lost_again;
    sum.undone += one.undone;
    if (one.broken != nullptr) fmt::print("BROKEN: {}\n", one.broken);
  }
  fmt::print("{:6} {:5.1f} % {:4} ms {:8} {:8.1f} Mbit/s  {:5.3f}  resent {:6} dropped {:6} rto {:3} recoveries {:4} "
             "lost again {:5} undone {:3}\n",
             name, cell.loss / 10.0, cell.rtt_ms, cell.reorder ? "reorder" : "", mbit, sum.share, sum.resent, sum.dropped, sum.timeouts,
             sum.recoveries, sum.lost_again, sum.undone);
  std::fflush(stdout);
}

int main(const Options& options) {
  for (const std::string& name : words(options.cc)) {
    for (const std::string& rtt : words(options.rtt_ms)) {
      for (const std::string& loss : words(options.loss)) {
        for (const std::string& reorder : words(options.reorder)) {
          Cell cell;
          cell.algorithm = algorithm(name);
          cell.loss = static_cast<std::uint32_t>(std::stoul(loss));
          cell.rtt_ms = std::stol(rtt);
          cell.reorder = reorder != "0";
          cell.ms = options.ms;
          cell_line(cell, name, options);
        }
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) {
  sluice::test::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const std::string value = argv[i + 1];
    if (key == "--cc") options.cc = value;
    else if (key == "--loss") options.loss = value;
    else if (key == "--rtt-ms") options.rtt_ms = value;
    else if (key == "--reorder") options.reorder = value;
    else if (key == "--seeds") options.seeds = std::stoul(value);
    else if (key == "--ms") options.ms = std::stol(value);
    else if (key == "--trace") options.trace_ms = std::stol(value);
    else return 2;
  }
  return sluice::test::main(options);
}
