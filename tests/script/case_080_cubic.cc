// SPDX-License-Identifier: BSD-3-Clause
// Case 80: CUBIC (RFC 9438): a loss leaves seven tenths of the window, which then is back at its old size after
// K = ((W_max - cwnd) / 0.4)^(1/3) seconds, fast at first and slow around that point.
#include <algorithm>
#include <cmath>

#include "script/dialogue.h"

namespace sluice::script {

namespace {

constexpr auto kRoundTrip = 500ms;

// A peer that reads everything, half a second away.
class Reader {
 public:
  explicit Reader(Dialogue& dialogue) : d_(dialogue) {}

  void establish() {
    d_.send(SYN, mss(1000), wscale(4));
    d_.expect(SYN | ACK, seq(0), ack(1));
    d_.advance(kRoundTrip);
    d_.send(ACK, seq(1), ack(1), win(60000));
  }
  // What is outstanding is acknowledged, two segments at a time.
  void round() {
    d_.app().send_bytes(200'000);
    hear();
    d_.advance(kRoundTrip);
    while (acked_ != end_) {
      acked_ = std::min(acked_ + 2000, end_);
      d_.send(ACK, seq(1), ack(acked_), win(60000));
      heard_ = d_.peer().take();
      for (const Heard& h : heard_) later_ = std::max(later_, end_of(h));
    }
    end_ = later_;
  }
  void duplicate() { d_.send(ACK, seq(1), ack(acked_), win(60000)); }
  void hear() {
    for (const Heard& h : d_.peer().take()) later_ = std::max(later_, end_of(h));
    end_ = later_;
  }
  [[nodiscard]] std::uint32_t flight() const { return end_ - acked_; }
  [[nodiscard]] std::uint32_t cwnd() { return d_.app().info().cwnd; }

 private:
  [[nodiscard]] std::uint32_t end_of(const Heard& h) const {
    return static_cast<std::uint32_t>(h.seq - d_.peer().iss() + h.data.size());
  }
  Dialogue& d_;
  std::vector<Heard> heard_;
  std::uint32_t acked_ = 1, end_ = 1, later_ = 1;
};

}  // namespace

TEST_P(Family, CubicWindowIsBackAfterK) {
  Dialogue d(GetParam());
  Reader r(d);
  r.establish();
  while (r.cwnd() < 80'000) r.round();
  const std::uint32_t w_max = r.cwnd();
  const std::uint32_t flight = r.flight();
  for (int i = 0; i < 3; ++i) r.duplicate();
  const std::uint32_t ssthresh = d.app().info().ssthresh;
  EXPECT_NEAR(ssthresh, flight * 0.7, 1000);
  r.hear();
  r.round();  // ends recovery
  // Without growth it would stay there; Reno's would grow by one segment a round trip, that is two a second.
  const double k_s = std::cbrt((w_max - ssthresh) / 1000.0 / 0.4);
  const int rounds = static_cast<int>(k_s / 0.5);
  for (int i = 0; i < rounds / 2; ++i) r.round();
  EXPECT_GT(r.cwnd(), ssthresh + (w_max - ssthresh) / 3);
  EXPECT_LT(r.cwnd(), w_max);
  for (int i = rounds / 2; i < rounds; ++i) r.round();
  EXPECT_NEAR(r.cwnd(), w_max, w_max * 0.05);
  const std::uint32_t plateau = r.cwnd();
  for (int i = 0; i < 2 * rounds; ++i) r.round();
  EXPECT_GT(r.cwnd(), plateau + (w_max - ssthresh)) << "convex: away it goes";
  d.app().abort();
  d.peer().take();
}

TEST_P(Family, NewRenoWhereItIsAskedFor) {
  Scene scene;
  scene.options.congestion_control = CongestionControl::kNewReno;
  Dialogue d(GetParam(), scene);
  Reader r(d);
  r.establish();
  while (r.cwnd() < 40'000) r.round();
  const std::uint32_t flight = r.flight();
  for (int i = 0; i < 3; ++i) r.duplicate();
  EXPECT_NEAR(d.app().info().ssthresh, flight * 0.5, 1000);
  ASSERT_TRUE(d.app().set(Option::kCongestion, static_cast<std::int64_t>(CongestionControl::kCubic)).ok());
  r.hear();
  for (int i = 0; i < 4; ++i) r.round();
  const std::uint32_t again = r.flight();
  for (int i = 0; i < 3; ++i) r.duplicate();
  EXPECT_NEAR(d.app().info().ssthresh, again * 0.7, 1000) << "an open connection takes another algorithm";
  d.app().abort();
  d.peer().take();
}

}  // namespace sluice::script
