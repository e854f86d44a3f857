// SPDX-License-Identifier: BSD-3-Clause
// One connection with everything around it that a stack would provide, driven by
// segments in the packetdrill manner: numbers are relative, 0 is the SYN of each side
// and 1 the first byte. After every event the application's turn is over at once and
// output() runs; what was sent waits in `sent`.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "port/memory_port.h"
#include "tcp/internal.h"

namespace sluice::tcp {

inline constexpr SeqNum kIrs{0xfffffff0};  // sequence numbers wrap after a few bytes, both ways
inline constexpr SeqNum kIss{0xfffffff8};

// A segment of the peer.
struct In {
  std::uint8_t flags = kAck;
  std::int32_t seq = 1;                  // from kIrs
  std::int32_t ack = 1;                  // from kIss
  std::string data = {};
  std::uint16_t wnd = 8192;
  std::optional<std::uint32_t> tsval = {};
  std::uint32_t tsecr = 0;
  std::optional<std::uint16_t> mss = {};
  std::optional<std::uint8_t> wscale = {};
  bool sack_permitted = false;
  bool ce = false;                       // its packet was marked
};

// What the peer offers in its SYN.
struct Offer {
  std::optional<std::uint32_t> tsval = {};
  std::optional<std::uint8_t> wscale = {};
  bool sack = false;
  std::optional<std::uint16_t> mss = 1460;
  bool ecn = false;
};

class OneConnection {
 public:
  explicit OneConnection(Params with = {}, std::size_t budget = 4096)
      : params(with), source_(budget), bufs(source_), sides(4), congestion(4), models(4), maps(4), more_sends(2),
        env_{now, Tick::floor(now), out, bufs, sides, congestion, models, maps, more_sends, &params, &local_mss, counters, 0} {
    tcb.flow.remote = IpAddress::v4(10, 0, 0, 2);
    tcb.flow.remote_port = 40000;
    tcb.flow.local_port = 80;
  }
  ~OneConnection() {
    release(tcb, env_);
    for (Buf* buf : held) bufs.release(buf);
    EXPECT_EQ(bufs.in_use(), 0U);
    EXPECT_EQ(sides.used(), 0U);
    EXPECT_EQ(congestion.used(), 0U);
    EXPECT_EQ(models.used(), 0U);
    EXPECT_EQ(maps.used(), 0U);
    EXPECT_EQ(more_sends.used(), 0U);
  }
  OneConnection(const OneConnection&) = delete;
  OneConnection& operator=(const OneConnection&) = delete;

  // SYN, SYN|ACK and the third ACK.
  void open_passively(const Offer& offer = {}) {
    syn(offer);
    In ack;
    ack.tsval = offer.tsval;
    EXPECT_EQ(third(ack), Verdict::kSynRcvdEstablished);
    EXPECT_EQ(tcb.state, State::kEstablished);
    settle();
  }
  // LISTEN takes the SYN: the record, and the SYN|ACK as it would be sent.
  OutSegment syn(const Offer& offer = {}) {
    const auto flags = static_cast<std::uint8_t>(offer.ecn ? kSyn | kEce | kCwr : kSyn);
    In in{.flags = flags, .seq = 0, .ack = 0, .tsval = offer.tsval, .mss = offer.mss, .wscale = offer.wscale,
          .sack_permitted = offer.sack};
    Segment segment = make(in);
    EXPECT_EQ(on_segment_listen(segment), Verdict::kListenSyn);
    half_open(record, tcb.flow, segment, kIss, params);
    record.deadline = Tick{env().tick.value + kSynAckFirstTicks};
    return syn_ack(record, params, local_mss, ts_offset, now);
  }
  // A segment for the half-open record.
  HalfOpenResult half(const In& in, OutSegment& answer) {
    Segment segment = make(in);
    const HalfOpenResult result =
        on_segment_half_open(record, segment, params, local_mss, ts_offset, now, answer);
    if (segment.payload != nullptr) bufs.release(segment.payload);
    return result;
  }
  // The ACK that promotes it, as the stack would handle it.
  Verdict third(const In& in) {
    OutSegment answer;
    EXPECT_EQ(half(in, answer).action, HalfOpenAction::kPromote);
    open_passive(tcb, record, 0, ts_offset, env());
    return arrive(in);
  }
  void open_actively() {
    open_active(tcb, kIss, ts_offset, env());
    drain();
  }

  // The peer's segment; then the application's turn (nothing), then output().
  Verdict arrive(const In& in) {
    Segment segment = make(in);
    const Verdict verdict = on_segment(tcb, segment, env());
    if (segment.payload != nullptr) bufs.release(segment.payload);
    turn();
    return verdict;
  }
  // Ends an event: output, events noted, what was sent collected.
  void turn() {
    output(tcb, env());
    const char* broken = broken_invariant(tcb, env_);
    EXPECT_EQ(broken, nullptr) << broken;
    drain();
  }
  void drain() {
    for (std::size_t i = 0; i < out.size(); ++i) sent.push_back(out[i]);
    out.clear();
    events |= env_.events;
    env_.events = 0;
  }
  // Forgets what was sent and signalled so far.
  void settle() {
    sent.clear();
    events = 0;
  }
  // The clock, without timers.
  void advance(Duration by) { now = now + by; }

  // Everything that can be read.
  std::string read(std::size_t max = SIZE_MAX) {
    std::string text;
    std::uint8_t chunk[512];
    while (text.size() < max) {
      const std::size_t n =
          receive(tcb, std::span(chunk).first(std::min(sizeof(chunk), max - text.size())), false, env());
      if (n == 0) break;
      text.append(reinterpret_cast<const char*>(chunk), n);
    }
    turn();
    return text;
  }

  // "A 1 5 win 8192" of the only segment sent since the last look; "" for none, "N segments" for more.
  std::string answer() {
    const auto segments = std::exchange(sent, {});
    if (segments.empty()) return "";
    if (segments.size() > 1) return std::to_string(segments.size()) + " segments";
    return text_of(segments[0]);
  }
  // Flags, then seq and, with ACK, ack relative; then SACK blocks "<l-r l-r>".
  static std::string text_of(const OutSegment& s) {
    std::string text;
    const std::pair<std::uint8_t, char> letters[] = {{kSyn, 'S'}, {kFin, 'F'}, {kRst, 'R'}, {kAck, 'A'}};
    for (const auto& [flag, letter] : letters) {
      if ((s.flags & flag) != 0) text += letter;
    }
    text += ' ' + std::to_string(static_cast<std::int32_t>(s.seq - kIss));
    if ((s.flags & kAck) != 0) text += ' ' + std::to_string(static_cast<std::int32_t>(s.ack - kIrs));
    if (s.n_sack > 0) {
      text += " <";
      for (unsigned i = 0; i < s.n_sack; ++i) {
        if (i > 0) text += ' ';
        text += std::to_string(s.sack[i].left - kIrs) + '-' + std::to_string(s.sack[i].right - kIrs);
      }
      text += '>';
    }
    return text;
  }

  Env& env() {
    env_.set_now(now);
    return env_;
  }
  Segment make(const In& in) {
    options_.clear();
    options_.has_ts = in.tsval.has_value();
    options_.tsval = in.tsval.value_or(0);
    options_.tsecr = in.tsecr;
    options_.has_mss = in.mss.has_value();
    options_.mss = in.mss.value_or(0);
    options_.has_wscale = in.wscale.has_value();
    options_.wscale = in.wscale.value_or(0);
    options_.sack_permitted = in.sack_permitted;
    Segment segment;
    segment.seq = kIrs + static_cast<std::uint32_t>(in.seq);
    segment.ack = kIss + static_cast<std::uint32_t>(in.ack);
    segment.flags = in.flags;
    segment.wnd = in.wnd;
    segment.ce = in.ce;
    segment.options = &options_;
    segment.len = static_cast<std::uint32_t>(in.data.size());
    if (!in.data.empty()) {
      segment.payload = bufs.take();
      if (segment.payload == nullptr) std::abort();
      std::memcpy(segment.payload->data, in.data.data(), in.data.size());
      segment.payload->len = segment.len;
    }
    return segment;
  }

  Params params;
  std::uint16_t local_mss = 1460;
  std::uint32_t ts_offset = 7'000'000;
  Instant now{1'000'000'000'000};

 private:
  port::MemoryBufSource source_;

 public:
  BufPool bufs;
  Slab<Side> sides;
  Slab<CongestionState> congestion;
  Slab<BbrModel> models;
  Slab<SendMap> maps;
  Slab<SendMore> more_sends;
  Outbox out;
  Counters counters;
  Tcb tcb;
  HalfOpen record;
  std::vector<OutSegment> sent;
  std::vector<Buf*> held;  // buffers that the test took out of the connection
  unsigned events = 0;

 private:
  wire::TcpOptions options_;
  Env env_;
};

}  // namespace sluice::tcp
