// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz/setup.h"

namespace sluice::fuzz {

namespace {

CongestionControl congestion(unsigned two_bits) { return static_cast<CongestionControl>(two_bits % kCongestionControls); }

constexpr bool bit(std::uint8_t byte, unsigned n) noexcept { return (byte >> n & 1U) != 0; }

}  // namespace

Setup read_setup(Input& input) {
  Setup s;
  if (input.empty() || input.rest().front() != kSetupMark) return s;
  input.u8();
  s.chosen = true;
  const std::uint8_t algorithms = input.u8();
  s.congestion = {congestion(algorithms), congestion(algorithms >> 2U)};
  s.pacing = {bit(algorithms, 4), bit(algorithms, 5)};
  s.ecn = bit(algorithms, 6);
  s.fastopen = bit(algorithms, 7);

  const std::uint8_t bounds = input.u8();
  static constexpr std::array kCookies{SynCookies::kAuto, SynCookies::kAlways, SynCookies::kNever, SynCookies::kAuto};
  s.cookies = kCookies[bounds % 4];
  // 640 are kept free: scarce from 128, 20 or 4 on, crowded from two thirds of it. Of 70 the pool's stock takes nearly all, so
  // that frames do not get in and answers are not built.
  static constexpr std::array<std::size_t, 4> kTold{kSources, 660, 644, 644};
  s.buffers_told = kTold[bounds / 4 % 4];
  if (bounds / 4 % 4 == 3) s.buffers = 70;
  s.few_records = bit(bounds, 4);
  s.nodelay = bit(bounds, 5);
  s.delayed = bit(bounds, 6);
  if (bit(bounds, 7)) s.mss = static_cast<std::uint16_t>(limits::kMss.min);

  static constexpr std::array<std::uint32_t, 16> kBytes{0,    256,    700,    1024,   1460,   2048,      3000,      5000,
                                                        8192, 20'000, 65'535, 65'536, 70'000, 1'000'000, 4'000'000, 1'073'741'824};
  const std::uint8_t room = input.u8();
  s.rcvbuf = kBytes[room % 16];
  s.sndbuf = kBytes[room / 16];
  s.first_bytes = input.u8() * std::size_t{32};
  return s;
}

SocketOptions Setup::listener(bool slow) const {
  SocketOptions options;
  options.rcvbuf = rcvbuf != 0 ? rcvbuf : slow ? 3000 : 100'000;
  options.sndbuf = sndbuf != 0 ? sndbuf : slow ? 5000 : 60'000;
  options.quickack = !slow && !delayed;
  options.keepalive = {slow, 30, 5, 3};
  options.nodelay = nodelay;
  options.mss = mss;
  options.congestion_control = congestion[slow ? 1 : 0];
  options.pacing = pacing[slow ? 1 : 0];
  return options;
}

SocketOptions Setup::open(bool v4) const {
  SocketOptions options;
  if (rcvbuf != 0) options.rcvbuf = rcvbuf;
  if (sndbuf != 0) options.sndbuf = sndbuf;
  options.quickack = !delayed;
  options.nodelay = nodelay;
  options.mss = mss;
  options.congestion_control = congestion[v4 ? 0 : 1];
  options.pacing = pacing[v4 ? 0 : 1];
  return options;
}

}  // namespace sluice::fuzz
