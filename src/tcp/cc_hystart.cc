// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/cc_hystart.h"

#include <algorithm>

#include "base/modular.h"
#include "tcp/cc_reno.h"
#include "tcp/sending.h"

namespace sluice::tcp::hystart {

namespace {

// RFC 9406 4.3
constexpr std::uint32_t kMinRttThreshUs = 4'000;
constexpr std::uint32_t kMaxRttThreshUs = 16'000;
constexpr std::uint32_t kMinRttDivisor = 8;
constexpr std::uint8_t kRttSamples = 8;
constexpr std::uint32_t kCssGrowthDivisor = 4;
constexpr std::uint8_t kCssRounds = 5;
// Ha and Rhee, "Hybrid Slow Start for High-Bandwidth and Long-Distance Networks", 2008
constexpr std::uint32_t kTrainGapUs = 2'000;
constexpr std::uint32_t kTrainSlackUs = 1'000;  // what a receiver or a driver may bunch
constexpr std::uint32_t kLowWindowSegments = 16;

void begin_round(const Tcb& tcb, HyStart& h) noexcept {
  h.begun = true;
  h.train = false;
  h.last_round_min_rtt = h.current_round_min_rtt;
  h.current_round_min_rtt = 0;
  h.rtt_sample_count = 0;
  h.window_end = tcb.snd_nxt;
}

// By the first acknowledgment of what was sent after the round began: the first of a train.
// (A round that began 2 GB ago, the window hardly used since, would end ahead again, but not within what is outstanding.)
bool is_round_over(const Tcb& tcb, const HyStart& h) noexcept {
  return tcb.snd_una.after(h.window_end) || h.window_end.after(tcb.snd_nxt);
}

void note_rtt(HyStart& h, std::uint32_t rtt_us, bool echoed) noexcept {
  if (rtt_us == 0) return;
  if (!echoed && (h.min_rtt == 0 || rtt_us < h.min_rtt)) h.min_rtt = rtt_us;  // echoes are in ms and may read low
  if (h.current_round_min_rtt == 0 || rtt_us < h.current_round_min_rtt) h.current_round_min_rtt = rtt_us;
  if (h.rtt_sample_count < kRttSamples) ++h.rtt_sample_count;
}

// Into conservative slow start, or out of it when the delay was but a spike.
void judge_delay(HyStart& h) noexcept {
  if (h.rtt_sample_count < kRttSamples) return;
  if (h.css_rounds != 0) {
    if (h.current_round_min_rtt < h.css_baseline_min_rtt) h.css_rounds = 0;
    return;
  }
  if (h.last_round_min_rtt == 0) return;
  const std::uint32_t thresh = std::clamp(h.last_round_min_rtt / kMinRttDivisor, kMinRttThreshUs, kMaxRttThreshUs);
  if (h.current_round_min_rtt < h.last_round_min_rtt + thresh) return;
  h.css_baseline_min_rtt = h.current_round_min_rtt;
  h.css_rounds = 1;  // the rest of this round counts as one
}

// Acknowledgments that follow each other for half a round trip tell of segments that were sent in two thirds of that time or
// less: it was the path that drew them out, and what follows, up to twice as much, will fill it. (Acknowledgments of what an
// application or pacing spread, or of what such acknowledgments released, come as it was sent.)
// Deviation: of the two signals of Hybrid Slow Start RFC 9406 takes up the delay alone. By that the window has outgrown the
// path for a round before it shows, and a queue of a whole product overflows. Linux goes by both (ADR-0014).
// Pinned by ATrainOfHalfARoundTripEndsIt.
bool train_fills_path(const Tcb& tcb, HyStart& h, const AckSample& sample, std::uint32_t now_us) noexcept {
  if (!sample.dated || h.min_rtt == 0) return false;
  if (!h.train || now_us - h.train_last_us > std::min(kTrainGapUs, h.min_rtt / 4)) {
    h.train = true;
    h.train_first_us = now_us;
    h.train_sent_us = h.train_newest_us = sample.newest_us;
  }
  h.train_last_us = now_us;
  if (before(h.train_newest_us, sample.newest_us)) h.train_newest_us = sample.newest_us;  // else it was late
  const std::uint32_t lasted_us = now_us - h.train_first_us;
  if (tcb.cwnd < kLowWindowSegments * smss(tcb) || lasted_us <= (h.min_rtt + kTrainSlackUs) / 2) return false;
  return std::uint64_t{lasted_us} * 2 >= std::uint64_t{h.train_newest_us - h.train_sent_us} * 3;
}

}  // namespace

void acked(Tcb& tcb, HyStart& h, const AckSample& sample, std::uint32_t now_us) noexcept {
  if (!h.begun || is_round_over(tcb, h)) {  // the first round is of all that is outstanding
    if (h.css_rounds != 0 && h.css_rounds++ == kCssRounds) {
      tcb.ssthresh = tcb.cwnd;
      return;
    }
    begin_round(tcb, h);
  }
  note_rtt(h, sample.rtt_us, sample.echoed);
  std::uint32_t growth = reno::initial_growth(sample, smss(tcb));
  if (h.css_rounds != 0) growth /= kCssGrowthDivisor;
  tcb.cwnd = std::min(tcb.cwnd + growth, reno::kCwndMax);
  if (train_fills_path(tcb, h, sample, now_us)) {
    tcb.ssthresh = tcb.cwnd;
    return;
  }
  judge_delay(h);
}

}  // namespace sluice::tcp::hystart
