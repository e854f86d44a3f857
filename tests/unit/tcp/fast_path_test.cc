// SPDX-License-Identifier: BSD-3-Clause
// The short ways against the long one: two connections get the same random segments and
// calls, one of them may take the short way, and both must always look the same.
#include <cstring>
#include <functional>

#include "base/rng.h"
#include "tcp/congestion.h"
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

// Everything of a Tcb but addresses of buffers, as text.
std::string picture(const Tcb& t) {
  std::string s;
  const auto put = [&s](const char* name, std::uint64_t value) {
    s += name;
    s += '=' + std::to_string(value) + ' ';
  };
  put("state", static_cast<unsigned>(t.state));
  put("flags", t.flags);
  put("rcv_nxt", t.rcv_nxt.value());
  put("last_ack_sent", t.last_ack_sent.value());
  put("rcv_wnd", t.rcv_wnd);
  put("snd_wnd", t.snd_wnd);
  put("snd_una", t.snd_una.value());
  put("snd_nxt", t.snd_nxt.value());
  put("wl1", t.snd_wl1.value());
  put("wl2", t.snd_wl2.value());
  put("ts_recent", t.ts_recent);
  put("ts_recent_age", t.ts_recent_age);
  put("challenge", t.challenge_ms);
  put("quickacks", t.quickacks);
  put("snd_queued", t.snd_queued);
  put("rcv_queued", t.rcv_queued);
  put("cwnd", t.cwnd);
  put("ssthresh", t.ssthresh);
  put("dupacks", t.dupacks);
  put("backoff", t.backoff);
  put("srtt", t.srtt_us8);
  put("rttvar", t.rttvar_us4);
  put("sends", t.sends);
  put("sent_us", t.sent_us);
  put("reordered", t.reordered);
  put("reo_mult", t.reo_mult);
  put("rexmt", t.t_rexmt.value);
  put("delack", t.t_delack.value);
  put("long", t.t_long.value);
  put("side", t.side);
  put("max_snd_wnd", t.max_snd_wnd);
  put("retransmits", t.retransmits);
  put("probes", t.keepalive_probes);
  put("error", static_cast<unsigned>(t.error));
  return s;
}

// What answers to marks: RFC 3168's window, DCTCP's estimate.
std::string congestion_picture(OneConnection& c) {
  const CongestionState* state = congestion::state_of(c.tcb, c.env());
  if (state == nullptr) return "none";
  std::string s = std::to_string(state->reduced);
  s += ' ' + std::to_string(state->cwr_end.value());
  if (state->part != CongestionPart::kDctcp) return s;
  const Dctcp& d = state->dctcp;
  for (const std::uint32_t value : {d.window_end.value(), d.bytes_acked, d.bytes_marked, d.alpha}) s += ' ' + std::to_string(value);
  return s;
}

std::string picture(const std::vector<OutSegment>& sent) {
  std::string s;
  for (const OutSegment& o : sent) {
    s += OneConnection::text_of(o) + " wnd " + std::to_string(o.wnd) + " len " + std::to_string(o.len) + " ts " +
         std::to_string(o.tsval) + '/' + std::to_string(o.tsecr) + (o.ect ? " ect\n" : "\n");
  }
  return s;
}

// Mostly what a peer sends, now and then anything else.
In random_segment(Rng& rng, const Tcb& tcb, const Offer& offer, std::uint32_t clock_ms) {
  In in;
  in.seq = static_cast<std::int32_t>(tcb.rcv_nxt - kIrs);
  in.ack = static_cast<std::int32_t>(tcb.snd_una - kIss + rng.below(tcb.snd_nxt - tcb.snd_una + 1));
  if (rng.per_mille(600)) in.data.assign(1 + rng.below(1460), static_cast<char>('a' + rng.below(26)));
  if (rng.per_mille(300)) in.flags |= kPsh;
  if (offer.tsval) in.tsval = *offer.tsval + clock_ms;
  if (rng.per_mille(100)) in.wnd = static_cast<std::uint16_t>(rng.below(65536));
  if (rng.per_mille(60)) in.seq += static_cast<std::int32_t>(rng.below(4000)) - 2000;
  if (rng.per_mille(20)) in.ack += static_cast<std::int32_t>(rng.below(40000)) - 20000;
  if (rng.per_mille(20)) in.flags = static_cast<std::uint8_t>(rng.below(256));
  if (rng.per_mille(20)) in.tsval.reset();
  if (rng.per_mille(20) && in.tsval) *in.tsval -= rng.below(100000);
  return in;
}

// One step of both; false when the connection has left ESTABLISHED.
struct Pair {
  Pair(const Params& params, const Offer& offer) : fast(params), slow(params) {
    fast.open_passively(offer);
    slow.open_passively(offer);
  }
  Verdict arrive(OneConnection& c, const In& in, bool may_be_fast) {
    Segment segment = c.make(in);
    Verdict verdict{};
    if (may_be_fast && fast_path(c.tcb, segment, c.env(), verdict)) {
      ++short_cuts;
    } else {
      verdict = input_synchronized(c.tcb, segment, c.env());
    }
    if (segment.payload != nullptr) c.bufs.release(segment.payload);
    c.turn();
    return verdict;
  }
  void both(const std::function<void(OneConnection&)>& call) {
    call(fast);
    call(slow);
  }
  OneConnection fast, slow;
  unsigned short_cuts = 0;
};

struct Ecn {
  bool on = false;
  CongestionControl algorithm = CongestionControl::kNewReno;
  unsigned marks = 0;  // of a thousand segments, and as many echoes and CWRs
};

// Segments, and how many of them took the short way.
struct Tally {
  unsigned segments = 0, short_cuts = 0;
};

Tally compare(const Ecn& ecn, std::uint64_t seeds) {
  unsigned short_cuts = 0;
  unsigned segments = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Offer offer{.wscale = 7, .sack = rng.per_mille(500), .ecn = ecn.on};
    if (rng.per_mille(500)) offer.tsval = static_cast<std::uint32_t>(rng.next());
    Params params{.keepalive = rng.per_mille(500), .nodelay = rng.per_mille(500), .congestion = ecn.algorithm, .ecn = ecn.on};
    Pair pair(params, offer);
    EXPECT_EQ((pair.fast.tcb.flags & kEcnOk) != 0, ecn.on);
    std::uint32_t clock_ms = 0;
    for (int step = 0; step < 300 && pair.slow.tcb.state == State::kEstablished; ++step) {
      const std::uint32_t wait_ms = rng.below(20);
      clock_ms += wait_ms;
      pair.both([&](OneConnection& c) { c.advance(Duration::milliseconds(wait_ms)); });
      if (rng.per_mille(200)) {
        const std::vector<std::uint8_t> bytes(1 + rng.below(5000), 'q');
        pair.both([&](OneConnection& c) { send(c.tcb, bytes, c.env()); c.turn(); });
      }
      In in = random_segment(rng, pair.slow.tcb, offer, clock_ms);
      in.ce = rng.per_mille(ecn.marks);
      if (rng.per_mille(ecn.marks)) in.flags |= kEce;
      if (rng.per_mille(ecn.marks)) in.flags |= kCwr;
      ++segments;
      const Verdict fast = pair.arrive(pair.fast, in, true);
      const Verdict slow = pair.arrive(pair.slow, in, false);
      EXPECT_EQ(fast, slow) << step;
      EXPECT_EQ(picture(pair.fast.tcb), picture(pair.slow.tcb)) << step;
      EXPECT_EQ(congestion_picture(pair.fast), congestion_picture(pair.slow)) << step;
      EXPECT_EQ(picture(pair.fast.sent), picture(pair.slow.sent)) << step;
      EXPECT_EQ(pair.fast.events, pair.slow.events) << step;
      if (testing::Test::HasFailure()) return {};
      pair.both([](OneConnection& c) { c.settle(); });
      if (rng.per_mille(500)) {
        const std::uint32_t most = rng.below(20000);
        EXPECT_EQ(pair.fast.read(most), pair.slow.read(most));
      }
    }
    short_cuts += pair.short_cuts;
  }
  return {segments, short_cuts};
}

TEST(FastPath, GivesWhatTheSlowPathGives) {
  const Tally tally = compare({}, 80);
  EXPECT_GT(tally.short_cuts, tally.segments / 4);
  EXPECT_LT(tally.short_cuts, tally.segments);
}

TEST(FastPath, ServesConnectionsWithEcnThatMeetNoMark) {
  const Tally plain = compare({}, 20);
  const Tally ecn = compare({.on = true}, 20);
  const Tally dctcp = compare({.on = true, .algorithm = CongestionControl::kDctcp}, 20);
  EXPECT_GT(ecn.short_cuts, plain.short_cuts * 9 / 10);
  EXPECT_GT(dctcp.short_cuts, plain.short_cuts * 9 / 10);
}

TEST(FastPath, GivesWhatTheSlowPathGivesAmongMarksAndEchoes) {
  for (const auto algorithm : {CongestionControl::kNewReno, CongestionControl::kCubic, CongestionControl::kDctcp}) {
    for (const unsigned marks : {20U, 200U}) {
      const Tally tally = compare({.on = true, .algorithm = algorithm, .marks = marks}, 15);
      EXPECT_GT(tally.short_cuts, tally.segments / 20);
    }
  }
}

Offer random_offer(Rng& rng, unsigned ecn_per_mille) {
  Offer offer{.sack = rng.per_mille(500), .ecn = rng.per_mille(ecn_per_mille)};
  if (rng.per_mille(500)) offer.tsval = static_cast<std::uint32_t>(rng.next());
  if (rng.per_mille(500)) offer.wscale = static_cast<std::uint8_t>(rng.below(15));
  return offer;
}

// A small buffer now and then.
std::uint32_t random_rcvbuf(Rng& rng) { return rng.per_mille(300) ? 256 + rng.below(1000) : 262144; }

// --- the handshake's end ---

// What may end a handshake, and much that may not.
In random_third(Rng& rng, const Offer& offer) {
  In in;
  if (rng.per_mille(500)) in.data.assign(1 + rng.below(1400), 'x');
  if (rng.per_mille(300)) in.flags |= static_cast<std::uint8_t>(rng.below(256)) & (kFin | kPsh | kUrg | kEce | kCwr);
  if (rng.per_mille(50)) in.flags = static_cast<std::uint8_t>(rng.below(256));
  if (rng.per_mille(50)) in.seq = static_cast<std::int32_t>(rng.below(4));
  if (rng.per_mille(50)) in.ack = static_cast<std::int32_t>(rng.below(4));
  if (rng.per_mille(300)) in.wnd = static_cast<std::uint16_t>(rng.below(65536));
  if (offer.tsval && rng.per_mille(900)) in.tsval = *offer.tsval + rng.below(5) - 1;
  in.ce = rng.per_mille(300);
  return in;
}

bool same_counters(const OneConnection& a, const OneConnection& b) {
  return std::memcmp(&a.counters, &b.counters, sizeof(a.counters)) == 0;
}

TEST(CompleteHandshake, GivesWhatTheLongWayGives) {
  unsigned taken = 0;
  unsigned with_text = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Offer offer = random_offer(rng, 300);
    const Params params{.rcvbuf = random_rcvbuf(rng), .keepalive = rng.per_mille(500),
                        .congestion = rng.per_mille(500) ? CongestionControl::kDctcp : CongestionControl::kCubic, .ecn = offer.ecn,
                        .quickack = rng.per_mille(500)};
    OneConnection fast(params);
    OneConnection slow(params);
    const In in = random_third(rng, offer);
    const unsigned repeats = rng.per_mille(200) ? 1 + rng.below(5) : 0;
    const Duration wait = Duration::microseconds(rng.below(900'000));
    for (OneConnection* c : {&fast, &slow}) {
      c->syn(offer);
      for (unsigned i = 0; i < repeats; ++i) EXPECT_TRUE(half_open_timeout(c->record, c->env().tick));
      c->advance(wait);
    }
    Segment segment = fast.make(in);
    if (!completes_handshake(fast.record, segment, params)) {
      if (segment.payload != nullptr) fast.bufs.release(segment.payload);
      continue;
    }
    ++taken;
    with_text += segment.len != 0 ? 1 : 0;
    open_passive(fast.tcb, fast.record, 0, fast.ts_offset, fast.env());
    complete_handshake(fast.tcb, segment, fast.env());
    if (segment.payload != nullptr) fast.bufs.release(segment.payload);
    fast.turn();
    open_passive(slow.tcb, slow.record, 0, slow.ts_offset, slow.env());
    EXPECT_EQ(slow.arrive(in), Verdict::kSynRcvdEstablished);
    EXPECT_EQ(picture(fast.tcb), picture(slow.tcb));
    EXPECT_EQ(picture(fast.sent), picture(slow.sent));
    EXPECT_EQ(fast.events, slow.events);
    EXPECT_TRUE(same_counters(fast, slow));
    EXPECT_EQ(fast.read(), slow.read());
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GT(taken, 150U);
  EXPECT_GT(with_text, 60U);
}

// --- the last segment ---

// In FIN_WAIT_1 or FIN_WAIT_2: mostly the peer's FIN, and often one that acknowledges everything.
In random_farewell(Rng& rng, const Tcb& tcb, const Offer& offer, std::uint32_t clock_ms) {
  In in;
  in.flags = rng.per_mille(700) ? kAck | kFin : kAck;
  in.seq = static_cast<std::int32_t>(tcb.rcv_nxt - kIrs);
  in.ack = static_cast<std::int32_t>(tcb.snd_nxt - kIss);
  if (rng.per_mille(300)) in.ack -= static_cast<std::int32_t>(rng.below(tcb.snd_nxt - tcb.snd_una + 1));
  if (rng.per_mille(200)) in.flags |= kPsh;
  if (rng.per_mille(30)) in.flags = static_cast<std::uint8_t>(rng.below(256));
  if (rng.per_mille(50)) in.seq += static_cast<std::int32_t>(rng.below(5)) - 2;
  if (rng.per_mille(30)) in.ack += static_cast<std::int32_t>(rng.below(5)) - 2;
  if (rng.per_mille(30)) in.data = "late";
  if (rng.per_mille(300)) in.wnd = static_cast<std::uint16_t>(rng.below(65536));
  if (offer.tsval && rng.per_mille(980)) in.tsval = *offer.tsval + clock_ms - (rng.per_mille(20) ? 1'000'000 : 0);
  return in;
}

std::string record_of(const Tcb& tcb) {
  TimeWait record;
  time_wait(record, tcb);
  std::string s;
  for (const std::uint32_t value : {std::uint32_t{record.flags}, std::uint32_t{record.rcv_wscale}, record.deadline.value,
                                    record.snd_nxt.value(), record.rcv_nxt.value(), record.ts_recent, record.ts_offset,
                                    std::uint32_t{record.rcv_wnd}}) {
    s += std::to_string(value) + ' ';
  }
  return s;
}

bool waits_for_fin(const Tcb& tcb) { return tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2; }

// Both get the segment; whether the fast one took the short way.
bool say_farewell(OneConnection& fast, OneConnection& slow, const In& in) {
  Segment segment = fast.make(in);
  const bool taken = closing_path(fast.tcb, segment, fast.env());
  const Verdict verdict = taken ? Verdict::kFinAccepted : input_synchronized(fast.tcb, segment, fast.env());
  if (segment.payload != nullptr) fast.bufs.release(segment.payload);
  fast.turn();
  Segment same = slow.make(in);
  EXPECT_EQ(verdict, input_synchronized(slow.tcb, same, slow.env()));
  if (same.payload != nullptr) slow.bufs.release(same.payload);
  slow.turn();
  EXPECT_EQ(fast.tcb.state, slow.tcb.state);
  EXPECT_EQ(may_compact(fast.tcb), may_compact(slow.tcb));
  if (taken) {
    EXPECT_TRUE(may_compact(fast.tcb));  // what the short way leaves alone is gone now
    EXPECT_EQ(record_of(fast.tcb), record_of(slow.tcb));
  } else {
    EXPECT_EQ(picture(fast.tcb), picture(slow.tcb));
  }
  EXPECT_EQ(picture(fast.sent), picture(slow.sent));
  EXPECT_EQ(fast.events, slow.events);
  EXPECT_EQ(fast.bufs.in_use(), slow.bufs.in_use());
  EXPECT_TRUE(same_counters(fast, slow));
  return taken;
}

TEST(ClosingPath, LeavesTheRecordThatTheSlowPathLeaves) {
  unsigned taken = 0;
  unsigned after_acks = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Offer offer = random_offer(rng, 200);
    const Params params{.rcvbuf = random_rcvbuf(rng), .keepalive = rng.per_mille(500),
                        .congestion = static_cast<CongestionControl>(rng.below(kCongestionControls)), .ecn = offer.ecn};
    OneConnection fast(params);
    OneConnection slow(params);
    const std::vector<std::uint8_t> text(rng.below(8000), 't');
    const bool ahead = rng.per_mille(100);
    for (OneConnection* c : {&fast, &slow}) {
      c->open_passively(offer);
      if (ahead) c->arrive({.seq = 20, .data = "ahead", .tsval = offer.tsval});
      if (!text.empty()) send(c->tcb, text, c->env());
      close(c->tcb, c->env());
      c->turn();
    }
    std::uint32_t clock_ms = 0;
    bool short_way = false;
    for (int step = 0; step < 20 && waits_for_fin(slow.tcb) && !short_way; ++step) {
      const std::uint32_t wait_ms = rng.below(300);
      clock_ms += wait_ms;
      for (OneConnection* c : {&fast, &slow}) {
        c->advance(Duration::milliseconds(wait_ms));
        const Tick due = next_deadline(c->tcb);
        if (due.armed() && !c->env().tick.before(due)) on_timer(c->tcb, c->env());
        c->turn();
      }
      if (!waits_for_fin(slow.tcb)) break;
      short_way = say_farewell(fast, slow, random_farewell(rng, slow.tcb, offer, clock_ms));
      ASSERT_FALSE(testing::Test::HasFailure()) << step;
      after_acks += short_way && step != 0 ? 1 : 0;
    }
    taken += short_way ? 1 : 0;
  }
  EXPECT_GT(taken, 60U);
  EXPECT_GT(after_acks, 20U);
}

}  // namespace
}  // namespace sluice::tcp
