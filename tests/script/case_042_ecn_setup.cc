// SPDX-License-Identifier: BSD-3-Clause
// Case 42: an ECN-setup SYN gets ECE on its SYN|ACK where ECN is enabled (RFC 3168 6.1.1), else a plain one.
#include "script/ecn.h"

namespace sluice::script {

TEST_P(Family, EcnSetupSynIsAnsweredInKindIfEnabled) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10), ect());
}

TEST_P(Family, EcnSetupSynIsAnsweredPlainlyByDefault) {
  Dialogue d(GetParam());
  d.send(SYN | ECE | CWR, mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
}

TEST_P(Family, SynWithoutBothFlagsIsNoOffer) {
  for (const unsigned flags : {0U, ECE, CWR}) {
    Dialogue d(GetParam(), with_ecn());
    d.send(SYN | flags, mss(1000));
    d.expect(SYN | ACK, seq(0), ack(1));
    d.send(ACK, seq(1), ack(1));
    d.app().send_bytes(10);
    d.expect(ACK, seq(1), bytes(10));
  }
}

// The half-open record remembers.
TEST_P(Family, EcnSynAckIsRetransmittedAsItWas) {
  Dialogue d(GetParam(), with_ecn());
  d.send(SYN | ECE | CWR, mss(1000));
  d.expect(SYN | ACK | ECE, seq(0), ack(1));
  d.advance(1s);
  d.expect(SYN | ACK | ECE, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10), ect());
}

// RFC 3168 6.1.1.1: who hears nothing of an ECN-setup SYN tries without.
TEST_P(Family, PeerFallsBackToAPlainSyn) {
  Dialogue d(GetParam(), with_ecn());
  d.send(SYN | ECE | CWR, mss(1000));
  d.expect(SYN | ACK | ECE, seq(0), ack(1));
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
}

TEST_P(Family, ActiveOpenOffersEcn) {
  struct {
    unsigned answer;
    bool agreed;
  } const cases[] = {{ECE, true}, {0, false}, {ECE | CWR, false}, {CWR, false}};
  for (const auto& c : cases) {
    Scene scene = with_ecn();
    scene.listen = false;
    Dialogue d(GetParam(), scene);
    d.connect();
    d.expect(SYN | ECE | CWR, seq(0));
    d.send(SYN | ACK | c.answer, seq(0), ack(1), mss(1000));
    d.expect(ACK, seq(1), ack(1));
    d.app().send_bytes(10);
    if (c.agreed) {
      d.expect(ACK, seq(1), bytes(10), ect());
    } else {
      d.expect(ACK, seq(1), bytes(10));
    }
  }
}

TEST_P(Family, OurSynSentAgainOffersEcnNoMore) {
  Scene scene = with_ecn();
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN | ECE | CWR, seq(0));
  d.advance(1s);
  d.expect(SYN, seq(0));
  d.send(SYN | ACK | ECE, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
}

TEST_P(Family, CrossingEcnSetupSynsAgree) {
  Scene scene = with_ecn();
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN | ECE | CWR, seq(0));
  d.send(SYN | ECE | CWR, seq(0), mss(1000));
  d.expect(SYN | ACK | ECE, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10), ect());
}

// A cookie has no room to remember it.
TEST_P(Family, CookiesDoWithoutEcn) {
  Scene scene = with_ecn();
  scene.host.stack.syn_cookies = SynCookies::kAlways;
  Dialogue d(GetParam(), scene);
  d.send(SYN | ECE | CWR, mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
}

TEST_P(Family, DctcpAsksForEcnByItself) {
  Scene scene;
  scene.options.congestion_control = CongestionControl::kDctcp;
  Dialogue d(GetParam(), scene);
  establish_with_ecn(d);
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10), ect());
}

}  // namespace sluice::script
