// SPDX-License-Identifier: BSD-3-Clause
// What an algorithm remembers of a connection beside cwnd and ssthresh: one cache line
// from a slab reserved at start. A connection takes one when its window begins to
// matter and gives it back when it has been quiet for an RTO; Reno needs one for pacing only.
#pragma once

#include <cstdint>
#include <new>

#include "base/seq_num.h"

namespace sluice::tcp {

// HyStart++ (RFC 9406 4.2), in the initial slow start. Names as in the RFC.
struct HyStart {
  SeqNum window_end;                       // the round ends when more than this is acknowledged
  std::uint32_t last_round_min_rtt = 0;    // us; 0: the RFC's infinity
  std::uint32_t current_round_min_rtt = 0;
  std::uint32_t css_baseline_min_rtt = 0;
  std::uint32_t min_rtt = 0;               // of all rounds, no echoes
  std::uint32_t train_first_us = 0;        // of the round's acknowledgments that follow each other at once, with `train`
  std::uint32_t train_last_us = 0;
  std::uint32_t train_sent_us = 0;         // when what the first of them tells of was sent,
  std::uint32_t train_newest_us = 0;       // and the youngest since
  std::uint8_t rtt_sample_count = 0;
  std::uint8_t css_rounds = 0;             // begun; 0: not in CSS
  bool begun = false;                      // the first round has
  bool train = false;                      // the round's first acknowledgment has come
};

// CUBIC (RFC 9438). Windows in bytes, times in ms of the shard's clock modulo 2^32.
struct Cubic {
  // What a spurious congestion event takes back (RFC 9438 4.9).
  struct Curve {
    std::uint32_t w_max = 0;               // 0: no congestion event yet
    std::uint32_t k_ms : 30 = 0;           // at most 481,810
    std::uint32_t running : 1 = 0;         // congestion avoidance has begun
    std::uint32_t after_timeout : 1 = 0;   // the next stage begins with K = 0
    std::uint32_t epoch_ms = 0;            // t_epoch, with `running`
    std::uint32_t w_est = 0;
    std::uint32_t cwnd_prior = 0;          // cwnd when ssthresh was set last
  };
  Curve now, before;
  std::uint32_t est_credit = 0;            // bytes acknowledged that w_est has not grown by yet
  std::uint32_t used_ms = 0;               // when the window was found in use last
};

// DCTCP (RFC 8257 3.3).
struct Dctcp {
  SeqNum window_end;                       // of the observation window
  std::uint32_t bytes_acked = 0;
  std::uint32_t bytes_marked = 0;
  std::uint32_t alpha = 1U << 20U;         // in 2^-20; 1 at first
  bool begun = false;                      // the first window has
};

enum class CongestionPart : std::uint8_t { kNone, kHyStart, kCubic, kDctcp };

struct CongestionState {
  CongestionState() noexcept : none{} {}

  // The part that `kind` names, fresh where another was there.
  template <typename Part>
  [[nodiscard]] Part& as(CongestionPart kind, Part CongestionState::* member) noexcept {
    if (part != kind) {
      new (&(this->*member)) Part();
      part = kind;
    }
    return this->*member;
  }
  [[nodiscard]] Cubic& as_cubic() noexcept { return as(CongestionPart::kCubic, &CongestionState::cubic); }
  [[nodiscard]] Dctcp& as_dctcp() noexcept { return as(CongestionPart::kDctcp, &CongestionState::dctcp); }
  [[nodiscard]] HyStart& as_hystart() noexcept { return as(CongestionPart::kHyStart, &CongestionState::hystart); }

  union {
    char none;
    HyStart hystart;
    Cubic cubic;
    Dctcp dctcp;
  };
  static constexpr std::uint16_t kNoModel = 0xffff;
  // pacing.h: bytes that might have left at `credit_us`
  static constexpr std::int32_t kFreshCredit = INT32_MIN;
  std::int32_t credit = kFreshCredit;
  std::uint32_t credit_us = 0;
  SeqNum cwr_end;                          // with `reduced`: an echo before this is acknowledged is of the same window
  bool reduced = false;
  CongestionPart part = CongestionPart::kNone;
  std::uint16_t model = kNoModel;          // BBR's, a BbrModel
};
static_assert(sizeof(CongestionState) <= 64);

}  // namespace sluice::tcp
