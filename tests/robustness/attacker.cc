// SPDX-License-Identifier: BSD-3-Clause
#include "robustness/attacker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "robustness/victim.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"

namespace sluice::test {

namespace {
constexpr std::size_t kFrameMax = 1518;
wire::MacAddress peer_mac(std::uint32_t peer) { return {0x02, 0, 0, 0, 1, static_cast<std::uint8_t>(peer)}; }
}  // namespace

IpAddress Attacker::peer_address(bool v4, std::uint32_t peer) noexcept {
  if (v4) return IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(2 + peer));
  IpAddress a{{0xfd}};
  a.bytes[15] = static_cast<std::uint8_t>(2 + peer);
  return a;
}

IpAddress Attacker::victim_address(bool v4) noexcept {
  if (v4) return IpAddress::v4(10, 0, 0, 1);
  IpAddress a{{0xfd}};
  a.bytes[15] = 1;
  return a;
}

Attacker::Attacker(std::uint64_t seed, wire::MacAddress victim, std::uint16_t vlan)
    : rng_(seed), victim_(victim), vlan_(vlan) {
  for (std::uint32_t peer = 0; peer < kPeers; ++peer) {
    for (std::uint32_t i = 0; i < kClientPorts * Victim::kPorts.size(); ++i) {
      for (const bool v4 : {true, false}) {
        Flow flow;
        flow.v4 = v4;
        flow.remote = peer_address(v4, peer);
        flow.remote_port = static_cast<std::uint16_t>(4000 + i / Victim::kPorts.size());
        flow.local_port = Victim::kPorts[i % Victim::kPorts.size()];
        flows_.push_back(flow);
      }
    }
  }
}

Attacker::Flow& Attacker::any_flow() {
  // Mostly one that the victim knows, so that connections get far.
  const auto all = static_cast<std::uint32_t>(flows_.size());
  std::uint32_t index = rng_.below(all);
  for (int tries = 0; tries < 6 && !flows_[index].open && rng_.per_mille(900); ++tries) index = rng_.below(all);
  return flows_[index];
}

Attacker::Flow* Attacker::find(const wire::Packet& packet) {
  for (Flow& flow : flows_) {
    if (flow.remote_port != packet.dst_port || flow.local_port != packet.src_port) continue;
    if (flow.remote == packet.dst) return &flow;
  }
  return nullptr;
}

bool Attacker::learn(std::span<const std::uint8_t> frame) {
  std::vector<std::uint8_t> bytes(frame.begin(), frame.end());
  Buf buf{};
  buf.data = bytes.data();
  buf.len = static_cast<std::uint32_t>(bytes.size());
  wire::Packet packet;
  if (wire::parse_frame(buf, wire::ParseContext{vlan_}, packet) != wire::ParseError::kOk) return false;
  if (packet.kind != wire::PacketKind::kTcp4 && packet.kind != wire::PacketKind::kTcp6) return true;
  Flow* flow = find(packet);
  if (flow == nullptr) {
    // The victim opens: a flow of its own choice of port takes the place of one that is not open.
    if ((packet.flags & (wire::kSyn | wire::kAck)) != wire::kSyn) return true;
    flow = &any_flow();
    flow->v4 = packet.is_v4();
    flow->remote = packet.dst;
    flow->remote_port = packet.dst_port;
    flow->local_port = packet.src_port;
    flow->snd = SeqNum(static_cast<std::uint32_t>(rng_.next()));
    flow->open = false;
  }
  if ((packet.flags & wire::kSyn) != 0) {
    flow->rcv = packet.seq + 1;
    to_answer_.push_back(static_cast<std::size_t>(flow - flows_.data()));
  }
  const SeqNum end = packet.seq + packet.seg_len();
  if (end.after(flow->rcv)) flow->rcv = end;
  if ((packet.flags & wire::kAck) != 0) {
    flow->open = true;
    flow->snd = packet.ack;
  }
  if ((packet.flags & wire::kRst) != 0) flow->open = false;
  if (packet.options.has_ts) flow->tsecr = packet.options.tsval;
  return true;
}

void Attacker::head(const Flow& flow, std::uint8_t protocol, std::size_t payload_len) {
  const IpAddress ours = victim_address(flow.v4);
  const wire::MacAddress mac = peer_mac(flow.remote.bytes[15]);
  wire::FrameHead head{};
  head.dst_mac = victim_.data();
  head.src_mac = mac.data();
  head.src = &flow.remote;
  head.dst = &ours;
  head.vlan = vlan_;
  head.protocol = protocol;
  head.ip_id = static_cast<std::uint16_t>(rng_.next());
  frame_.resize(wire::frame_head_size(head));
  l3_ = wire::l2_size(vlan_);
  l4_ = wire::write_frame_head(frame_.data(), head, static_cast<std::uint16_t>(payload_len));
  protocol_ = protocol;
}

// IPv6 only: one to three extension headers in front of what follows at l4_.
void Attacker::extensions(std::uint8_t protocol) {
  static constexpr std::array<std::uint8_t, 5> kKinds = {0, 43, 44, 60, 60};
  std::uint8_t next = protocol;
  const std::uint32_t n = 1 + rng_.below(3);
  for (std::uint32_t i = 0; i < n; ++i) {
    std::array<std::uint8_t, 8> extension{};
    const std::uint8_t kind = kKinds[rng_.below(kKinds.size())];
    extension[0] = next;
    if (kind == 44 && rng_.per_mille(300)) extension[3] = byte();
    if (kind == 0 || kind == 60) extension[2] = rng_.per_mille(100) ? byte() : 1, extension[3] = 4;
    frame_.insert(frame_.begin() + static_cast<std::ptrdiff_t>(l4_), extension.begin(), extension.end());
    next = kind;
  }
  frame_[l3_ + 6] = next;
  wire::store_be16(&frame_[l3_ + 4], static_cast<std::uint16_t>(wire::load_be16(&frame_[l3_ + 4]) + 8 * n));
  l4_ += 8 * n;
}

std::size_t Attacker::options(const Flow& flow, bool syn, std::span<std::uint8_t> out) {
  std::size_t n = 0;
  const auto put = [&](std::initializer_list<std::uint8_t> bytes) {
    for (const std::uint8_t b : bytes) {
      if (n < out.size()) out[n++] = b;
    }
  };
  if (syn && rng_.per_mille(900)) put({2, 4, static_cast<std::uint8_t>(rng_.below(6)), byte()});
  if (syn && rng_.per_mille(600)) put({1, 3, 3, static_cast<std::uint8_t>(rng_.below(16))});
  if (syn && rng_.per_mille(700)) put({4, 2, 1, 1});
  if (flow.timestamps && rng_.per_mille(950)) {
    put({1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0});
    if (n >= 8) {
      wire::store_be32(&out[n - 8], flow.tsval + (rng_.per_mille(20) ? byte() : 0) - (rng_.per_mille(20) ? byte() : 0));
      wire::store_be32(&out[n - 4], flow.tsecr);
    }
  }
  if (!syn && rng_.per_mille(100) && n + 12 <= out.size()) {
    put({1, 1, 5, 10, 0, 0, 0, 0, 0, 0, 0, 0});
    const SeqNum left = flow.rcv + rng_.below(4000) - 2000U;
    wire::store_be32(&out[n - 8], left.value());
    wire::store_be32(&out[n - 4], (left + rng_.below(3000)).value());
  }
  while (rng_.per_mille(30) && n < out.size()) put({byte()});
  while (n % 4 != 0) put({static_cast<std::uint8_t>(rng_.below(2))});
  return n;
}

void Attacker::segment(Flow& flow, std::uint8_t flags, SeqNum seq, SeqNum ack, std::size_t len) {
  std::array<std::uint8_t, wire::kTcpOptionsMax> opts{};
  const std::size_t n_opts = options(flow, (flags & wire::kSyn) != 0, opts);
  head(flow, wire::kProtoTcp, wire::kTcpHeader + n_opts + len);
  wire::TcpHeader header;
  header.src_port = flow.remote_port;
  header.dst_port = flow.local_port;
  header.seq = seq;
  header.ack = ack;
  header.flags = flags;
  header.window = rng_.per_mille(100) ? static_cast<std::uint16_t>(rng_.below(3) * 700) : 65535;
  header.urgent = (flags & wire::kUrg) != 0 ? static_cast<std::uint16_t>(rng_.next()) : 0;
  frame_.resize(l4_ + wire::kTcpHeader + n_opts + len);
  header.write(&frame_[l4_], n_opts);
  std::copy_n(opts.begin(), n_opts, frame_.begin() + static_cast<std::ptrdiff_t>(l4_ + wire::kTcpHeader));
  if (!flow.v4 && rng_.per_mille(50)) extensions(wire::kProtoTcp);
}

// What a peer could do next, right or slightly wrong.
void Attacker::tcp(Flow& flow) {
  flow.tsval += rng_.below(50);
  const std::uint32_t what = rng_.below(1000);
  const SeqNum near = flow.snd + rng_.below(6000) - 2000U;
  const SeqNum ack = rng_.per_mille(60) ? flow.rcv + rng_.below(4000) - 2000U : flow.rcv;
  if ((!flow.open && what < 900) || what < 5) {
    if (rng_.per_mille(800)) flow.snd = SeqNum(static_cast<std::uint32_t>(rng_.next()));
    flow.timestamps = rng_.per_mille(500);
    const std::uint8_t more = flow.open || rng_.per_mille(50) ? wire::kAck : 0;  // SYN|ACK: an answer to an active open
    segment(flow, wire::kSyn | more, flow.snd, ack, rng_.per_mille(50) ? rng_.below(100) : 0);
    flow.snd = flow.snd + 1;
    return;
  }
  if (what < 350) return segment(flow, wire::kAck, flow.snd, ack, 0);
  const std::size_t len = rng_.per_mille(300) ? rng_.below(1400) : rng_.below(60);
  if (what < 650) {
    segment(flow, wire::kAck | wire::kPsh, flow.snd, ack, len);
    if (rng_.per_mille(900)) flow.snd = flow.snd + static_cast<std::uint32_t>(len);
    return;
  }
  if (what < 800) return segment(flow, wire::kAck, near, ack, len);
  if (what < 850) {
    segment(flow, wire::kAck | wire::kFin, flow.snd, ack, len);
    flow.snd = flow.snd + static_cast<std::uint32_t>(len + 1);
    return;
  }
  if (what < 862) {
    segment(flow, wire::kRst | (rng_.per_mille(500) ? wire::kAck : 0), flow.snd, ack, 0);
    flow.open = false;
    return;
  }
  if (what < 900) return segment(flow, wire::kRst, near, ack, 0);
  segment(flow, byte(), near, ack, len);
}

void Attacker::arp() {
  wire::ArpMessage message;
  message.operation = rng_.per_mille(700) ? wire::kArpRequest : wire::kArpReply;
  const std::uint32_t peer = rng_.below(kPeers);
  message.sender_ip = rng_.per_mille(100) ? IpAddress::v4(byte(), byte(), byte(), byte()) : peer_address(true, peer);
  message.target_ip = rng_.per_mille(100) ? IpAddress::v4(10, 0, 0, byte()) : victim_address(true);
  message.sender_mac = peer_mac(2 + peer);
  const wire::EthernetHeader ethernet{rng_.per_mille(500) ? wire::kMacBroadcast : victim_, message.sender_mac, vlan_,
                                      wire::kEtherTypeArp};
  frame_.resize(64);
  l3_ = ethernet.write(frame_.data());
  frame_.resize(l3_ + message.write(&frame_[l3_]));
  l4_ = 0;
}

void Attacker::neighbour_discovery() {
  const std::uint32_t peer = rng_.below(kPeers);
  Flow from;
  from.v4 = false;
  from.remote = rng_.per_mille(100) ? IpAddress{} : peer_address(false, peer);
  head(from, wire::kProtoIcmpv6, wire::NeighborMessage::kSize);
  wire::NeighborMessage message;
  message.solicitation = rng_.per_mille(600);
  message.target = message.solicitation ? victim_address(false) : peer_address(false, peer);
  message.mac = peer_mac(2 + peer);
  frame_.resize(l4_ + wire::NeighborMessage::kSize);
  message.write(&frame_[l4_], from.remote, victim_address(false));
  frame_[l3_ + 7] = 255;
  if (rng_.per_mille(300)) {  // to the solicited-node group
    const IpAddress group = wire::solicited_node(victim_address(false));
    std::memcpy(&frame_[l3_ + 24], group.bytes.data(), 16);
    const wire::MacAddress mac = wire::ipv6_multicast_mac(group);
    std::copy(mac.begin(), mac.end(), frame_.begin());
  }
  repair();
}

void Attacker::echo() {
  Flow& flow = any_flow();
  const std::size_t body = rng_.below(200);
  const std::uint8_t protocol = flow.v4 ? wire::kProtoIcmpv4 : wire::kProtoIcmpv6;
  head(flow, protocol, wire::kIcmpHeader + body);
  frame_.resize(l4_ + wire::kIcmpHeader + body);
  std::uint8_t request = wire::kIcmpv4EchoRequest;
  if (!flow.v4) request = wire::kIcmpv6EchoRequest;
  frame_[l4_] = rng_.per_mille(100) ? byte() : request;
  if (!flow.v4 && rng_.per_mille(100)) extensions(protocol);
}

// An error about a segment that the victim could have sent.
void Attacker::icmp_error() {
  Flow& flow = any_flow();
  const std::size_t ip_len = flow.v4 ? wire::kIpv4Header : wire::kIpv6Header;
  const std::size_t quoted = rng_.per_mille(200) ? rng_.below(40) : 8 + rng_.below(20);
  const IpAddress ours = victim_address(flow.v4);
  wire::FrameHead inner{};
  inner.dst_mac = inner.src_mac = victim_.data();
  inner.src = &ours;
  inner.dst = &flow.remote;
  std::array<std::uint8_t, 128> packet{};
  wire::write_frame_head(packet.data(), inner, 200);
  std::uint8_t* segment_at = &packet[wire::kEthHeader + ip_len];
  wire::store_be16(segment_at, flow.local_port);
  wire::store_be16(segment_at + 2, flow.remote_port);
  wire::store_be32(segment_at + 4, (flow.rcv - rng_.below(3)).value());
  head(flow, flow.v4 ? wire::kProtoIcmpv4 : wire::kProtoIcmpv6, wire::kIcmpHeader + ip_len + quoted);
  frame_.resize(l4_ + wire::kIcmpHeader + ip_len + quoted);
  static constexpr std::array<std::uint8_t, 4> kV4 = {3, 4, 11, 12};
  frame_[l4_] = flow.v4 ? kV4[rng_.below(4)] : static_cast<std::uint8_t>(1 + rng_.below(4));
  frame_[l4_ + 1] = static_cast<std::uint8_t>(rng_.below(6));
  std::memcpy(&frame_[l4_ + wire::kIcmpHeader], &packet[wire::kEthHeader], ip_len + quoted);
}

void Attacker::noise() {
  frame_.resize(rng_.below(120));
  for (auto& b : frame_) b = byte();
  l3_ = l4_ = 0;
  if (rng_.per_mille(700) && frame_.size() >= 14) {
    static constexpr std::array<std::uint16_t, 4> kTypes = {0x0800, 0x86dd, 0x0806, 0x8100};
    std::copy(victim_.begin(), victim_.end(), frame_.begin());
    frame_[6] &= 0xfe;
    wire::store_be16(&frame_[12], kTypes[rng_.below(4)]);
    if (frame_.size() > 14) frame_[14] = rng_.per_mille(500) ? 0x45 : 0x60;
  }
}

void Attacker::spoil() {
  const auto size = static_cast<std::uint32_t>(frame_.size());
  if (size == 0) return;
  switch (rng_.below(8)) {
    case 0: frame_.resize(rng_.below(size)); return;                                // cut short
    case 1: frame_.resize(std::min<std::size_t>(size + rng_.below(60), kFrameMax), byte()); return;  // padding
    case 2: {                                                                       // a stretch of noise
      const std::uint32_t begin = rng_.below(size);
      for (std::uint32_t i = begin; i < std::min(size, begin + rng_.below(16)); ++i) frame_[i] = byte();
      return;
    }
    case 3: {                                                                       // an extreme value
      static constexpr std::array<std::uint8_t, 5> kExtremes = {0, 1, 0x7f, 0x80, 0xff};
      frame_[rng_.below(size)] = kExtremes[rng_.below(5)];
      return;
    }
    case 4: {                                                                       // in the TCP header or its options
      const auto l4 = static_cast<std::uint32_t>(l4_);
      if (l4 != 0 && l4 < size) frame_[l4 + rng_.below(std::min(size - l4, 60U))] = byte();
      return;
    }
    case 5: {                                                                       // bytes moved along
      const auto at = frame_.begin() + rng_.below(size);
      if (rng_.per_mille(500)) frame_.insert(at, byte());
      else frame_.erase(at);
      return;
    }
    default:
      for (std::uint32_t i = 1 + rng_.below(4); i != 0; --i) {
        frame_[rng_.below(size)] ^= static_cast<std::uint8_t>(1U << rng_.below(8));
      }
  }
}

// Checksums that fit what the frame now says, where that is still to be seen.
void Attacker::repair() {
  if (l4_ == 0 || frame_.size() < l4_ + 8 || l4_ < l3_ + 20) return;
  const bool v4 = frame_[l3_] >> 4U == 4;
  std::uint8_t* l4 = &frame_[l4_];
  std::size_t len = frame_.size() - l4_;
  wire::CsumSum sum = 0;
  if (v4) {
    std::uint8_t* ip = &frame_[l3_];
    const std::size_t header = std::min<std::size_t>((ip[0] & 0xfU) * 4U, frame_.size() - l3_);
    wire::store_native16(ip + 10, 0);
    wire::store_checksum(ip + 10, wire::sum_bytes(ip, header));
    const std::size_t total = wire::load_be16(ip + 2);
    if (total > header && total - header < len) len = total - header;
    sum = wire::sum_bytes(ip + 12, 8);
  } else {
    if (l4_ < l3_ + 40) return;
    sum = wire::sum_bytes(&frame_[l3_ + 8], 32);
    const std::size_t payload = wire::load_be16(&frame_[l3_ + 4]) - (l4_ - l3_ - 40);
    if (payload < len) len = payload;
  }
  const std::size_t field = protocol_ == wire::kProtoTcp ? 16 : 2;
  if (len < field + 2) return;
  std::array<std::uint8_t, 4> tail{0, protocol_, static_cast<std::uint8_t>(len >> 8U), static_cast<std::uint8_t>(len)};
  if (protocol_ == wire::kProtoIcmpv4) {
    sum = 0;
  } else {
    sum += wire::sum_bytes(tail.data(), tail.size());
  }
  wire::store_native16(l4 + field, 0);
  wire::store_checksum(l4 + field, sum + wire::sum_bytes(l4, len));
}

std::span<const std::uint8_t> Attacker::next() {
  const std::uint32_t what = rng_.below(1000);
  if (!to_answer_.empty() && what < 700) {
    Flow& flow = flows_[to_answer_.back()];
    to_answer_.pop_back();
    if (flow.open) {
      segment(flow, wire::kAck, flow.snd, flow.rcv, rng_.per_mille(300) ? rng_.below(200) : 0);
    } else {
      segment(flow, rng_.per_mille(800) ? wire::kSyn | wire::kAck : wire::kSyn, flow.snd, flow.rcv, 0);
      flow.snd = flow.snd + 1;
    }
  } else if (what < 800) {
    tcp(any_flow());
  } else if (what < 840) {
    arp();
  } else if (what < 880) {
    neighbour_discovery();
  } else if (what < 910) {
    echo();
  } else if (what < 960) {
    icmp_error();
  } else {
    noise();
  }
  repair();
  if (rng_.per_mille(250)) {
    for (std::uint32_t i = 1 + rng_.below(2); i != 0; --i) spoil();
    if (rng_.per_mille(700)) repair();
  }
  if (frame_.size() > kFrameMax) frame_.resize(kFrameMax);
  return frame_;
}

}  // namespace sluice::test
