// SPDX-License-Identifier: BSD-3-Clause
// The table of RFC 9293 figure 5: arrows that no event may take are our own mistakes.
#include <algorithm>

#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

// Written out apart from the code: figure 5, its notes, and CLOSED from everywhere.
bool in_figure_5(State from, State to) {
  using enum State;
  const std::pair<State, State> arrows[] = {
      {kClosed, kSynSent},      {kClosed, kSynRcvd},      {kSynSent, kSynRcvd},   {kSynSent, kEstablished},
      {kSynRcvd, kEstablished}, {kSynRcvd, kFinWait1},    {kEstablished, kFinWait1}, {kEstablished, kCloseWait},
      {kFinWait1, kFinWait2},   {kFinWait1, kClosing},    {kFinWait1, kTimeWait}, {kFinWait2, kTimeWait},
      {kCloseWait, kLastAck},   {kClosing, kTimeWait},
  };
  if (to == kClosed) return from != kClosed && from != kListen;
  return std::find(std::begin(arrows), std::end(arrows), std::pair(from, to)) != std::end(arrows);
}

TEST(StateTableDeathTest, OnlyTheArrowsOfFigure5CanBeTaken) {
  GTEST_FLAG_SET(death_test_style, "fast");
  for (std::size_t from = 0; from < kStates; ++from) {
    for (std::size_t to = 0; to < kStates; ++to) {
      OneConnection c;
      c.tcb.state = static_cast<State>(from);
      const auto target = static_cast<State>(to);
      if (in_figure_5(c.tcb.state, target)) {
        enter(c.tcb, target, c.env());
        EXPECT_EQ(c.tcb.state, target);
      } else {
        EXPECT_DEATH(enter(c.tcb, target, c.env()), "kSuccessors") << from << " -> " << to;
      }
    }
  }
}

TEST(Census, CountsEveryConnectionInOneState) {
  OneConnection c;
  c.open_passively();
  const auto count = [&c](State s) { return c.counters.states[static_cast<std::size_t>(s)]; };
  EXPECT_EQ(count(State::kEstablished), 1U);
  EXPECT_EQ(c.counters.mib.CurrEstab, 1U);
  c.arrive({.flags = kFin | kAck});
  EXPECT_EQ(count(State::kEstablished), 0U);
  EXPECT_EQ(count(State::kCloseWait), 1U);
  EXPECT_EQ(c.counters.mib.CurrEstab, 1U);
  shutdown_write(c.tcb, c.env());
  c.turn();
  EXPECT_EQ(c.counters.mib.CurrEstab, 0U);
  c.arrive({.seq = 2, .ack = 2});
  std::uint64_t all = 0;
  for (const std::uint64_t n : c.counters.states) all += n;
  EXPECT_EQ(all, 0U);
  EXPECT_EQ(c.counters.mib.EstabResets, 0U);
}

TEST(Finish, StopsEveryTimerAndTellsTheApplication) {
  OneConnection c;
  c.open_passively();
  const std::uint8_t byte[1] = {};
  send(c.tcb, byte, c.env());
  c.turn();
  EXPECT_TRUE(next_deadline(c.tcb).armed());
  finish(c.tcb, Errc::kTimedOut, c.env());
  EXPECT_FALSE(next_deadline(c.tcb).armed());
  EXPECT_EQ(c.tcb.error, Errc::kTimedOut);
  EXPECT_EQ(c.env().events, kEventClosed);
}

}  // namespace
}  // namespace sluice::tcp
