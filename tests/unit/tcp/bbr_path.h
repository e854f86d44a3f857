// SPDX-License-Identifier: BSD-3-Clause
// A path for BBR: segments of 1000 bytes leave a sender, queue at a link with a rate, and
// are acknowledged one by one a delay later.
#pragma once

#include <algorithm>
#include <deque>

#include "tcp/cc_bbr.h"
#include "tcp/pacing.h"
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {

inline constexpr std::uint32_t kSegment = 1000;
inline constexpr Params kBbr{.sndbuf = 4U << 20U, .congestion = CongestionControl::kBbr};

class Path : public Sender {
 public:
  using Rate = pacing::Rate;
  explicit Path(std::uint32_t bytes_per_ms = 2000, std::uint32_t rtt_ms = 40, std::uint32_t window = 4U << 20U)
      : Sender(kBbr, 8192), bytes_per_ms_(bytes_per_ms), rtt_(Duration::milliseconds(rtt_ms)) {
    establish(window, {.sack = true, .mss = kSegment}, rtt_);
  }
  void set_rate(std::uint32_t bytes_per_ms) { bytes_per_ms_ = bytes_per_ms; }
  void set_rtt(std::uint32_t rtt_ms) { rtt_ = Duration::milliseconds(rtt_ms); }
  void greedy(bool on) { greedy_ = on; }
  [[nodiscard]] const BbrModel& model() { return *congestion::model_of(tcb, env()); }
  [[nodiscard]] bool has_model() { return congestion::model_of(tcb, env()) != nullptr; }
  [[nodiscard]] Rate link() const { return pacing::rate_of(bytes_per_ms_, 1000); }
  [[nodiscard]] std::uint32_t bdp() const { return static_cast<std::uint32_t>(bytes_per_ms_ * rtt_.ms()); }

  // Events until `done` says so, or for so long; false: it did not.
  template <typename Done>
  bool run_until(Duration most, Done done) {
    const Instant end = now + most;
    for (;;) {
      if (greedy_ && tcb.snd_queued < (1U << 20U)) write(1U << 18U);
      carry();
      if (done()) return true;
      const Instant next = std::min(deadline(), acks_.empty() ? Instant::never() : acks_.front().at);
      if (next > end) break;
      now = std::max(now, next);
      if (!acks_.empty() && acks_.front().at <= now) {
        const std::uint32_t upto = acks_.front().upto;
        acks_.pop_front();
        ack(upto);
      } else {
        fire();
      }
    }
    now = end;
    return false;
  }
  void run(Duration time) {
    run_until(time, [] { return false; });
  }
  bool reach(BbrState state, Duration most = Duration::seconds(30)) {
    return run_until(most, [&] { return has_model() && model().state == state; });
  }
  // Forgets what is on its way: the network has lost it.
  void lose_all() {
    carry();
    acks_.clear();
  }
  [[nodiscard]] std::uint32_t on_its_way() const { return static_cast<std::uint32_t>(acks_.size()) * kSegment; }

 private:
  struct Ack {
    Instant at;
    std::uint32_t upto;
  };
  // What left goes through the link.
  void carry() {
    for (const OutSegment& s : sent) {
      if (s.len == 0) continue;
      link_free_ = std::max(link_free_, now) + Duration{std::int64_t{s.len} * 1'000'000 / bytes_per_ms_};
      acks_.push_back({link_free_ + rtt_, s.seq + s.len - first()});
    }
    sent.clear();
  }
  std::uint32_t bytes_per_ms_;
  Duration rtt_;
  bool greedy_ = true;
  Instant link_free_{};
  std::deque<Ack> acks_;
};

}  // namespace sluice::tcp
