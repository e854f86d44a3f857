// SPDX-License-Identifier: BSD-3-Clause
// TIME_WAIT: RFC 9293 3.10.7.4 as it concerns a connection that has nothing left to
// send or receive, RFC 6191 for the SYN of its successor, RFC 1337 for RSTs.
#include "base/check.h"
#include "base/modular.h"
#include "tcp/input.h"

namespace sluice::tcp {

namespace {

// RFC 6191 2, which has RFC 9293 3.6.1 (MAY-2) for a SYN without timestamps.
bool may_reuse(const TimeWait& record, const Segment& syn) noexcept {
  const wire::TcpOptions& options = *syn.options;
  const bool higher_seq = syn.seq.after(record.rcv_nxt);
  if (!options.has_ts) return higher_seq;
  if ((record.flags & kTsOk) == 0) return true;
  if (options.tsval == record.ts_recent) return higher_seq;
  return !before(options.tsval, record.ts_recent);
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void acknowledge(const TimeWait& record, Instant now, OutSegment& answer) noexcept {
  answer = OutSegment{};
  answer.flags = kAck;
  answer.seq = record.snd_nxt;
  answer.ack = record.rcv_nxt;
  answer.wnd = record.rcv_wnd;
  if ((record.flags & kTsOk) == 0) return;
  answer.options = kOptTimestamps;
  answer.tsval = static_cast<std::uint32_t>(now.ms()) + record.ts_offset;
  answer.tsecr = record.ts_recent;
}

}  // namespace

bool may_compact(const Tcb& tcb) noexcept {
  return tcb.state == State::kTimeWait && (tcb.flags & kAppClosed) != 0 && (tcb.flags & (kAckNow | kMoreOutput)) == 0 &&
         tcb.snd_head == nullptr && tcb.rcv_head == nullptr && tcb.side == kNoIndex;
}

void time_wait(TimeWait& record, const Tcb& tcb) noexcept {
  record.flow = tcb.flow;
  record.flags = (tcb.flags & kTsOk) != 0 ? kTsOk : 0U;
  record.rcv_wscale = tcb.rcv_wscale;
  record.deadline = tcb.t_long;
  record.snd_nxt = tcb.snd_nxt;
  record.rcv_nxt = tcb.rcv_nxt;
  record.ts_recent = tcb.ts_recent;
  record.ts_offset = tcb.ts_offset;
  record.rcv_wnd = tcb.rcv_wnd;
}

// With timestamps a second apart, the coarsest clock that RFC 7323 5.4 allows has ticked: what is left of the old
// connection is older than all of the new one, for both ends (RFC 6191 2 from the other side).
bool may_reopen(const TimeWait& record, std::int64_t age_ms) noexcept {
  return (record.flags & kTsOk) != 0 && age_ms >= 1000;
}

TimeWaitResult on_segment_time_wait(TimeWait& record, const Segment& segment, Instant now,
                                    OutSegment& answer) noexcept {
  // RFC 1337 3 (F1): a RST that could be an old duplicate does not end TIME_WAIT. Deviation from RFC 9293
  // 3.10.7.4, step 2. Pinned by ResetInTimeWaitIsIgnored.
  if (segment.has(kRst)) return {Verdict::kTimeWaitRstIgnored, TimeWaitAction::kStay};
  if ((segment.flags & (kSyn | kAck)) == kSyn && !segment.has(kFin) && may_reuse(record, segment)) {
    return {Verdict::kTimeWaitReused, TimeWaitAction::kReuse};
  }
  if (!segment.has(kSyn) && !segment.has(kAck)) return {Verdict::kTimeWaitIgnored, TimeWaitAction::kStay};
  const wire::TcpOptions& options = *segment.options;
  const bool timestamps = (record.flags & kTsOk) != 0 && options.has_ts;
  const bool stale = timestamps && before(options.tsval, record.ts_recent);
  const bool in_order = segment.seq == record.rcv_nxt && segment.seg_len() == 0;
  if (in_order && !stale) return {Verdict::kTimeWaitIgnored, TimeWaitAction::kStay};
  const bool fin_again = !segment.has(kSyn) && segment.has(kFin) && !stale &&
                         segment.seq + segment.seg_len() == record.rcv_nxt;
  if (fin_again && timestamps) record.ts_recent = options.tsval;
  acknowledge(record, now, answer);
  if (fin_again) return {Verdict::kTimeWaitFin, TimeWaitAction::kRestart};
  return {Verdict::kTimeWaitAck, TimeWaitAction::kAnswer};
}

Verdict input_time_wait(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  TimeWait record;
  time_wait(record, tcb);
  OutSegment answer;
  const TimeWaitResult result = on_segment_time_wait(record, segment, env.now, answer);
  tcb.ts_recent = record.ts_recent;
  switch (result.action) {
    case TimeWaitAction::kStay: break;
    case TimeWaitAction::kRestart: start_time_wait(tcb, env); [[fallthrough]];
    case TimeWaitAction::kAnswer:
      env.out.add() = answer;
      tcb.flags &= ~kAckNow;
      break;
    case TimeWaitAction::kReuse:
      if (env.reuse != Verdict::kTimeWaitReused) return env.reuse;
      finish(tcb, Errc::kOk, env);
      break;
  }
  return result.verdict;
}

}  // namespace sluice::tcp
