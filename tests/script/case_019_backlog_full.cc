// SPDX-License-Identifier: BSD-3-Clause
// Case 19: beyond the backlog SYNs are dropped, or answered with a cookie; who is established feels nothing.
#include "script/dialogue.h"

namespace sluice::script {

namespace {
// One connection established, and a backlog of two that is full.
struct Full {
  Full(Ip ip, SynCookies cookies) : d(ip, scene(cookies)) {
    d.establish();
    for (Peer* peer : {&second, &third}) {
      peer->send(SYN, seq(0), mss(1000));
      peer->expect(SYN | ACK, seq(0), ack(1));
    }
  }
  static Scene scene(SynCookies cookies) {
    Scene scene;
    scene.backlog = 2;
    scene.host.stack.syn_cookies = cookies;
    return scene;
  }
  Dialogue d;
  Peer& second = d.add_peer(40001);
  Peer& third = d.add_peer(40002);
  Peer& fourth = d.add_peer(40003);
};
}  // namespace

TEST_P(Family, FullBacklogDropsSynsAndLeavesConnectionsAlone) {
  Full full(GetParam(), SynCookies::kNever);
  Dialogue& d = full.d;
  full.fourth.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenBacklogFull);
  d.expect_silence();
  d.send(ACK, seq(1), ack(1), data("still here"));
  d.expect(ACK, seq(1), ack(11));
  full.second.send(ACK, seq(1), ack(1));
  full.second.state_is(State::kEstablished);
  full.fourth.send(SYN, seq(0), mss(1000));  // there is room again
  full.fourth.expect(SYN | ACK, seq(0), ack(1));
  full.fourth.state_is(State::kSynRcvd);
}

TEST_P(Family, FullBacklogIsAnsweredWithCookies) {
  Full full(GetParam(), SynCookies::kAuto);
  Dialogue& d = full.d;
  full.fourth.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenCookieSent);
  full.fourth.expect(SYN | ACK, seq(0), ack(1));
  full.fourth.state_is(State::kListen);  // nothing is held
  d.send(ACK, seq(1), ack(1), data("still here"));
  d.expect(ACK, seq(1), ack(11));
  full.fourth.send(ACK, seq(1), ack(1), data("hello"));
  d.verdict_is(Verdict::kListenCookieAccepted);
  full.fourth.expect(ACK, seq(1), ack(6));
  full.fourth.state_is(State::kEstablished);
  full.second.send(ACK, seq(1), ack(1));  // the half-open ones go on as well
  full.second.state_is(State::kEstablished);
  Peer& fifth = d.add_peer(40004);
  fifth.send(SYN, seq(0), mss(1000));     // there is room again: no cookie
  d.verdict_is(Verdict::kListenSyn);
  fifth.expect(SYN | ACK, seq(0), ack(1));
  fifth.state_is(State::kSynRcvd);
}

}  // namespace sluice::script
