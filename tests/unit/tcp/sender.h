// SPDX-License-Identifier: BSD-3-Clause
// OneConnection seen from its sending side: bytes written and acknowledged, timers
// fired in virtual time, and what left as text. Numbers are relative to the first
// byte, so that "0-1460" is the first segment.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "unit/tcp/one_connection.h"

namespace sluice::tcp {

class Sender : public OneConnection {
 public:
  explicit Sender(Params with = {}, std::size_t budget = 4096) : OneConnection(with, budget) {}

  static constexpr std::uint8_t kShift = 7;  // of the peer's windows, when it scales them

  // Opened by the peer, whose window is `wnd` bytes (a multiple of 128 above 65535).
  // The handshake takes `rtt`.
  Sender& establish(std::uint32_t wnd = 65535, Offer offer = {}, Duration rtt = {}) {
    peer_wnd_ = wnd;
    if (wnd > 65535) offer.wscale = kShift;
    timestamps_ = offer.tsval.has_value();
    const In in{.flags = kSyn, .seq = 0, .ack = 0, .wnd = static_cast<std::uint16_t>(std::min(wnd, 65535U)),
                .tsval = offer.tsval, .mss = offer.mss, .wscale = offer.wscale, .sack_permitted = offer.sack};
    Segment segment = make(in);
    half_open(record, tcb.flow, segment, kIss, params);
    record.deadline = Tick{env().tick.value + kSynAckFirstTicks};
    now = now + rtt;
    third(In{.wnd = field(wnd), .tsval = peer_time()});
    EXPECT_EQ(tcb.state, State::kEstablished);
    settle();
    return *this;
  }

  // SEND of so many bytes, and output(). The value of byte i is i modulo 251.
  std::size_t write(std::size_t n) {
    std::vector<std::uint8_t> bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>((written_ + i) % 251);
    const std::size_t taken = send(tcb, bytes, env());
    written_ += taken;
    turn();
    return taken;
  }
  // A buffer handed over whole.
  bool write_buf(std::uint32_t n) {
    Buf* buf = bufs.take();
    for (std::uint32_t i = 0; i < n; ++i) buf->data[i] = static_cast<std::uint8_t>((written_ + i) % 251);
    buf->len = n;
    const bool taken = send(tcb, buf, env());
    if (taken) {
      written_ += n;
    } else {
      bufs.release(buf);
    }
    turn();
    return taken;
  }

  using Ranges = std::initializer_list<std::pair<std::uint32_t, std::uint32_t>>;
  // The peer acknowledges bytes up to `upto`, its window being `wnd` bytes (if given: from now on).
  Verdict ack(std::uint32_t upto, Ranges sacked = {}) {
    wire::TcpOptions options;
    for (const auto& [left, right] : sacked) options.sack[options.n_sack++] = {first() + left, first() + right};
    options.has_ts = timestamps_;
    options.tsval = peer_time().value_or(0);
    options.tsecr = echo_;
    Segment segment;
    segment.seq = tcb.rcv_nxt;
    segment.ack = first() + upto;
    segment.flags = echoes_marks_ ? kAck | kEce : kAck;
    segment.wnd = field(peer_wnd_);
    segment.options = &options;
    const Verdict verdict = on_segment(tcb, segment, env());
    turn();
    return verdict;
  }
  Verdict ack(std::uint32_t upto, std::uint32_t wnd) {
    peer_wnd_ = wnd;
    return ack(upto);
  }
  // A FIN of the peer, its next byte being in order.
  Verdict peer_fin(std::uint32_t upto) {
    return arrive(In{.flags = kAck | kFin, .seq = rcv(), .ack = static_cast<std::int32_t>(upto + 1),
                     .wnd = field(peer_wnd_), .tsval = peer_time()});
  }
  Verdict peer_data(std::string bytes, std::uint32_t upto) {
    return arrive(In{.seq = rcv(), .ack = static_cast<std::int32_t>(upto + 1), .data = std::move(bytes),
                     .wnd = field(peer_wnd_), .tsval = peer_time()});
  }
  void echo(std::uint32_t tsval) { echo_ = tsval; }
  // What ack() says from now on echoes a mark (RFC 3168), or not.
  void echo_marks(bool on) { echoes_marks_ = on; }

  // Lets `by` pass, firing what is due on the way.
  void pass(Duration by) {
    const Instant end = now + by;
    for (Instant due = deadline(); due <= end; due = deadline()) {
      now = std::max(now, due);
      fire();
    }
    now = end;
  }
  // On to the next deadline, which is fired; milliseconds that it took, -1 without one.
  std::int64_t next_timer_ms() {
    const Instant due = deadline();
    if (due == Instant::never()) return -1;
    const Instant before = now;
    now = std::max(now, due);
    fire();
    return (now - before).ms();
  }
  [[nodiscard]] Instant deadline() const {
    const Tick tick = next_deadline(tcb);
    if (!tick.armed()) return Instant::never();
    const std::int64_t base = now.ns / kTickNs;
    const auto ahead = static_cast<std::int32_t>(tick.value - static_cast<std::uint32_t>(base));
    return Instant{(base + ahead) * kTickNs};
  }

  // What was sent since the last look: "0-1460 1460-2000P", R S F flags behind, pure ACKs as "a".
  std::string sent_text() {
    std::string text;
    for (const OutSegment& s : std::exchange(sent, {})) {
      if (!text.empty()) text += ' ';
      text += describe(s);
    }
    return text;
  }
  static std::string describe(const OutSegment& s) {
    if (s.len == 0 && (s.flags & (kSyn | kFin | kRst)) == 0) return "a";
    const auto begin = static_cast<std::int32_t>(s.seq - (kIss + 1));
    std::string text = std::to_string(begin) + '-' + std::to_string(begin + static_cast<std::int32_t>(s.len));
    const std::pair<std::uint8_t, char> letters[] = {{kSyn, 'S'}, {kPsh, 'P'}, {kFin, 'F'}, {kRst, 'R'}};
    for (const auto& [flag, letter] : letters) {
      if ((s.flags & flag) != 0) text += letter;
    }
    return text;
  }
  // Sequence number of the first byte.
  static SeqNum first() { return kIss + 1; }
  [[nodiscard]] std::uint32_t una() const { return tcb.snd_una - first(); }
  [[nodiscard]] std::uint32_t nxt() const { return tcb.snd_nxt - first(); }
  [[nodiscard]] std::uint32_t segment_size() const { return tcb.mss - (timestamps_ ? 12U : 0U); }
  void fire() {
    on_timer(tcb, env());
    turn();
  }

 private:
  [[nodiscard]] std::uint16_t field(std::uint32_t wnd) const {
    return static_cast<std::uint16_t>((tcb.flags & kWscaleOk) != 0 || wnd > 65535 ? wnd >> kShift : wnd);
  }
  [[nodiscard]] std::int32_t rcv() const { return static_cast<std::int32_t>(tcb.rcv_nxt - kIrs); }
  [[nodiscard]] std::optional<std::uint32_t> peer_time() const {
    if (!timestamps_) return std::nullopt;
    return static_cast<std::uint32_t>(now.ms());
  }

  std::size_t written_ = 0;
  std::uint32_t peer_wnd_ = 0;
  std::uint32_t echo_ = 0;
  bool timestamps_ = false;
  bool echoes_marks_ = false;
};

}  // namespace sluice::tcp
