// SPDX-License-Identifier: BSD-3-Clause
// A full table: who holds his place for nothing gives it up when somebody new comes, orphans first, the longest-held
// first; nobody while there is room.
#include <algorithm>

#include "script/dialogue.h"

namespace sluice::script {

namespace {

// A peer that shuts its window; the application has something to say, and perhaps lets go.
void shut(Peer& peer, bool orphan) {
  peer.establish();
  peer.send(ACK, seq(1), ack(1), win(0));
  peer.app().send_bytes(100);
  if (orphan) peer.app().close();
}

bool was_reset(Peer& peer) {
  const std::vector<Heard> all = peer.take();
  return std::any_of(all.begin(), all.end(), [](const Heard& h) { return (h.flags & RST) != 0; });
}

// Finds the table full.
void knock(Dialogue& d, Peer& peer) {
  peer.send(SYN, seq(0), mss(1000));
  peer.expect(SYN | ACK, seq(0), ack(1));
  peer.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kConnectionsFull);
  d.advance(1ms);
}

// There is room: the same ACK again gets it in.
void enter(Peer& peer) {
  peer.send(ACK, seq(1), ack(1));
  peer.state_is(State::kEstablished);
}

}  // namespace

TEST_P(Family, AFullTableGivesUpOrphansThenShutWindows) {
  Scene scene;
  scene.host.stack.max_connections = 3;
  Dialogue d(GetParam(), scene);
  Peer& idle = d.peer();
  Peer& held = d.add_peer(40001);
  Peer& orphan = d.add_peer(40002);
  idle.establish();
  shut(held, false);
  d.advance(300ms);
  shut(orphan, true);
  d.advance(1s);
  EXPECT_FALSE(was_reset(held) || was_reset(orphan)) << "nobody new came";

  Peer& first = d.add_peer(41000);
  knock(d, first);
  EXPECT_TRUE(was_reset(orphan)) << "though the other was shut longer";
  EXPECT_FALSE(was_reset(held));
  enter(first);

  d.advance(200ms);
  Peer& second = d.add_peer(41001);
  knock(d, second);
  EXPECT_TRUE(was_reset(held));
  EXPECT_EQ(held.app().closed(), Errc::kNoMemory);
  enter(second);

  d.advance(200ms);
  Peer& third = d.add_peer(41002);
  knock(d, third);
  d.advance(1500ms);
  third.expect(SYN | ACK, seq(0), ack(1));  // room may come yet
  third.state_is(State::kSynRcvd);
  idle.state_is(State::kEstablished);
  EXPECT_EQ(d.counter("full_table_aborts"), 2U);
}

TEST_P(Family, OfSeveralOrphansTheLongestShutGoes) {
  Scene scene;
  scene.host.stack.max_connections = 3;
  Dialogue d(GetParam(), scene);
  shut(d.peer(), true);
  Peer& older = d.add_peer(40001);
  Peer& younger = d.add_peer(40002);
  d.peer().send(RST, seq(1));
  shut(older, true);
  d.advance(100ms);
  shut(younger, true);
  Peer& youngest = d.add_peer(40003);  // in the place of the first
  d.advance(100ms);
  shut(youngest, true);
  d.advance(3s);
  EXPECT_FALSE(was_reset(older) || was_reset(younger) || was_reset(youngest));
  Peer& fresh = d.add_peer(41000);
  knock(d, fresh);
  EXPECT_TRUE(was_reset(older));
  EXPECT_FALSE(was_reset(younger) || was_reset(youngest));
  enter(fresh);
}

TEST_P(Family, AnOrphanWhosePeerIsSilentGivesWayAfterThreeRetransmissions) {
  Scene scene;
  scene.host.stack.max_connections = 2;
  Dialogue d(GetParam(), scene);
  Peer& held = d.add_peer(40001);
  d.establish();
  held.establish();
  d.app().close();
  held.app().send_bytes(100);
  d.advance(700ms);  // two at most
  Peer& fresh = d.add_peer(41000);
  knock(d, fresh);
  EXPECT_FALSE(was_reset(d.peer()) || was_reset(held));
  d.advance(3s);
  EXPECT_FALSE(was_reset(d.peer()));
  (void)fresh.take();
  fresh.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kConnectionsFull);
  d.advance(1ms);
  EXPECT_TRUE(was_reset(d.peer()));
  EXPECT_FALSE(was_reset(held)) << "its application waits for it";
  enter(fresh);
  EXPECT_EQ(d.counter("full_table_aborts"), 1U);
}

TEST_P(Family, AWindowJustShutIsNoReason) {
  Scene scene;
  scene.host.stack.max_connections = 1;
  Dialogue d(GetParam(), scene);
  shut(d.peer(), true);
  d.advance(300ms);  // probed once
  Peer& fresh = d.add_peer(41000);
  knock(d, fresh);
  EXPECT_FALSE(was_reset(d.peer()));
  d.send(ACK, seq(1), ack(1), win(1000));
  EXPECT_EQ(d.counter("full_table_aborts"), 0U);
  (void)d.peer().take();
}

TEST_P(Family, ACookieFindsRoomThatAnOrphanHad) {
  Scene scene;
  scene.host.stack.max_connections = 1;
  scene.host.stack.syn_cookies = SynCookies::kAlways;
  Dialogue d(GetParam(), scene);
  shut(d.peer(), true);
  d.advance(4s);  // no round trip was measured
  Peer& fresh = d.add_peer(41000);
  knock(d, fresh);
  EXPECT_TRUE(was_reset(d.peer()));
  fresh.send(ACK, seq(1), ack(1), data("hello"));
  d.verdict_is(Verdict::kListenCookieAccepted);
  fresh.state_is(State::kEstablished);
  (void)fresh.take();
}

TEST_P(Family, AnActiveOpenFindsRoomThatAnOrphanHad) {
  Scene scene;
  scene.host.stack.max_connections = 1;
  Dialogue d(GetParam(), scene);
  Peer& orphan = d.add_peer(40001);
  shut(orphan, true);
  d.advance(1s);
  d.touch();
  EXPECT_FALSE(d.stack().connect(d.service(), d.peer().remote(), {}, {}).ok());
  d.step();
  d.advance(1ms);
  EXPECT_TRUE(was_reset(orphan));
  d.establish_actively();
}

}  // namespace sluice::script
