// SPDX-License-Identifier: BSD-3-Clause
// The user's calls: OPEN, SEND, CLOSE, ABORT (RFC 9293 3.10.1-3.10.5); RECEIVE is in
// receive.cc.
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr std::int64_t kNoBufferUs = 40'000;  // until buffers are looked for again

// Less was taken than offered: kEventWritable follows when there is room.
void want_room(Tcb& tcb, Env& env) noexcept {
  tcb.flags |= kWantWritable;
  // Without anything queued no acknowledgment will bring it: all buffers are in use elsewhere.
  if (tcb.snd_queued == 0 && !tcb.t_delack.armed()) tcb.t_delack = after_us(env, kNoBufferUs);
}

// Bytes that the application may have queued. While buffers are crowded that is what is outstanding and another window, which
// keeps a path full: what slow readers held beyond it others could use. (Linux's send buffers grow to twice the window.)
std::uint32_t send_limit(const Tcb& tcb, const Env& env) noexcept {
  const std::uint32_t sndbuf = env.of(tcb).sndbuf;
  if (!env.bufs.crowded()) [[likely]] return sndbuf;
  const std::uint64_t window = std::max(std::min(tcb.cwnd, snd_wnd_bytes(tcb)), 2 * smss(tcb));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sndbuf, in_flight(tcb) + window));
}

std::uint32_t room_within(std::uint32_t limit, const Tcb& tcb) noexcept { return limit - std::min(limit, tcb.snd_queued); }

void drop_unread(Tcb& tcb, Env& env) noexcept {
  env.bufs.release_all(tcb.rcv_head);
  tcb.rcv_head = tcb.rcv_tail = nullptr;
  tcb.rcv_queued = 0;
}

}  // namespace

void open_active(Tcb& tcb, SeqNum iss, std::uint32_t ts_offset, Env& env) noexcept {
  tcb.snd_una = tcb.snd_nxt = iss;
  tcb.ts_offset = ts_offset;
  tcb.rcv_wscale = window_shift(env.of(tcb).rcvbuf) & 0xfU;
  tcb.mss = effective_mss(tcb, 0, env);  // until the peer's SYN says more
  enter(tcb, State::kSynSent, env);
  send_syn(tcb, env);
  tcb.snd_wl2 = tcb.snd_nxt;
}

bool can_send(const Tcb& tcb) noexcept {
  const bool open = tcb.state == State::kEstablished || tcb.state == State::kCloseWait ||
                    (tcb.state == State::kSynRcvd && tcb.fast_open != 0);
  return open && (tcb.flags & kFinQueued) == 0;
}

std::uint32_t send_room(const Tcb& tcb, const Env& env) noexcept { return room_within(send_limit(tcb, env), tcb); }

// Woken at half of the buffer, an application refills a flight that has shrunk to half as well, with a burst that a
// queue in the path may not hold: a buffer of 1.4 times the path's product filled two thirds of the path.
void offer_room(Tcb& tcb, Env& env) noexcept {
  constexpr std::uint32_t kEnough = 65'536;
  if ((tcb.flags & kWantWritable) == 0 || !can_send(tcb)) return;
  const std::uint32_t limit = send_limit(tcb, env);
  if (room_within(limit, tcb) < std::min(limit / 4, kEnough)) return;
  tcb.flags &= ~kWantWritable;
  env.events |= kEventWritable;
}

std::size_t send(Tcb& tcb, std::span<const std::uint8_t> bytes, Env& env) noexcept {
  if (!can_send(tcb) || bytes.empty()) return 0;
  constexpr std::size_t kAtOnce = 65'536;  // until it is asked again whether buffers are crowded
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const std::size_t piece = std::min({bytes.size() - taken, std::size_t{send_room(tcb, env)}, kAtOnce});
    const std::size_t queued = queue_copy(tcb, bytes.subspan(taken, piece), env);
    taken += queued;
    if (queued < piece || piece == 0) break;
  }
  if (taken < bytes.size()) want_room(tcb, env);
  return taken;
}

bool send(Tcb& tcb, Buf* buf, Env& env) noexcept {
  if (!can_send(tcb)) return false;
  // A buffer larger than the whole send buffer goes when that is empty, else it never would.
  if (buf->len > send_room(tcb, env) && tcb.snd_queued != 0) {
    want_room(tcb, env);
    return false;
  }
  if (buf->len == 0) {
    env.bufs.release(buf);
  } else {
    queue_buf(tcb, buf, env);
  }
  return true;
}

// RFC 9293 3.10.4, for the sending half.
void shutdown_write(Tcb& tcb, Env& env) noexcept {
  switch (tcb.state) {
    case State::kSynSent: finish(tcb, Errc::kOk, env); return;
    case State::kSynRcvd:  // the FIN follows the SYN, and what Fast Open let be sent, at once
      tcb.flags |= kSynUnacked;
      enter(tcb, State::kFinWait1, env);
      break;
    case State::kEstablished: enter(tcb, State::kFinWait1, env); break;
    case State::kCloseWait: enter(tcb, State::kLastAck, env); break;
    case State::kClosed:
    case State::kListen:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait: return;
  }
  tcb.flags = (tcb.flags & ~kWantWritable) | kFinQueued;
}

void shutdown_read(Tcb& tcb, Env&) noexcept { tcb.flags |= kRcvShutdown; }

void close(Tcb& tcb, Env& env) noexcept {
  tcb.flags |= kAppClosed;
  if (tcb.state == State::kClosed) return;
  if (tcb.state == State::kTimeWait) {
    drop_unread(tcb, env);
    return;
  }
  // RFC 9293 3.6.1 (SHLD-3): the peer must not think that it was read.
  if (tcb.rcv_queued != 0 || env.of(tcb).linger_s == 0) {
    abort(tcb, Errc::kConnectionAborted, env);
    return;
  }
  if (tcb.state == State::kFinWait2) start_fin_wait_2(tcb, env);
  shutdown_write(tcb, env);
}

void abort(Tcb& tcb, Errc error, Env& env) noexcept {
  tcb.flags |= kAppClosed;
  switch (tcb.state) {
    case State::kClosed: return;
    case State::kSynRcvd:
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait: send_reset(tcb, env); break;
    case State::kClosing:  // 3.10.5 asks for none; it tells a peer that still waits for our bytes or our reading
    case State::kLastAck:
      if (tcb.snd_queued != 0 || tcb.rcv_queued != 0) send_reset(tcb, env);
      break;
    case State::kListen:
    case State::kSynSent:
    case State::kTimeWait: break;
  }
  finish(tcb, error, env);
}

void params_changed(Tcb& tcb, Env& env) noexcept {
  const Params& params = env.of(tcb);
  if (params.mss != 0 && params.mss < tcb.mss) tcb.mss = effective_mss(tcb, params.mss, env);
  if (!params.quickack) tcb.quickacks = 0;
  congestion::algorithm_changed(tcb, env);
  // Room that came by it is offered in a turn of its own, for the application is in the middle of a call.
  if ((tcb.flags & kWantWritable) != 0 && !tcb.t_delack.armed()) tcb.t_delack = env.after_ticks(0);
  const bool established = tcb.state == State::kEstablished || tcb.state == State::kCloseWait ||
                           tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2;
  if (!established) return;
  if (params.keepalive) {
    restart_keepalive(tcb, env);
  } else if (tcb.state != State::kFinWait2 || (tcb.flags & kAppClosed) == 0) {
    tcb.t_long = Tick{};
  }
  const bool receives = tcb.state != State::kCloseWait;
  if (receives && window_update_due(tcb, env)) tcb.flags |= kAckNow;
}

void release(Tcb& tcb, Env& env) noexcept {
  queue_clear(tcb, env);
  drop_unread(tcb, env);
  congestion::drop_state(tcb, env);
  drop_map(tcb, env);
  if (tcb.side == kNoIndex) return;
  env.bufs.release_all(env.sides[tcb.side].ooo_head);
  env.ooo_bufs -= env.sides[tcb.side].ooo_bufs;
  env.sides.give(tcb.side);
  tcb.side = kNoIndex;
}

std::uint32_t snd_wnd_bytes(const Tcb& tcb) noexcept { return std::uint32_t{tcb.snd_wnd} << tcb.snd_wscale; }

}  // namespace sluice::tcp
