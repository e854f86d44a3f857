// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/cc_hystart.h"

#include <algorithm>

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

void begin_round(const Tcb& tcb, HyStart& h) noexcept {
  h.begun = true;
  h.last_round_min_rtt = h.current_round_min_rtt;
  h.current_round_min_rtt = 0;
  h.rtt_sample_count = 0;
  h.window_end = tcb.snd_nxt;
}

void note_rtt(HyStart& h, std::uint32_t rtt_us) noexcept {
  if (rtt_us == 0) return;
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

}  // namespace

void acked(Tcb& tcb, HyStart& h, const AckSample& sample) noexcept {
  if (!h.begun) begin_round(tcb, h);  // with all that is outstanding
  note_rtt(h, sample.rtt_us);
  std::uint32_t growth = reno::initial_growth(sample, smss(tcb));
  if (h.css_rounds != 0) growth /= kCssGrowthDivisor;
  tcb.cwnd = std::min(tcb.cwnd + growth, reno::kCwndMax);
  judge_delay(h);
  // (A round that began 2 GB ago, the window hardly used since, would end ahead again, but not within what is outstanding.)
  if (tcb.snd_una.before(h.window_end) && !h.window_end.after(tcb.snd_nxt)) return;
  if (h.css_rounds != 0 && h.css_rounds++ == kCssRounds) {
    tcb.ssthresh = tcb.cwnd;
    return;
  }
  begin_round(tcb, h);
}

}  // namespace sluice::tcp::hystart
