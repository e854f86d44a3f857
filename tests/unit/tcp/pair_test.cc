// SPDX-License-Identifier: BSD-3-Clause
// Two connections, back to back over a line that loses, doubles and reorders segments,
// with applications that write, read slowly and close at random: every byte arrives once
// and in order, both ends reach CLOSED, and invariants hold after every event. The
// whole stack has its simulation in tests/sim; this one needs nothing but src/tcp.
#include <map>

#include "base/rng.h"
#include "tcp/sending.h"
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

// A segment on the line.
struct Flying {
  OutSegment segment;
  std::string payload;
};

class End : public OneConnection {
 public:
  End(Params with, std::uint32_t to_send) : OneConnection(with), total(to_send) {}

  // What was sent, with its bytes, before another event may free them.
  std::vector<Flying> take_sent() {
    while ((tcb.flags & kMoreOutput) != 0) turn();
    std::vector<Flying> flying;
    for (const OutSegment& s : std::exchange(sent, {})) {
      Flying f{s, {}};
      std::uint32_t offset = s.chunk_offset;
      for (const Buf* buf = s.chunk; f.payload.size() < s.len; buf = buf->next) {
        const std::size_t n = std::min<std::size_t>(buf->len - offset, s.len - f.payload.size());
        f.payload.append(reinterpret_cast<const char*>(buf->data) + offset, n);
        offset = 0;
      }
      flying.push_back(std::move(f));
    }
    return flying;
  }
  void deliver(const Flying& f) {
    const OutSegment& s = f.segment;
    wire::TcpOptions options;
    options.has_mss = (s.options & kOptMss) != 0;
    options.mss = s.mss;
    options.has_wscale = (s.options & kOptWscale) != 0;
    options.wscale = s.wscale;
    options.sack_permitted = (s.options & kOptSackPermitted) != 0;
    options.has_ts = (s.options & kOptTimestamps) != 0;
    options.tsval = s.tsval;
    options.tsecr = s.tsecr;
    options.n_sack = s.n_sack;
    std::copy(s.sack, s.sack + s.n_sack, options.sack);
    Segment segment;
    segment.seq = s.seq;
    segment.ack = s.ack;
    segment.wnd = s.wnd;
    segment.flags = s.flags;
    segment.len = s.len;
    segment.options = &options;
    if (s.len != 0) {
      segment.payload = bufs.take();
      std::memcpy(segment.payload->data, f.payload.data(), s.len);
      segment.payload->len = s.len;
    }
    on_segment(tcb, segment, env());
    if (segment.payload != nullptr) bufs.release(segment.payload);
    turn();
  }
  // The application's turn: writes, reads, closes.
  void act(Rng& rng) {
    if (written < total && can_send(tcb)) {
      std::vector<std::uint8_t> bytes(std::min(total - written, 1 + rng.below(9000)));
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((written + i) * 7 % 253);
      written += static_cast<std::uint32_t>(send(tcb, bytes, env()));
    }
    if (rng.below(3) == 0) check(read(rng.below(20'000)));
    const bool connected = tcb.state != State::kSynSent && tcb.state != State::kSynRcvd;
    if (connected && written == total && !shut) {
      shut = true;
      shutdown_write(tcb, env());
    }
    if (at_eof(tcb) && shut && !closed) {
      closed = true;
      close(tcb, env());
    }
    turn();
  }
  void check(const std::string& bytes) {
    for (const char c : bytes) {
      ASSERT_EQ(static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(got * 7ULL % 253)) << "byte " << got;
      ++got;
    }
  }
  [[nodiscard]] Instant deadline() const {
    const Tick tick = next_deadline(tcb);
    if (!tick.armed()) return Instant::never();
    const std::int64_t base = now.ns / kTickNs;
    return Instant{(base + static_cast<std::int32_t>(tick.value - static_cast<std::uint32_t>(base))) * kTickNs};
  }

  std::uint32_t total, written = 0, got = 0;
  bool shut = false, closed = false;
};

Params random_params(Rng& rng) {
  return Params{.rcvbuf = 2000 + rng.below(rng.below(2) == 0 ? 6000 : 300'000),
                .sndbuf = 3000 + rng.below(200'000),
                .msl_ms = 120'000,  // longer than the last FIN can be on its way
                .keepalive = rng.below(4) == 0,
                .nodelay = rng.below(2) == 0,
                .quickack = rng.below(2) == 0};
}

void run(std::uint64_t seed) {
  SCOPED_TRACE(seed);
  Rng rng(seed);
  End ends[2] = {{random_params(rng), rng.below(150'000)}, {random_params(rng), rng.below(150'000)}};
  const std::uint32_t loss = rng.below(4) == 0 ? 0 : rng.below(300);
  const std::uint32_t jitter_us = rng.below(3) == 0 ? 0 : 1 + rng.below(20'000);
  const Instant calm = ends[0].now + Duration::seconds(60);
  std::multimap<Instant, std::pair<int, Flying>> line;
  Instant now = ends[0].now;
  Instant next_act = now;
  const auto put_on_line = [&](int from) {
    for (Flying& f : ends[from].take_sent()) {
      const bool bad = now < calm;
      if (bad && rng.per_mille(loss)) continue;
      for (unsigned copies = bad && rng.per_mille(20) ? 2 : 1; copies-- > 0;) {
        line.emplace(now + Duration::microseconds(500 + rng.below(jitter_us)), std::pair{1 - from, f});
      }
    }
  };
  ends[0].open_actively();
  ends[1].open_actively();  // simultaneous open: the hardest handshake
  for (int i = 0; i < 2; ++i) put_on_line(i);
  for (int step = 0; step < 400'000; ++step) {
    if (ends[0].tcb.state == State::kClosed && ends[1].tcb.state == State::kClosed) break;
    Instant next = std::min(ends[0].deadline(), ends[1].deadline());
    if (!line.empty()) next = std::min(next, line.begin()->first);
    const bool apps = !ends[0].closed || !ends[1].closed;
    if (apps) next = std::min(next, next_act);
    ASSERT_NE(next, Instant::never()) << "nothing will ever happen";
    now = std::max(now, next);
    for (End& end : ends) end.now = now;
    if (apps && next_act <= now) {
      next_act = now + Duration::microseconds(100 + rng.below(rng.below(50) == 0 ? 3'000'000 : 20'000));
      for (int i = 0; i < 2; ++i) {
        ends[i].act(rng);
        put_on_line(i);
      }
    }
    for (int i = 0; i < 2; ++i) {
      if (ends[i].deadline() > now) continue;
      on_timer(ends[i].tcb, ends[i].env());
      ends[i].turn();
      put_on_line(i);
    }
    if (!line.empty() && line.begin()->first <= now) {
      const auto [to, flying] = line.begin()->second;
      line.erase(line.begin());
      ends[to].deliver(flying);
      put_on_line(to);
    }
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  for (int i = 0; i < 2; ++i) {
    ends[i].check(ends[i].read());  // CLOSED may come before the last read
    ASSERT_EQ(ends[i].tcb.state, State::kClosed) << i << " is in " << state_name(ends[i].tcb.state);
    ASSERT_EQ(ends[i].tcb.error, Errc::kOk) << i;
    ASSERT_EQ(ends[i].got, ends[1 - i].total) << i;
  }
}

TEST(Pair, EveryByteArrivesAndBothEndsClose) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    run(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::tcp
