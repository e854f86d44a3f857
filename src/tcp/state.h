// SPDX-License-Identifier: BSD-3-Clause
// The states of a connection and the arrows between them; internal.h includes this. Shard thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/check.h"
#include "tcp/env.h"
#include "tcp/tcb.h"

namespace sluice::tcp {

namespace detail {

constexpr unsigned bit(State state) noexcept { return 1U << static_cast<unsigned>(state); }

// RFC 9293 figure 5 with its notes: for each state the states that an arrow leads to. Deviation: note 3 leads from a RST sent
// to TIME_WAIT; here as by 3.10.5, and in Linux, it is CLOSED (pinned by AbortEndsEveryState). CLOSED is reached
// from everywhere by reset, abort or timeout. LISTEN is no state of a Tcb: a passive open enters SYN_RCVD
// from CLOSED, and what figure 5 returns to LISTEN goes to CLOSED.
constexpr unsigned successors(State from) noexcept {
  switch (from) {
    case State::kClosed: return bit(State::kSynSent) | bit(State::kSynRcvd);
    case State::kListen: return 0;
    case State::kSynSent: return bit(State::kSynRcvd) | bit(State::kEstablished) | bit(State::kClosed);
    case State::kSynRcvd: return bit(State::kEstablished) | bit(State::kFinWait1) | bit(State::kClosed);
    case State::kEstablished: return bit(State::kFinWait1) | bit(State::kCloseWait) | bit(State::kClosed);
    case State::kFinWait1:  // note 2: TIME_WAIT at once when the FIN acknowledges ours
      return bit(State::kFinWait2) | bit(State::kClosing) | bit(State::kTimeWait) | bit(State::kClosed);
    case State::kFinWait2: return bit(State::kTimeWait) | bit(State::kClosed);
    case State::kCloseWait: return bit(State::kLastAck) | bit(State::kClosed);
    case State::kClosing: return bit(State::kTimeWait) | bit(State::kClosed);
    case State::kLastAck:
    case State::kTimeWait: return bit(State::kClosed);
  }
  return 0;
}

inline constexpr auto kSuccessors = [] {
  std::array<std::uint16_t, kStates> table{};
  for (std::size_t i = 0; i < kStates; ++i) {
    table[i] = static_cast<std::uint16_t>(successors(static_cast<State>(i)));
  }
  return table;
}();

// RFC 4022 tcpCurrEstab
constexpr bool counts_as_established(State state) noexcept {
  return state == State::kEstablished || state == State::kCloseWait;
}

[[gnu::always_inline]] inline void count_transition(Counters& counters, State from, State to) noexcept {
  if (from != State::kClosed) --counters.states[static_cast<std::size_t>(from)];
  if (to != State::kClosed) ++counters.states[static_cast<std::size_t>(to)];
  TcpStats& mib = counters.mib;
  if (from == State::kClosed) ++(to == State::kSynSent ? mib.ActiveOpens : mib.PassiveOpens);
  if (to == State::kClosed) {
    if (from == State::kSynSent || from == State::kSynRcvd) ++mib.AttemptFails;
    if (counts_as_established(from)) ++mib.EstabResets;
  }
  if (counts_as_established(to)) ++mib.CurrEstab;
  if (counts_as_established(from)) --mib.CurrEstab;
}

}  // namespace detail

// The only writer of tcb.state: checks the arrow against RFC 9293 figure 5 with its notes, resets,
// aborts and timeouts, and keeps the census and RFC 4022's connection counters in env.counters. In line,
// because the state to come is known wherever one is entered.
[[gnu::always_inline]] inline void enter(Tcb& tcb, State state, Env& env) noexcept {
  CHECK((detail::kSuccessors[static_cast<std::size_t>(tcb.state)] & detail::bit(state)) != 0);
  detail::count_transition(env.counters, tcb.state, state);
  tcb.state = state;
}

}  // namespace sluice::tcp
