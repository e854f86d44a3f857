// SPDX-License-Identifier: BSD-3-Clause
// What BBR knows of a path (cc_bbr.h): from a slab reserved at start, held while a
// connection sends and for ten seconds afterwards, when its round trip is too old to
// be believed.
#pragma once

#include <cstdint>

#include "tcp/delivery_rate.h"

namespace sluice::tcp {

enum class BbrState : std::uint8_t { kStartup, kDrain, kProbeBw, kProbeRtt };

// Names as in draft-cardwell-iccrg-bbr-congestion-control-00. Rates are pacing.h's, gains in 2^-8.
struct BbrModel {
  static constexpr unsigned kBwRounds = 10;   // BtlBwFilterLen

  DeliveryRate delivery;
  std::uint32_t round_bw[kBwRounds] = {};     // the highest sample of each of the last rounds
  std::uint32_t btl_bw = 0;                   // the highest of these; 0: no sample yet
  std::uint32_t rt_prop_us = UINT32_MAX;
  std::uint32_t rt_prop_ms = 0;               // when it was measured
  std::uint32_t recent_rtt_us = UINT32_MAX;   // in STARTUP: the shortest of a stretch that began with its first
  std::uint32_t probe_rtt_done_ms = 0;        // with `probe_rtt_timed`
  std::uint32_t next_round_delivered = 0;
  std::uint32_t since_us = 0;                 // when the phase of PROBE_BW, or in STARTUP the stretch of recent_rtt_us, began
  std::uint32_t prior_cwnd = 0;
  SeqNum recovery_end;                        // with `recovering`, and no recovery of the connection: then it may end
  std::uint32_t full_bw = 0;
  std::uint32_t pacing_rate = 0;
  std::uint16_t pacing_gain = 0, cwnd_gain = 0;
  std::uint16_t max_snd_wnd = 0;              // the connection's, a round before
  std::uint8_t round = 0;                     // index into round_bw
  std::uint8_t cycle_index = 0;
  std::uint8_t full_bw_count = 0;
  BbrState state = BbrState::kStartup;
  bool filled_pipe = false;
  bool round_start = false;
  bool queue_is_long : 1 = false;             // in STARTUP: it was in the last stretch of round trips
  bool round_tells : 1 = false;               // in STARTUP: some sample of this round was the path's rate
  bool peer_window_grows = false;             // it did in the round before
  bool recovering = false;                    // cwnd is recovery's; prior_cwnd is to be restored
  bool packet_conservation = false;           // and no more goes out than comes in
  bool idle_restart = false;
  bool probe_rtt_timed = false;
  bool probe_rtt_round_done = false;
  bool sent_all = false;                      // the last output left nothing to send, and room in cwnd
};
static_assert(sizeof(BbrModel) <= 640);

}  // namespace sluice::tcp
