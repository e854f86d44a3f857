// SPDX-License-Identifier: BSD-3-Clause
// robustness_run --seed N --frames N [--check-every N]: hostile frames against one host. Every frame must
// end in one verdict, every answer must be well-formed, every invariant must hold, and
// nothing may be left at the end. What a seed does it does again.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "robustness/attacker.h"
#include "robustness/victim.h"
#include "support/host.h"

namespace sluice::test {
namespace {


struct Attack {
  std::uint64_t seed;
  Rng rng{seed};
  Host host;
  Victim victim{host, seed + 1};
  Attacker attacker;
  Instant now{};
  std::uint64_t frames = 0, delivered = 0, answers = 0;
  std::string failure;
  std::uint64_t check_every = 500;

  explicit Attack(std::uint64_t n) : seed(n), host(config(n)), attacker(n + 2, host.mac(), config(n).vlan) {
    host.add_service(victim);
  }

  // Small enough that every limit is met; every second seed has few buffers, every third a VLAN.
  static HostConfig config(std::uint64_t seed) {
    HostConfig out;
    out.seed = seed;
    out.buffers = seed % 2 == 0 ? 1536 : 16384;
    out.vlan = seed % 3 == 0 ? 7 : 0;
    out.mtu = seed % 4 == 0 ? 1280 : 1500;
    out.stack.max_connections = 128;
    out.stack.syn_cache = 64;
    out.stack.side_blocks = 40;
    out.stack.send_maps = 40;
    out.stack.msl_ms = 2000;
    out.stack.neighbour_sets = 2;
    return out;
  }

  void fail(const char* what) {
    if (failure.empty()) failure = std::string(what) + " after frame " + std::to_string(frames);
  }

  void pass_time() {
    const std::uint32_t pace = rng.below(10'000);
    Duration step = Duration::microseconds(rng.below(400));
    if (pace < 20) step = Duration::milliseconds(rng.below(3000));
    if (pace == 20) step = Duration::seconds(rng.below(400));
    now = now + step;
    host.advance(now);
  }

  void answers_out() {
    for (const auto& frame : host.take_sent()) {
      ++answers;
      if (!attacker.learn(frame)) fail("the host sent a frame that is not well-formed");
    }
  }

  [[nodiscard]] std::uint64_t verdicts() {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : host.stack().verdicts()) sum += count;
    return sum;
  }

  void check() {
    if (verdicts() != host.stack().received()) fail("a frame has no verdict, or two");
    if (const char* broken = host.broken_invariant()) fail(broken);
  }

  void one_frame() {
    ++frames;
    const std::uint64_t before = host.stack().received();
    host.receive(attacker.next(), now);
    delivered += host.stack().received() - before;
    answers_out();
    if (rng.per_mille(50)) victim.stir();
    pass_time();
    answers_out();
    if (frames % check_every == 0) check();
  }

  void end() {
    check();
    host.stack().abort_all();
    victim.let_go();
    answers_out();
    // Frames that wait for a neighbour's address are given up within seconds.
    for (int i = 0; i < 10; ++i) {
      now = now + Duration::seconds(1);
      host.advance(now);
      answers_out();
    }
    check();
    if (const char* left = host.leftover()) fail(left);
  }

  // Whether it was an attack at all: all of these must have happened.
  void judge_reach() {
    using tcp::Verdict;
    for (const Verdict verdict :
         {Verdict::kData, Verdict::kDataOutOfOrder, Verdict::kFinAccepted, Verdict::kReset, Verdict::kRstChallenge,
          Verdict::kSynRcvdEstablished, Verdict::kListenCookieSent, Verdict::kSynSentEstablished, Verdict::kTimeWaitAck,
          Verdict::kPaws, Verdict::kArpHandled, Verdict::kNdHandled, Verdict::kIcmpEchoAnswered,
          Verdict::kIcmpErrorHandled, Verdict::kTcpChecksumBad, Verdict::kIpv6ExtensionBad}) {
      if (host.stack().verdicts()[static_cast<std::size_t>(verdict)] == 0) {
        fail(tcp::kVerdicts[static_cast<std::size_t>(verdict)].name);
        failure += ": no frame got so far";
      }
    }
  }
};

int run(std::uint64_t seed, std::uint64_t frames, std::uint64_t check_every) {
  Attack attack(seed);
  attack.check_every = check_every;
  while (attack.frames < frames && attack.failure.empty()) attack.one_frame();
  if (attack.failure.empty()) attack.end();
  if (attack.failure.empty() && frames >= 100'000) attack.judge_reach();
  const auto& counts = attack.host.stack().verdicts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    std::printf("  %9llu  %s\n", static_cast<unsigned long long>(counts[i]), tcp::kVerdicts[i].name);
  }
  std::printf("seed %llu: %llu frames, %llu delivered, %llu answers, %llu bytes read, %lld s of virtual time: %s\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(attack.frames),
              static_cast<unsigned long long>(attack.delivered), static_cast<unsigned long long>(attack.answers),
              static_cast<unsigned long long>(attack.victim.bytes_read()),
              static_cast<long long>(attack.now.ms() / 1000), attack.failure.empty() ? "ok" : attack.failure.c_str());
  return attack.failure.empty() ? 0 : 1;
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::uint64_t frames = 250'000;
  std::uint64_t check_every = 500;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--check-every") == 0) check_every = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--frames") == 0) frames = std::strtoull(argv[i + 1], nullptr, 10);
  }
  return sluice::test::run(seed, frames, check_every);
}
