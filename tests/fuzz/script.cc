// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz/script.h"

#include <algorithm>
#include <cstdio>

#include "wire/tcp.h"

namespace sluice::fuzz {

namespace {

using wire::kAck, wire::kCwr, wire::kEce, wire::kFin, wire::kPsh, wire::kRst, wire::kSyn, wire::kUrg;

constexpr std::size_t kEventsMax = 400;
constexpr unsigned kDeadlinesMax = 600;  // in one stretch of time

struct PeerFlow {
  SeqNum snd, rcv;
  SeqNum origin;  // Held::origin, of the SYN heard last
  std::uint32_t tsecr = 0;
  bool timestamps = false;  // the stack's SYN has them
};

class Player {
 public:
  Player(Input input, World& world, const ScriptOptions& options) : in_(input), world_(world), options_(options) {}
  void run();

 private:
  void event();
  void segment(std::size_t flow, bool spoil);
  [[nodiscard]] Segment make(std::size_t flow);
  [[nodiscard]] std::vector<std::uint8_t> tcp_options(std::size_t flow, bool syn);
  void put_cookie(std::size_t flow, std::vector<std::uint8_t>& out);
  void mark_ecn(Segment& s);
  void spoil(Frame& frame);
  void icmp(std::size_t flow);
  void raw();
  void call(std::size_t flow);
  void set_other(Connection& c);
  void look(Held& held, std::size_t most);
  void take(Held& held, std::size_t most);
  void read(Held& held, std::size_t most);
  void write(Held& held, std::size_t n);
  void pass(Duration time);
  void heard();
  void hear(Frame& frame);
  void tell(std::size_t flow, const std::string& text);
  [[nodiscard]] static std::string text(const wire::Packet& p);

  Input in_;
  World& world_;
  ScriptOptions options_;
  Instant now_ = Instant{} + Duration::seconds(1);
  std::array<PeerFlow, kFlows> flows_;
  std::array<std::vector<std::uint8_t>, 2> cookies_;  // Fast Open's, given to us: IPv6, IPv4
  std::array<std::string, kFlows> told_;
};

void Player::run() {
  // The first wraps soon.
  for (std::uint32_t flow = 0; flow < kFlows; ++flow) flows_[flow].snd = SeqNum(0xffff'ff00U + 0x2000'0000U * flow);
  world_.advance(now_);
  for (std::size_t events = 0; events < kEventsMax && !in_.empty(); ++events) {
    event();
    heard();
    world_.check();
    if (options_.transcript == nullptr) continue;
    for (std::size_t flow = 0; flow < kFlows; ++flow) {
      told_[flow] += "| " + world_.held()[flow].log;
      world_.held()[flow].log.clear();
    }
    options_.transcript->push_back(told_);
    for (std::string& each : told_) each.clear();
  }
  world_.finish(now_);
}

// The high bits choose what, the low ones which flow.
void Player::event() {
  const std::uint8_t code = in_.u8();
  const std::size_t flow = code % 8 % kFlows;
  switch (code / 8) {
    case 24: return call(flow);
    case 25: world_.set_now(now_); return read(world_.held()[flow], in_.u8() * 64U);
    case 26: world_.set_now(now_); return write(world_.held()[flow], in_.u8() * 128U);
    case 27: {
      static constexpr std::array kShort{1, 10, 40, 200};
      return pass(Duration::milliseconds(in_.one_of(kShort)));
    }
    case 28: {
      static constexpr std::array kLong{1, 3, 10, 61, 7200, 100'000};
      return pass(Duration::seconds(in_.one_of(kLong)));
    }
    case 29: return options_.spoilt ? icmp(flow) : segment(flow, false);
    case 30: return options_.spoilt ? raw() : segment(flow, false);
    case 31: {
      if (!options_.opens) return segment(flow, false);
      world_.set_now(now_);
      if (in_.u8() % 4 == 0) return world_.hold_listeners(in_.u8() % 2 == 1);
      return world_.connect(kPeerFlows + flow % 2);
    }
    case 22:
    case 23: return segment(flow, options_.spoilt);
    default: return segment(flow, false);
  }
}

std::vector<std::uint8_t> Player::tcp_options(std::size_t flow, bool syn) {
  std::vector<std::uint8_t> out;
  const auto put32 = [&out](std::uint32_t v) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(v >> shift));
  };
  const std::uint8_t which = in_.u8();
  if (syn && (which & 1U) == 0) {
    static constexpr std::array<std::uint16_t, 6> kMss{1460, 0, 1, 536, 9000, 65535};
    const std::uint16_t mss = in_.one_of(kMss);
    out.insert(out.end(), {2, 4, static_cast<std::uint8_t>(mss >> 8U), static_cast<std::uint8_t>(mss)});
  }
  if (syn && (which & 2U) == 0) out.insert(out.end(), {1, 3, 3, static_cast<std::uint8_t>(in_.u8() % 18)});
  if (syn && (which & 4U) == 0) out.insert(out.end(), {1, 1, 4, 2});
  if ((syn ? (which & 8U) == 0 : flows_[flow].timestamps != ((which & 8U) != 0))) {
    out.insert(out.end(), {1, 1, 8, 10});
    // Past or future by what one byte says, if it is asked for.
    const std::uint32_t skew = (which & 16U) != 0 ? static_cast<std::uint32_t>(static_cast<std::int8_t>(in_.u8()) * 1000) : 0;
    put32(static_cast<std::uint32_t>(now_.ms()) + 0xffff'0000U + skew);
    put32((which & 32U) != 0 ? in_.u32() : flows_[flow].tsecr);
  }
  if (!syn && (which & 64U) != 0 && out.size() <= 24) {
    const SeqNum left = flows_[flow].rcv + static_cast<std::uint32_t>(static_cast<std::int8_t>(in_.u8()) * 100);
    out.insert(out.end(), {1, 1, 5, 10});
    put32(left.value());
    put32((left + in_.u8() * 100U).value());
  }
  if (syn && (which & 64U) != 0 && options_.setup.fastopen) put_cookie(flow, out);
  if ((which & 128U) != 0) {
    for (std::size_t n = in_.u8() % 12; n != 0; --n) out.push_back(in_.u8());
  }
  while (out.size() % 4 != 0) out.push_back(1);
  if (out.size() > wire::kTcpOptionsMax) out.resize(wire::kTcpOptionsMax);
  return out;
}

// A Fast Open option: the cookie that we were given, one that nobody gave, or a request.
void Player::put_cookie(std::size_t flow, std::vector<std::uint8_t>& out) {
  const std::uint8_t how = in_.u8();
  std::vector<std::uint8_t> cookie = cookies_[flow_is_v4(flow) ? 1 : 0];
  if (how >= 128 || (cookie.empty() && how != 1)) cookie.assign(how % 17, how);
  if (how == 1) cookie.clear();
  out.push_back(wire::kOptFastOpen);
  out.push_back(static_cast<std::uint8_t>(2 + cookie.size()));
  out.insert(out.end(), cookie.begin(), cookie.end());
}

// RFC 3168, where the stack speaks it: 0 is what a peer does that speaks it as well and met no queue.
void Player::mark_ecn(Segment& s) {
  const std::uint8_t how = in_.u8();
  s.tos = static_cast<std::uint8_t>((how & 3U) ^ ((s.flags & kSyn) != 0 ? 0U : 2U));
  unsigned flags = 0;
  if ((how & 4U) != 0) flags |= kEce;
  if ((how & 8U) != 0) flags |= kCwr;
  // A SYN offers it, a SYN|ACK accepts it.
  if ((s.flags & kSyn) != 0) flags ^= kEce;
  if ((s.flags & (kSyn | kAck)) == kSyn) flags ^= kCwr;
  s.flags = static_cast<std::uint8_t>(s.flags | flags);
}

Segment Player::make(std::size_t flow) {
  static constexpr std::array<std::uint8_t, 16> kFlags{
      kAck, kSyn,        kAck | kPsh, kAck | kFin, kRst,        kSyn | kAck, kRst | kAck, kFin,
      0,    kSyn | kFin, kUrg | kAck, 0xff,        kSyn | kRst, kSyn | kPsh, kAck | 0xc0, kSyn | 0xc0};
  static constexpr std::array<std::uint32_t, 16> kOff{
      0, 0, 0, 0, 0, 0, 1, 0xffff'ffffU, 100, 1460, 5000, 0xffff'fb00U, 65535, 0xffff'0000U, 0x4000'0000U, 0x8000'0000U};
  static constexpr std::array<std::uint16_t, 8> kLength{0, 1, 10, 100, 536, 1000, 1440, 1460};
  static constexpr std::array<std::uint16_t, 8> kWindow{65535, 0, 1, 500, 1460, 8192, 20000, 40000};
  PeerFlow& f = flows_[flow];
  Segment s;
  s.v4 = flow_is_v4(flow);
  s.src_port = peer_port(flow);
  s.dst_port = our_port(flow);
  const std::uint8_t how = in_.u8();
  s.flags = kFlags[how % 16];
  const std::size_t max_len = s.v4 ? 1460 : 1440;
  std::size_t len = std::min<std::size_t>(kLength[how / 16 % 8], max_len);
  std::uint32_t seq_off = 0;
  std::uint32_t ack_off = 0;
  s.window = 65535;
  if (how >= 128) {
    const std::uint8_t where = in_.u8();
    seq_off = kOff[where % 16];
    ack_off = kOff[where / 16];
    s.window = in_.one_of(kWindow);
  }
  s.seq = f.snd + seq_off;
  s.ack = f.rcv + ack_off;
  if ((s.flags & kUrg) != 0) s.urgent = in_.u16();
  if (options_.setup.ecn) mark_ecn(s);
  s.options = tcp_options(flow, (s.flags & kSyn) != 0);
  len = std::min(len, max_len - s.options.size());
  const SeqNum first = (s.flags & kSyn) != 0 ? s.seq + 1 : s.seq;
  for (std::uint32_t i = 0; i < len; ++i) s.payload.push_back(pattern(first + i));
  if (seq_off == 0) {
    f.snd = f.snd + static_cast<std::uint32_t>(len) + ((s.flags & kSyn) != 0 ? 1U : 0U) + ((s.flags & kFin) != 0 ? 1U : 0U);
  }
  return s;
}

void Player::segment(std::size_t flow, bool spoilt) {
  Frame frame = build(make(flow));
  if (spoilt) spoil(frame);
  world_.receive(frame, now_);
}

// One byte of the headers gets another value, which a checksum finds; or one that says nothing about which bytes of the stream
// these are gets another and the checksums are right again; or the frame is cut off.
void Player::spoil(Frame& frame) {
  const std::uint8_t how = in_.u8();
  const bool v4 = frame[12] == 0x08;
  const std::size_t l4 = v4 ? 34 : 54;
  if (how % 4 == 0) {
    frame.resize(std::min<std::size_t>(frame.size(), in_.u8()));
    return;
  }
  if (how % 4 == 1) {
    const std::size_t at = in_.u8() % std::min<std::size_t>(frame.size(), l4 + 20);
    frame[at] = static_cast<std::uint8_t>(frame[at] ^ (1U + in_.u8() % 255));
    return;
  }
  // In IPv4 and IPv6: type of service, identification or flow label, time to live, protocol. In TCP: ACK, window, urgent.
  static constexpr std::array<std::size_t, 6> kInIpv4{1, 4, 5, 8, 9, 1};
  static constexpr std::array<std::size_t, 6> kInIpv6{0, 1, 2, 3, 6, 7};
  static constexpr std::array<std::size_t, 8> kInTcp{8, 9, 10, 11, 14, 15, 18, 19};
  const std::size_t at = how % 4 == 2 ? 14 + (v4 ? in_.one_of(kInIpv4) : in_.one_of(kInIpv6)) : l4 + in_.one_of(kInTcp);
  frame[at] = in_.u8();
  repair(frame);
}

void Player::icmp(std::size_t flow) {
  const bool v4 = flow_is_v4(flow);
  static constexpr std::array<std::uint8_t, 5> kTypes4{3, 4, 11, 12, 5};
  static constexpr std::array<std::uint8_t, 4> kTypes6{1, 2, 3, 4};
  const std::uint8_t type = v4 ? in_.one_of(kTypes4) : in_.one_of(kTypes6);
  const std::uint8_t code = in_.u8() % 16;
  const std::uint32_t rest = in_.u16();
  Segment ours;  // as the stack would have sent it
  ours.v4 = v4;
  ours.src_port = peer_port(flow);
  ours.dst_port = our_port(flow);
  ours.seq = flows_[flow].rcv - in_.u8() * 100U;
  Frame frame = build(ours);
  // Turned round: from us to the peer.
  const std::size_t ip = 14;
  if (v4) std::swap_ranges(&frame[ip + 12], &frame[ip + 16], &frame[ip + 16]);
  else std::swap_ranges(&frame[ip + 8], &frame[ip + 24], &frame[ip + 24]);
  const std::size_t l4 = ip + (v4 ? 20 : 40);
  std::swap_ranges(&frame[l4], &frame[l4 + 2], &frame[l4 + 2]);
  const std::size_t quoted = std::min<std::size_t>(frame.size() - ip, in_.u8() % 80 + (v4 ? 20U : 40U));
  world_.receive(icmp_error(v4, type, code, rest, {&frame[ip], quoted}), now_);
}

// Any bytes behind an Ethernet header, or behind Ethernet and IP headers; never TCP that a connection could take for its peer's.
void Player::raw() {
  const std::uint8_t how = in_.u8();
  const auto bytes = in_.take(in_.u8());
  static constexpr std::array<std::uint8_t, 6> kProtocols{1, 58, 17, 44, 2, 89};
  Frame frame;
  if ((how & 1U) == 0) {
    frame = around((how & 2U) == 0, kProtocols[how / 4 % 6], bytes);
  } else {
    static constexpr std::array<std::uint16_t, 4> kTypes{0x0806, 0x8100, 0x88cc, 0x0000};
    frame.assign(14, 0xff);
    std::copy(kPeerMac.begin(), kPeerMac.end(), &frame[6]);
    wire::store_be16(&frame[12], kTypes[how / 4 % 4]);
    frame.insert(frame.end(), bytes.begin(), bytes.end());
  }
  world_.receive(frame, now_);
}

void Player::read(Held& held, std::size_t most) {
  std::array<std::byte, 4096> room;
  const std::size_t n = held.connection.receive(std::span(room).first(std::min(most, room.size())));
  for (std::size_t i = 0; i < n; ++i) {
    require(std::to_integer<std::uint8_t>(room[i]) == pattern(held.read_at + static_cast<std::uint32_t>(i)), "a wrong byte was delivered");
  }
  held.read_at = held.read_at + static_cast<std::uint32_t>(n);
  held.log += "read " + std::to_string(n) + (held.connection.eof() ? " eof " : " ");
}

// As read(), but the bytes stay.
void Player::look(Held& held, std::size_t most) {
  std::array<std::byte, 4096> room;
  const std::size_t n = held.connection.receive(std::span(room).first(std::min(most, room.size())), true);
  require(n <= held.connection.readable(), "more was seen than there is");
  for (std::size_t i = 0; i < n; ++i) {
    require(std::to_integer<std::uint8_t>(room[i]) == pattern(held.read_at + static_cast<std::uint32_t>(i)), "a wrong byte was seen");
  }
  held.log += "saw " + std::to_string(n) + " ";
}

// As read(), without copying, and the buffer is kept until the next bytes were read.
void Player::take(Held& held, std::size_t most) {
  const Buffer buffer = held.connection.receive(most);
  require(buffer.size() <= most, "more was taken than asked for");
  for (const std::byte byte : buffer.bytes()) {
    require(std::to_integer<std::uint8_t>(byte) == pattern(held.read_at), "a wrong byte was taken");
    held.read_at = held.read_at + 1;
  }
  held.log += "took " + std::to_string(buffer.size()) + " ";
  read(held, most);
}

void Player::write(Held& held, std::size_t n) {
  std::vector<std::byte> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = std::byte{pattern(held.write_at + static_cast<std::uint32_t>(i) - held.origin.value())};
  const std::size_t taken = held.connection.send(bytes);
  require(taken <= n, "more was taken than offered");
  held.write_at = held.write_at + static_cast<std::uint32_t>(taken);
  held.log += "wrote " + std::to_string(taken) + " ";
}

void Player::call(std::size_t flow) {
  Held& held = world_.held()[flow];
  Connection& c = held.connection;
  world_.set_now(now_);
  switch (in_.u8() % (options_.setup.chosen ? 12 : 10)) {
    case 0: return c.close();
    case 1: return c.shutdown_write();
    case 2: return c.shutdown_read();
    case 3: return c.abort();
    case 4: {
      static constexpr std::array<std::uint32_t, 5> kSizes{1024, 2048, 10'000, 65'536, 500'000};
      (void)c.set(in_.u8() % 2 == 0 ? Option::kRcvbuf : Option::kSndbuf, in_.one_of(kSizes));
      return;
    }
    case 5: (void)c.set(Option::kCork, in_.u8() % 2); return;
    case 6: (void)c.set(Option::kNodelay, in_.u8() % 2); return;
    case 7: (void)c.set(Option::kKeepalive, in_.u8() % 2); return;
    case 8: (void)c.set(Option::kUserTimeoutMs, in_.u8() * 100); return;
    case 9: return set_other(c);
    case 10: return look(held, in_.u8() * 64U);
    default: return take(held, in_.u8() * 64U);
  }
}

void Player::set_other(Connection& c) {
  static constexpr std::array kPlain{Option::kMss,       Option::kLingerS,    Option::kQuickack,
                                     Option::kKeepidleS, Option::kKeepintvlS, Option::kKeepcnt};
  static constexpr std::array kAll{Option::kMss,        Option::kLingerS,    Option::kQuickack, Option::kKeepidleS,
                                   Option::kKeepintvlS, Option::kKeepcnt,    Option::kTtl,      Option::kDscp,
                                   Option::kCongestion, Option::kCongestion};
  const Option option = options_.setup.chosen ? in_.one_of(kAll) : in_.one_of(kPlain);
  const auto value = static_cast<std::int8_t>(in_.u8());
  // Of its few values most bytes would be none.
  (void)c.set(option, option == Option::kCongestion ? value & (kCongestionControls - 1) : value);
}

void Player::pass(Duration time) {
  const Instant until = now_ + time;
  for (unsigned steps = 0; steps < kDeadlinesMax; ++steps) {
    const Instant next = std::max(world_.next_deadline(now_), now_ + Duration::microseconds(1));
    if (next > until) break;
    now_ = next;
    world_.advance(now_);
    heard();
    world_.check();
  }
  now_ = until;
  world_.advance(now_);
}

void Player::heard() {
  for (Frame& frame : world_.take_sent()) hear(frame);
}

void Player::hear(Frame& frame) {
  const wire::Packet p = parse_ours(frame);
  if (p.kind != wire::PacketKind::kTcp4 && p.kind != wire::PacketKind::kTcp6) return;
  const std::size_t flow = p.dst_port >= kTheirPort ? p.dst_port - kTheirPort + kPeerFlows : p.dst_port - kPeerPort;
  if (flow >= kFlows) return;  // the answer to a spoilt frame
  PeerFlow& f = flows_[flow];
  SeqNum first = p.seq;
  if ((p.flags & kSyn) != 0) {
    f.rcv = p.seq;
    f.timestamps = p.options.has_ts;
    if (flow >= kPeerFlows) f.origin = p.seq;
    if (p.options.has_fast_open && p.options.fast_open_len != 0 && flow < kPeerFlows) {
      cookies_[p.is_v4() ? 1 : 0].assign(p.options.fast_open, p.options.fast_open + p.options.fast_open_len);
    }
    first = first + 1;
  }
  for (std::uint32_t i = 0; i < p.payload_len; ++i) {
    require(p.payload[i] == pattern(first + i - f.origin.value()), "the stack sent a wrong byte");
  }
  const SeqNum end = p.seq + p.seg_len();
  if ((p.flags & kRst) == 0 && end.after(f.rcv)) f.rcv = end;
  if (p.options.has_ts) f.tsecr = p.options.tsval;
  if (options_.transcript == nullptr) return;
  std::string line = std::to_string(now_.us()) + ": " + text(p);
  if (options_.whole_frames) {
    std::uint64_t digest = 0xcbf29ce484222325ULL;
    for (const std::uint8_t byte : frame) digest = (digest ^ byte) * 0x100000001b3ULL;
    line += " #" + std::to_string(digest);
  }
  tell(flow, line);
}

void Player::tell(std::size_t flow, const std::string& text) {
  told_[flow] += text;
  told_[flow] += "; ";
}

std::string Player::text(const wire::Packet& p) {
  char out[160];
  std::snprintf(out, sizeof(out), "%s flags %02x seq %u ack %u win %u len %u ts %u %u mss %u wscale %d%s", p.is_v4() ? "v4" : "v6", p.flags,
                p.seq.value(), p.ack.value(), p.window, p.payload_len, p.options.has_ts ? p.options.tsval : 0U,
                p.options.has_ts ? p.options.tsecr : 0U, p.options.has_mss ? p.options.mss : 0U,
                p.options.has_wscale ? p.options.wscale : -1, p.options.sack_permitted ? " sackok" : "");
  std::string line = out;
  if (p.tos != 0) line += " tos " + std::to_string(p.tos);
  if (p.options.has_fast_open) {
    line += " fast open";
    for (std::size_t i = 0; i < p.options.fast_open_len; ++i) line += " " + std::to_string(p.options.fast_open[i]);
  }
  for (const wire::SackBlock& block : p.options.sack_blocks()) {
    line += " sack " + std::to_string(block.left.value()) + "-" + std::to_string(block.right.value());
  }
  return line;
}

}  // namespace

void play(Input input, World& world, const ScriptOptions& options) { Player(input, world, options).run(); }

void compare(const Transcript& a, const Transcript& b, const char* what) {
  for (std::size_t event = 0; event < std::min(a.size(), b.size()); ++event) {
    for (std::size_t flow = 0; flow < kFlows; ++flow) {
      if (a[event][flow] == b[event][flow]) continue;
      std::fprintf(stderr, "event %zu, flow %zu:\n  %s\n  %s\n", event, flow, a[event][flow].c_str(), b[event][flow].c_str());
      fail(what);
    }
  }
  require(a.size() == b.size(), what, "one has more events");
}

}  // namespace sluice::fuzz
