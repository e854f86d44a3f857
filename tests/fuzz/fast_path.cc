// SPDX-License-Identifier: BSD-3-Clause
// The same dialogue against two stacks, one of which never takes a short way: every frame and every call's answer is the
// same. The linker puts us between the stack and tcp::fast_path, closing_path and complete_handshake (--wrap), so that the
// stack itself needs no switch.
#include "fuzz/script.h"
#include "tcp/internal.h"

namespace {
bool fast_path_off = false;
unsigned long asked = 0;
}  // namespace

#define FAST_PATH(prefix) prefix##_ZN6sluice3tcp9fast_pathERNS0_3TcbERNS0_7SegmentERNS0_3EnvERNS0_7VerdictE
#define CLOSING_PATH(prefix) prefix##_ZN6sluice3tcp12closing_pathERNS0_3TcbERKNS0_7SegmentERNS0_3EnvE
#define COMPLETE_HANDSHAKE(prefix) prefix##_ZN6sluice3tcp18complete_handshakeERNS0_3TcbERNS0_7SegmentERNS0_3EnvE
extern "C" {
using sluice::tcp::Env, sluice::tcp::Segment, sluice::tcp::Tcb, sluice::tcp::Verdict;
bool FAST_PATH(__real_)(Tcb&, Segment&, Env&, Verdict&) noexcept;
bool FAST_PATH(__wrap_)(Tcb& tcb, Segment& segment, Env& env, Verdict& verdict) noexcept;
bool FAST_PATH(__wrap_)(Tcb& tcb, Segment& segment, Env& env, Verdict& verdict) noexcept {
  ++asked;
  return !fast_path_off && FAST_PATH(__real_)(tcb, segment, env, verdict);
}
bool CLOSING_PATH(__real_)(Tcb&, const Segment&, Env&) noexcept;
bool CLOSING_PATH(__wrap_)(Tcb& tcb, const Segment& segment, Env& env) noexcept;
bool CLOSING_PATH(__wrap_)(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  return !fast_path_off && CLOSING_PATH(__real_)(tcb, segment, env);
}
void COMPLETE_HANDSHAKE(__real_)(Tcb&, Segment&, Env&) noexcept;
void COMPLETE_HANDSHAKE(__wrap_)(Tcb& tcb, Segment& segment, Env& env) noexcept;
void COMPLETE_HANDSHAKE(__wrap_)(Tcb& tcb, Segment& segment, Env& env) noexcept {
  if (!fast_path_off) return COMPLETE_HANDSHAKE(__real_)(tcb, segment, env);
  sluice::tcp::on_segment(tcb, segment, env);
}
}

namespace sluice::fuzz {
namespace {

struct Run {
  Transcript transcript;
  tcp::VerdictCounts verdicts;
};

Run run(std::span<const std::uint8_t> bytes, bool off) {
  fast_path_off = off;
  Run out;
  Input input(bytes);
  ScriptOptions options;
  options.setup = read_setup(input);
  HostWorld world(options.setup);
  options.transcript = &out.transcript;
  options.whole_frames = true;
  play(input, world, options);
  out.verdicts = world.host().stack().verdicts();
  return out;
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  const Run fast = run({data, size}, false);
  const Run slow = run({data, size}, true);
  compare(fast.transcript, slow.transcript, "the fast path does something else than the slow path");
  require(fast.verdicts == slow.verdicts, "the fast path gives another verdict");
  // Data may arrive without it, on the handshake's last ACK or behind our FIN, but not time after time.
  static unsigned long with_data = 0;
  with_data += fast.verdicts[static_cast<std::size_t>(sluice::tcp::Verdict::kData)] != 0 ? 1 : 0;
  require(asked != 0 || with_data < 50, "the linker did not wrap tcp::fast_path: this test compares nothing");
  return 0;
}
