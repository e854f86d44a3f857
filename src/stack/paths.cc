// SPDX-License-Identifier: BSD-3-Clause
// Path MTU (RFC 1191, 8201, 5927) and the search for it (RFC 4821, 8899), as connections meet them.
#include <algorithm>
#include <utility>

#include "stack/stack.h"

namespace sluice::stack {

using tcp::Tcb;
using tcp::Verdict;

namespace {
constexpr std::uint16_t kFloorV4 = 552;   // Linux's: a smaller claim is taken for this much (RFC 5927 7.2)
constexpr std::uint32_t kFloorV6 = 1280;  // a smaller one is discarded (RFC 8201 4)
}  // namespace

// `mtu` as the message has it; `total_len`: of the packet that it is about. Its sequence number was in flight.
Verdict Stack::path_mtu_input(Handle handle, std::uint32_t mtu, std::uint16_t total_len) noexcept {
  Tcb& tcb = slabs_.tcbs[handle.index()];
  const bool v4 = tcb.flow.remote.is_v4();
  if (v4 && mtu == 0) mtu = mtu_plateau_below(total_len);
  if (v4) mtu = std::max<std::uint32_t>(mtu, kFloorV4);
  if (mtu < kFloorV6 && !v4) return Verdict::kIcmpErrorIgnored;
  // A SYN of Fast Open goes by the server's MSS of before; the connection has its own when it is established, and what is known of
  // the path then counts.
  const bool syn = tcb.state == State::kSynSent;
  const std::uint32_t mss = syn ? addresses_.mss()[tcb.flow.local_addr] : tcb.mss;
  // Not smaller than what is sent already: the same message again, or nonsense.
  if (mtu >= mss + (v4 ? 40U : 60U)) {
    return told_of_probe(tcb, mtu) ? Verdict::kIcmpErrorHandled : Verdict::kIcmpErrorIgnored;
  }
  const auto path = static_cast<std::uint16_t>(mtu);
  paths_.learn(tcb.flow.remote, path, env_.now);
  if (syn) return Verdict::kIcmpErrorHandled;
  ++path_counters_.lowered;
  lower_mss(tcb, mss_of_mtu(path, v4), env_.now + kPathMtuLifetime);
  env_.events = 0;
  settle(handle, tcb);
  return Verdict::kIcmpErrorHandled;
}

// A router names the size that passes where our probe did not: there is no need to find out.
bool Stack::told_of_probe(const Tcb& tcb, std::uint32_t mtu) noexcept {
  MtuSearch::Record* record = mtu_search_.find(tcb.flow, tcb.generation);
  if (record == nullptr || record->probe == 0 || mtu >= mtu_of_mss(record->probe, tcb.flow.remote.is_v4())) return false;
  record->lost = true;
  record->failures = MtuSearch::kProbes;
  record->high = mss_of_mtu(static_cast<std::uint16_t>(mtu), tcb.flow.remote.is_v4());
  return true;
}

void Stack::lower_mss(Tcb& tcb, std::uint16_t mss, Instant probe_at) noexcept {
  mtu_search_.add(tcb.flow, tcb.generation, tcb.mss, probe_at);
  tcb.flags &= ~tcp::kMtuProbe;
  tcp::lower_mss(tcb, mss, env_);
}

// Time-out after time-out, and what goes unanswered is large: perhaps a router drops it and says nothing.
void Stack::suspect_black_hole(Tcb& tcb) noexcept {
  const std::uint16_t mss = tcp::black_hole_mss(tcb);
  if (mss == 0) return;
  ++path_counters_.black_holes;
  lower_mss(tcb, mss, env_.now + MtuSearch::kPause);
}

// A connection begins with what is known of its path, and looks for more when that is old.
void Stack::use_known_path(Tcb& tcb) noexcept {
  const PathMtus::Known known = paths_.find(tcb.flow.remote, env_.now);
  if (known.mtu == 0) return;
  const std::uint16_t mss = mss_of_mtu(known.mtu, tcb.flow.remote.is_v4());
  if (mss < tcb.mss) lower_mss(tcb, mss, known.until);
}

// What passes, where a probe that was larger did not: a black hole, and no outage that made segments smaller for a while.
void Stack::learn_path(const Tcb& tcb) noexcept {
  paths_.learn(tcb.flow.remote, mtu_of_mss(tcb.mss, tcb.flow.remote.is_v4()), env_.now);
}

// RFC 4821 7.3: the full size first, for most black holes were none; then between what is known to pass and
// what is not. Deviation: a lost probe costs what every lost segment costs (7.4 would spare cwnd); it is one
// in many seconds. Pinned by ALostProbeIsSentAgainInSmallerSegments.
MtuSearch::Next Stack::search_mtu(MtuSearch::Record& record) noexcept {
  const Handle handle = find(record.flow);
  if (handle.kind() != Kind::kTcb || slabs_.tcbs[handle.index()].generation != record.generation) {
    return MtuSearch::Next::kForget;
  }
  Tcb& tcb = slabs_.tcbs[handle.index()];
  const Duration pause = MtuSearch::kPause;
  record.due = env_.now + pause;
  if (record.probe != 0) {
    if (tcb.snd_una.before(record.probe_end) && !record.lost) return MtuSearch::Next::kKeep;
    const std::uint16_t size = std::exchange(record.probe, std::uint16_t{0});
    if (record.lost && record.failures + 1 < MtuSearch::kProbes) {
      ++record.failures;
      tcb.flags |= tcp::kMtuProbe;
      return MtuSearch::Next::kKeep;
    }
    record.failures = 0;
    if (record.lost) {
      record.high = std::min<std::uint16_t>(record.high, size - 1U);
    } else {
      ++path_counters_.raised;
      tcb.mss = size;
    }
    if (record.high < record.full || paths_.find(tcb.flow.remote, env_.now).mtu != 0) learn_path(tcb);
    if (tcb.mss >= record.full) return MtuSearch::Next::kForget;
  }
  const std::uint16_t own = params_[tcb.params].mss;
  if (own != 0) record.full = std::min(record.full, own);
  record.high = std::min(record.high, record.full);
  if (record.high <= tcb.mss + MtuSearch::kNear) {
    record.high = record.full;
    record.due = env_.now + kPathMtuLifetime;
    return MtuSearch::Next::kKeep;
  }
  tcb.flags |= tcp::kMtuProbe;
  return MtuSearch::Next::kKeep;
}

// There may be data, window and congestion window for a probe now; and of one that is under way a part may go again.
void Stack::output_beside_probe(Tcb& tcb) noexcept {
  MtuSearch::Record* record = mtu_search_.find(tcb.flow, tcb.generation);
  if (record == nullptr) {
    tcb.flags &= ~tcp::kMtuProbe;
    return tcp::output(tcb, env_);
  }
  if (record->probe == 0) probe_mtu(tcb, *record);
  const std::size_t before = outbox_.size();
  tcp::output(tcb, env_);
  if (record->probe == 0) return;
  for (std::size_t i = before; i < outbox_.size(); ++i) {
    const tcp::OutSegment& out = outbox_[i];
    if (out.seq.before(record->probe_end) && (out.seq + out.len).after(record->probe_begin)) record->lost = true;
  }
  if (record->lost || !tcb.snd_una.before(record->probe_end)) tcb.flags &= ~tcp::kMtuProbe;  // the timer will see to it
}

void Stack::probe_mtu(Tcb& tcb, MtuSearch::Record& record) noexcept {
  const std::uint16_t size = record.high == record.full ? record.full : static_cast<std::uint16_t>((tcb.mss + record.high) / 2);
  const SeqNum begin = tcb.snd_nxt;
  if (!tcp::send_mtu_probe(tcb, size, env_)) return;
  ++path_counters_.probes;
  record.probe = size;
  record.lost = false;
  record.probe_begin = begin;
  record.probe_end = tcb.snd_nxt;
}

}  // namespace sluice::stack
