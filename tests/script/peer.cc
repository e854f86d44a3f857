// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::script {

namespace {

std::string flag_names(unsigned flags) {
  static constexpr std::pair<unsigned, const char*> kNames[] = {{SYN, "SYN"}, {FIN, "FIN"}, {RST, "RST"},
                                                               {PSH, "PSH"}, {ACK, "ACK"}, {URG, "URG"},
                                                               {ECE, "ECE"}, {CWR, "CWR"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((flags & bit) != 0) text += (text.empty() ? "" : "|") + std::string(name);
  }
  return text.empty() ? "no flags" : text;
}

std::string number(std::uint32_t n) { return std::to_string(static_cast<std::int32_t>(n)); }

std::string describe(const Heard& h, std::uint32_t iss, std::uint32_t irs) {
  std::string text = flag_names(h.flags) + " seq(" + number(h.seq - iss) + ")";
  if ((h.flags & ACK) != 0) text += " ack(" + number(h.ack - irs) + ")";
  text += " win(" + std::to_string(h.win) + ") len " + std::to_string(h.data.size());
  if (h.mss) text += " mss(" + std::to_string(*h.mss) + ")";
  if (h.wscale) text += " wscale(" + std::to_string(*h.wscale) + ")";
  if (h.sack_permitted) text += " sack_permitted";
  if (h.tsval) text += " ts(" + std::to_string(*h.tsval) + "," + std::to_string(*h.tsecr) + ")";
  for (const auto& [left, right] : h.sack) text += " [" + number(left - irs) + "," + number(right - irs) + ")";
  return text;
}

std::uint32_t seq_len(unsigned flags, std::uint32_t len) {
  return len + ((flags & SYN) != 0 ? 1U : 0U) + ((flags & FIN) != 0 ? 1U : 0U);
}

}  // namespace

std::uint32_t Peer::ts_now() const { return 0x70000000U + static_cast<std::uint32_t>(d_.now().ms()); }

void Peer::forget(std::uint32_t isn) {
  isn_ = isn;
  iss_.reset();
  nxt_ = heard_nxt_ = 0;
  offered_ts_ = offered_sack_ = offered_wscale_ = answered_ts_ = syn_sent_ = false;
  last_tsval_ = 0;
}

void Peer::note_syn(const Spoken& s) {
  if (syn_sent_) return;
  syn_sent_ = true;
  offered_ts_ = s.timestamps;
  offered_sack_ = s.sack_permitted;
  offered_wscale_ = s.wscale.has_value();
}

Frame Peer::build(const Spoken& s) {
  wire::TcpOptions o;
  const bool syn = (s.flags & SYN) != 0;
  if (syn) note_syn(s);
  if (syn && s.mss) o.has_mss = true, o.mss = *s.mss;
  if (syn && s.wscale) o.has_wscale = true, o.wscale = *s.wscale;
  o.sack_permitted = syn && s.sack_permitted;
  const bool negotiated = syn ? s.timestamps : offered_ts_ && answered_ts_;
  o.has_ts = (negotiated || s.tsval) && !s.without_timestamps;
  o.tsval = s.tsval.value_or(ts_now());
  o.tsecr = s.tsecr.value_or((s.flags & ACK) != 0 ? last_tsval_ : 0);
  for (const auto& [left, right] : s.sack) {
    o.sack[o.n_sack++] = {SeqNum(iss() + left), SeqNum(iss() + right)};
  }
  std::uint8_t raw[wire::kTcpOptionsMax];
  std::size_t options_len = wire::write_tcp_options(raw, o);
  std::copy(s.options.begin(), s.options.end(), raw + options_len);
  options_len += s.options.size();
  while (options_len % 4 != 0) raw[options_len++] = wire::kOptNop;

  const std::uint32_t seq = s.seq.value_or(nxt_);
  const std::uint32_t ack = s.ack.value_or((s.flags & ACK) != 0 ? heard_nxt_ : 0);
  std::string payload = s.data + (s.bytes != 0 ? pattern_text(seq - 1 + (syn ? 1 : 0), s.bytes) : "");
  const bool has_ack = (s.flags & ACK) != 0 || s.ack.has_value();
  std::vector<std::uint8_t> tcp(wire::kTcpHeader);
  wire::TcpHeader{remote_.port, local_.port, SeqNum(isn_ + seq), SeqNum(has_ack ? iss() + ack : 0),
                  static_cast<std::uint8_t>(s.flags), s.win.value_or(65535), s.urgent.value_or(0)}
      .write(tcp.data(), options_len);
  tcp.insert(tcp.end(), raw, raw + options_len);
  tcp.insert(tcp.end(), payload.begin(), payload.end());
  Frame frame = ip_frame({d_.peer_mac(), d_.host().mac(), remote_.address, local_.address}, 6, tcp);
  if (s.ce) frame[15] |= d_.v4() ? 0x03U : 0x30U;
  fix_checksums(frame, d_.l4());
  return frame;
}

void Peer::say(const Spoken& s) {
  const Frame frame = build(s);
  const std::uint32_t seq = s.seq.value_or(nxt_);
  const std::uint32_t end = seq + seq_len(s.flags, s.len());
  if ((s.flags & RST) == 0 && static_cast<std::int32_t>(end - nxt_) > 0) nxt_ = end;
  std::string text = "> " + flag_names(s.flags) + " seq(" + number(seq) + ")";
  if ((s.flags & ACK) != 0) text += " ack(" + number(s.ack.value_or(heard_nxt_)) + ")";
  if (remote_.port != Dialogue::kPeerPort) text += " from " + remote_.to_string();
  d_.note(text + " len " + std::to_string(s.len()));
  d_.send_frame(frame);
}

void Peer::match(const Spoken& s) {
  if (heard_.empty()) {
    return d_.complain(s.file, s.line, "expected " + flag_names(s.flags) + ", but nothing was said");
  }
  last_ = heard_.front();
  heard_.pop_front();
  const Heard& h = last_;
  if ((h.flags & SYN) != 0 && !iss_) iss_ = h.seq;
  if ((h.flags & SYN) != 0) answered_ts_ = h.tsval.has_value();
  std::string wrong;
  compare(s, h, wrong);
  const std::uint32_t end = h.seq - iss() + seq_len(h.flags, static_cast<std::uint32_t>(h.data.size()));
  if ((h.flags & RST) == 0 && static_cast<std::int32_t>(end - heard_nxt_) > 0) heard_nxt_ = end;
  if (h.tsval) {
    const auto passed = static_cast<std::uint32_t>(h.at.ms() - last_ts_at_.ms());
    if (last_tsval_ != 0 && *h.tsval - last_tsval_ != passed) wrong += "TSval is not a clock of 1 ms\n";
    last_tsval_ = *h.tsval;
    last_ts_at_ = h.at;
  }
  if (!wrong.empty()) d_.complain(s.file, s.line, wrong + "in: " + describe(h, iss(), isn_));
}

void Peer::compare(const Spoken& s, const Heard& h, std::string& wrong) const {
  const auto differ = [&](const char* what, std::uint32_t want, std::uint32_t got) {
    if (want != got) wrong += std::string(what) + " should be " + number(want) + " and is " + number(got) + "\n";
  };
  if ((s.flags & ~PSH) != (h.flags & ~PSH)) {
    wrong += "should be " + flag_names(s.flags) + " and is " + flag_names(h.flags) + "\n";
  }
  if (s.pushed && (h.flags & PSH) == 0) wrong += "PSH is missing\n";
  if (s.seq) differ("seq", *s.seq, h.seq - iss());
  if (s.ack) differ("ack", *s.ack, h.ack - isn_);
  if (s.win) differ("window", *s.win, h.win);
  if (s.mss) differ("MSS", *s.mss, h.mss.value_or(0));
  if (s.wscale) differ("window scale", *s.wscale, h.wscale.value_or(99));
  if (s.tsval) differ("TSval", *s.tsval, h.tsval.value_or(0));
  if (s.tsecr) differ("TSecr", *s.tsecr, h.tsecr.value_or(0));
  differ("ECN field", s.ect ? 2 : 0, h.ecn);
  differ("length", s.len(), static_cast<std::uint32_t>(h.data.size()));
  const std::string payload = s.data + (s.bytes != 0 ? pattern_text(h.seq - iss() - 1, s.bytes) : "");
  if (payload.size() == h.data.size() && payload != h.data) wrong += "other bytes than those expected\n";
  std::vector<Block> blocks;
  for (const auto& [left, right] : h.sack) blocks.emplace_back(left - isn_, right - isn_);
  if (blocks != s.sack) wrong += "other SACK blocks than those expected\n";
  if (s.after) {
    const std::int64_t late = (h.at - d_.mark_).us() - s.after->count();
    if (late < 0 || late > 1000) {
      wrong += "should be sent after " + std::to_string(s.after->count()) + " us and was after " +
               std::to_string((h.at - d_.mark_).us()) + "\n";
    }
  }
  if ((h.flags & SYN) != 0) {  // nothing is answered that was not offered; an active SYN offers all
    const bool answers = (h.flags & ACK) != 0;
    differ("timestamps option", !answers || offered_ts_, h.tsval.has_value());
    differ("SACK-permitted option", !answers || offered_sack_, h.sack_permitted);
    differ("window scale option", !answers || offered_wscale_, h.wscale.has_value());
    if (!h.mss) wrong += "MSS option is missing\n";
  } else if (iss_ && syn_sent_) {
    const bool reset_for_stranger = (h.flags & RST) != 0;  // RFC 7323 3.2: in an RST if we know of them
    if (!reset_for_stranger) differ("timestamps option", offered_ts_ && answered_ts_, h.tsval.has_value());
  }
}

void Peer::expect_silence(const char* file, int line) {
  if (!heard_.empty()) d_.complain(file, line, "expected silence, but heard " + describe(heard_.front(), iss(), isn_));
}

std::vector<Heard> Peer::take() {
  std::vector<Heard> all(heard_.begin(), heard_.end());
  heard_.clear();
  for (const Heard& h : all) {
    const std::uint32_t end = h.seq - iss() + seq_len(h.flags, static_cast<std::uint32_t>(h.data.size()));
    if ((h.flags & RST) == 0 && static_cast<std::int32_t>(end - heard_nxt_) > 0) heard_nxt_ = end;
  }
  return all;
}

State Peer::state() const {
  std::vector<ConnectionReport> all;
  stack::ConnTableCore::Cursor cursor;
  while (d_.stack().report(cursor, 1024, 0, all)) {
  }
  for (const ConnectionReport& r : all) {
    if (r.info.peer == remote_ && r.info.local == local_) return r.info.state;
  }
  const bool listens = d_.scene_.listen && local_.port == Dialogue::kServerPort;
  return listens ? State::kListen : State::kClosed;
}

void Peer::state_is(State expected, const char* file, int line) const {
  const State is = state();
  if (is == expected) return;
  d_.complain(file, line, std::string("state should be ") + state_name(expected) + " and is " + state_name(is));
}

}  // namespace sluice::script
