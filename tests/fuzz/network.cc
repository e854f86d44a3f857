// SPDX-License-Identifier: BSD-3-Clause
// Whole frames at a stack with listeners: length, what to do with the checksums, bytes; again and again. Time passes between
// them. Neighbours, routers and the addresses that they make, fragments, ICMP and every parser below them, with the stack's state
// behind.
#include "fuzz/input.h"
#include "fuzz/world.h"

namespace {
constexpr unsigned kFramesMax = 64;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::fuzz;
  Input in({data, size});
  HostWorld world({}, true);
  Instant now = Instant{} + Duration::seconds(1);
  world.set_now(now);
  for (unsigned n = 0; n < kFramesMax && !in.empty(); ++n) {
    const std::uint8_t how = in.u8();
    const std::size_t len = (how & 0x80U) != 0 ? in.u16() % kFrameMax : in.u8();
    const auto bytes = in.take(len);
    Frame frame(bytes.begin(), bytes.end());
    if ((how & 1U) != 0) {  // the first six bytes: to us
      for (std::size_t i = 0; i < std::min<std::size_t>(6, frame.size()); ++i) frame[i] = kOurMac[i];
    }
    if ((how & 2U) != 0) repair(frame);
    world.receive(frame, now);
    static constexpr std::array<std::int64_t, 4> kMs{0, 1, 300, 40'000};
    now = now + Duration::milliseconds(kMs[how / 4 % 4]);
    world.host().advance(now);
    for (Frame& sent : world.take_sent()) (void)parse_ours(sent);
    world.check();
  }
  world.finish(now);
  return 0;
}
