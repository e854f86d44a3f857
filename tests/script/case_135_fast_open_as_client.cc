// SPDX-License-Identifier: BSD-3-Clause
// Case 135 from the other end: ask, remember, send text with the SYN, and do without where that fails.
#include "script/dialogue.h"

namespace sluice::script {

namespace {

constexpr std::string_view kText = "GET / HTTP/1.0\r\n\r\n";
constexpr std::uint32_t kLen = kText.size();
const std::string kCookie = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a";

Scene client_scene(bool on = true) {
  Scene scene;
  scene.listen = false;
  scene.host.stack.fastopen = on;
  scene.options.first_bytes = std::as_bytes(std::span(kText.data(), kText.size()));
  return scene;
}

void start_over(Dialogue& d) {
  d.app().abort();
  (void)d.peer().take();
  d.peer().forget(d.peer().isn() + 1000);
}

// A connection that asks, and gets kCookie.
void learn(Dialogue& d) {
  d.connect();
  d.expect(SYN, seq(0));
  EXPECT_EQ(d.peer().last().fast_open, "");
  d.send(SYN | ACK, seq(0), ack(1), mss(1000), fast_open(kCookie));
  d.expect(ACK, seq(1), ack(1), script::data(kText));
  start_over(d);
}

// A SYN with the text is out.
void connect_with_cookie(Dialogue& d) {
  learn(d);
  d.connect();
  d.expect(SYN, seq(0), script::data(kText));
}

}  // namespace

TEST_P(Family, FirstBytesWaitForTheHandshakeWithoutFastOpen) {
  Dialogue d(GetParam(), client_scene(false));
  d.connect();
  d.expect(SYN, seq(0));
  EXPECT_FALSE(d.peer().last().fast_open);
  d.send(SYN | ACK, seq(0), ack(1), mss(1000), fast_open(kCookie));
  d.expect(ACK, seq(1), ack(1), script::data(kText));
  EXPECT_EQ(d.app().connected(), 1U);
}

// Its text is dropped, with its buffer; the cookie in it is not.
TEST_P(Family, ACookieIsLearnedByWhoReadsNothing) {
  Dialogue d(GetParam(), client_scene());
  d.connect();
  d.expect(SYN, seq(0));
  d.app().shutdown_read();
  d.send(SYN | ACK, seq(0), ack(1), mss(1000), fast_open(kCookie), script::data("early"));
  d.expect(ACK, seq(1), ack(6), script::data(kText));
  start_over(d);
  d.connect();
  d.expect(SYN, seq(0), script::data(kText));
  EXPECT_EQ(d.peer().last().fast_open, kCookie);
}

TEST_P(Family, TextGoesWithTheSynOnceACookieIsKnown) {
  Dialogue d(GetParam(), client_scene());
  connect_with_cookie(d);
  EXPECT_EQ(d.peer().last().fast_open, kCookie);
  d.send(SYN | ACK, seq(0), ack(1 + kLen), mss(1000));
  d.expect(ACK, seq(1 + kLen), ack(1));
  EXPECT_EQ(d.app().info().tx_queued, 0U);
  d.app().send("more");
  d.expect(ACK, seq(1 + kLen), ack(1), data("more"));
  d.send(ACK, seq(1), ack(5 + kLen));
  d.advance(10s);
  d.expect_silence();
}

// A server makes it from the client's address; another of ours would be refused, and counted against us.
TEST_P(Family, ACookieIsNotUsedFromAnotherAddress) {
  Scene scene = client_scene();
  scene.host.addresses = {"10.0.0.1/24", "10.0.0.7/24", "fd00::1/64", "fd00::7/64"};
  Dialogue d(GetParam(), scene);
  learn(d);
  const IpAddress other = IpAddress::parse(d.v4() ? "10.0.0.7" : "fd00::7").value();
  auto connection = d.host().connect(d.service(), d.peer().remote(), {other, 0}, scene.options);
  ASSERT_TRUE(connection.ok());
  const auto sent = d.host().take_sent();
  ASSERT_EQ(sent.size(), 1U);
  std::string defects;
  const Heard heard = hear(sent[0], defects);
  EXPECT_EQ(heard.data, "");
  EXPECT_EQ(heard.fast_open, "") << "asks for one of its own";
  connection->abort();
  (void)d.host().take_sent();
}

TEST_P(Family, TextThatTheServerDidNotTakeIsSentAgain) {
  Dialogue d(GetParam(), client_scene());
  connect_with_cookie(d);
  d.send(SYN | ACK, seq(0), ack(1), mss(1000), fast_open("another!"));
  d.expect(ACK, seq(1), ack(1), script::data(kText));
  start_over(d);
  d.connect();  // the newer cookie is the one to use
  d.expect(SYN, seq(0), script::data(kText));
  EXPECT_EQ(d.peer().last().fast_open, "another!");
}

TEST_P(Family, LostFastSynIsRepeatedWithoutTextAndTheCookieForgotten) {
  Dialogue d(GetParam(), client_scene());
  connect_with_cookie(d);
  d.advance(1s);
  d.expect(SYN, seq(0));
  EXPECT_FALSE(d.peer().last().fast_open);
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1), script::data(kText));
  start_over(d);
  d.connect();
  d.expect(SYN, seq(0));
  EXPECT_EQ(d.peer().last().fast_open, "");  // it asks anew
}

TEST_P(Family, FirstFastSynMayBeAcknowledgedAfterTheSecond) {
  Dialogue d(GetParam(), client_scene());
  connect_with_cookie(d);
  d.advance(1s);
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1 + kLen), mss(1000));  // the server heard the first
  d.expect(ACK, seq(1 + kLen), ack(1));
  d.advance(10s);
  d.expect_silence();
}

TEST_P(Family, AckOfMoreThanTheFastSynCarriedIsReset) {
  Dialogue d(GetParam(), client_scene());
  connect_with_cookie(d);
  d.send(SYN | ACK, seq(0), ack(2 + kLen), mss(1000));
  d.verdict_is(Verdict::kSynSentBadAck);
  d.expect(RST, seq(2 + kLen));
}

TEST_P(Family, FastSynIsNoLargerThanTheServersMss) {
  const std::string text(5000, 'x');
  Scene scene = client_scene();
  scene.options.first_bytes = std::as_bytes(std::span(text.data(), text.size()));
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1), mss(1000), fast_open(kCookie));
  (void)d.peer().take();
  start_over(d);
  d.connect();
  d.expect(SYN, seq(0), script::data(text.substr(0, 960)));  // and the options beside it
  d.send(SYN | ACK, seq(0), ack(961), mss(1000));
  d.expect(ACK, seq(961), ack(1), script::data(text.substr(0, 1000)));
  (void)d.peer().take();
}

// Its ICMP message is about a connection that has no MSS of the path's yet.
TEST_P(Family, AFastSynThatIsTooBigForThePathIsLearnedFrom) {
  const std::string text(5000, 'x');
  Scene scene = client_scene();
  scene.options.first_bytes = std::as_bytes(std::span(text.data(), text.size()));
  Dialogue d(GetParam(), scene);
  const std::uint32_t full = d.our_mss();
  d.connect();
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1), mss(static_cast<std::uint16_t>(full)), fast_open(kCookie));
  (void)d.peer().take();
  start_over(d);
  d.connect();
  d.expect(SYN, seq(0), script::data(text.substr(0, full - 40)));
  d.send_too_big(1500, 0);
  d.verdict_is(Verdict::kIcmpErrorIgnored);
  d.send_too_big(1300, 0);
  d.verdict_is(Verdict::kIcmpErrorHandled);
  const std::uint32_t small = 1300 - (d.v4() ? 40 : 60);
  d.advance(1s);
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1), mss(static_cast<std::uint16_t>(full)), fast_open(kCookie));
  d.expect(ACK, seq(1), ack(1), script::data(text.substr(0, small)));
  (void)d.peer().take();
  start_over(d);
  d.connect();
  d.expect(SYN, seq(0), script::data(text.substr(0, small - 40)));
}

}  // namespace sluice::script
