// SPDX-License-Identifier: BSD-3-Clause
// The link's own talk: ARP (RFC 826) and neighbour discovery (RFC 4861).
#include <cstring>

#include "stack/frame_builder.h"
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::stack {

using tcp::Verdict;

namespace {

wire::MacAddress mac_at(const std::uint8_t* p) noexcept { return wire::load_native<wire::MacAddress>(p); }

Buf* arp_frame(const wire::ArpMessage& message, const wire::MacAddress& to, const InterfaceConfig& interface,
               BufPool& bufs) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) return nullptr;
  const wire::EthernetHeader ethernet{to, interface.mac, interface.vlan, wire::kEtherTypeArp};
  frame->len = static_cast<std::uint32_t>(ethernet.write(frame->data));
  frame->len += static_cast<std::uint32_t>(message.write(frame->end()));
  frame->len_total = frame->len;
  return frame;
}

Buf* nd_frame(const wire::NeighborMessage& message, const wire::MacAddress& to, const IpAddress& src,
              const IpAddress& dst, const InterfaceConfig& interface, BufPool& bufs) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) return nullptr;
  wire::FrameHead head{};
  head.dst_mac = to.data();
  head.src_mac = interface.mac.data();
  head.src = &src;
  head.dst = &dst;
  head.vlan = interface.vlan;
  head.protocol = wire::kProtoIcmpv6;
  head.ttl = wire::kNdHopLimit;
  frame->len = static_cast<std::uint32_t>(wire::write_frame_head(frame->data, head, wire::NeighborMessage::kSize));
  frame->len += static_cast<std::uint32_t>(message.write(frame->end(), src, dst));
  frame->len_total = frame->len;
  return frame;
}

}  // namespace

void Stack::send_waiting(std::size_t interface, Buf* list, const wire::MacAddress& mac) noexcept {
  while (list != nullptr) {
    Buf* frame = list;
    list = list->next;
    frame->next = nullptr;
    std::memcpy(frame->data, mac.data(), mac.size());
    enqueue(interface, frame);
  }
}

Verdict Stack::arp_input(const wire::Packet& packet, std::size_t interface) noexcept {
  const auto view = wire::ArpView::parse({packet.payload, packet.payload_len});
  if (!view) return Verdict::kArpBad;
  const std::uint16_t local = addresses_.find(view->target_ip());
  const bool for_us = local != kNoAddress && addresses_[local].interface == interface;
  const IpAddress sender = view->sender_ip();
  const wire::MacAddress mac = view->sender_mac();
  // A sender that is nobody (a probe, RFC 5227), one of ours, off-link or a group is not learned.
  const bool learnable = !sender.is_any() && addresses_.find(sender) == kNoAddress && (mac[0] & 1U) == 0 &&
                         addresses_.on_link(static_cast<std::uint8_t>(interface), sender);
  if (learnable) {
    send_waiting(interface,
                 neighbours_.learn(static_cast<std::uint8_t>(interface), sender, mac,
                                   for_us && view->operation() == wire::kArpRequest, env_.now),
                 mac);
  }
  if (!for_us) return Verdict::kArpNotForUs;
  if (view->operation() != wire::kArpRequest || copies_) return Verdict::kArpHandled;
  const InterfaceConfig& out = config_.interfaces[interface];
  const wire::ArpMessage reply{wire::kArpReply, out.mac, mac, view->target_ip(), sender};
  Buf* frame = arp_frame(reply, mac, out, bufs_);
  if (frame == nullptr) return Verdict::kNoBuffer;
  enqueue(interface, frame);
  return Verdict::kArpHandled;
}

// A request for an entry's address: ARP, or a neighbour solicitation to the solicited-node group.
void Stack::solicit(const Neighbours::Entry& entry) noexcept {
  const InterfaceConfig& out = config_.interfaces[entry.interface];
  std::uint16_t local = kNoAddress;
  for (std::uint16_t i = 0; i < addresses_.size(); ++i) {
    if (addresses_[i].interface != entry.interface || addresses_[i].address.is_v4() != entry.ip.is_v4()) continue;
    if (local == kNoAddress || same_prefix(addresses_[i].address, entry.ip, addresses_[i].prefix_len)) local = i;
  }
  if (local == kNoAddress) return;
  const IpAddress& ours = addresses_[local].address;
  Buf* frame = nullptr;
  if (entry.ip.is_v4()) {
    frame = arp_frame({wire::kArpRequest, out.mac, {}, ours, entry.ip}, wire::kMacBroadcast, out, bufs_);
  } else {
    wire::NeighborMessage message;
    message.target = entry.ip;
    message.mac = out.mac;
    const IpAddress group = wire::solicited_node(entry.ip);
    frame = nd_frame(message, wire::ipv6_multicast_mac(group), ours, group, out, bufs_);
  }
  if (frame != nullptr) enqueue(entry.interface, frame);
}

Verdict Stack::nd_input(const Arrival& arrival, std::size_t interface) noexcept {
  const wire::Packet& packet = arrival.packet;
  const auto view = wire::NeighborView::parse({packet.payload, packet.payload_len});
  // RFC 4861 7.1: anything a router could have forwarded is not from the link.
  if (!view || packet.ttl != wire::kNdHopLimit) return Verdict::kNdIgnored;
  // RFC 6980 5: nor anything that was fragmented.
  if (packet.fragment_header || (arrival.buf->flags & kReassembled) != 0) return Verdict::kNdIgnored;
  const auto port = static_cast<std::uint8_t>(interface);
  if (!view->is_solicitation()) {
    if (view->target_mac() == nullptr) return Verdict::kNdIgnored;
    const wire::MacAddress mac = mac_at(view->target_mac());
    if ((mac[0] & 1U) != 0 || addresses_.find(view->target()) != kNoAddress) return Verdict::kNdIgnored;
    send_waiting(interface, neighbours_.learn(port, view->target(), mac, false, env_.now), mac);
    return Verdict::kNdHandled;
  }
  const std::uint16_t local = addresses_.find(view->target());
  if (local == kNoAddress || addresses_[local].interface != interface) return Verdict::kNdIgnored;
  const bool probe = packet.src.is_any();  // duplicate address detection, RFC 4862
  const wire::MacAddress mac = view->source_mac() != nullptr && !probe ? mac_at(view->source_mac()) : mac_at(packet.l2_src);
  if (!probe && view->source_mac() != nullptr && (mac[0] & 1U) == 0 && addresses_.find(packet.src) == kNoAddress &&
      addresses_.on_link(port, packet.src)) {
    send_waiting(interface, neighbours_.learn(port, packet.src, mac, true, env_.now), mac);
  }
  if (copies_) return Verdict::kNdHandled;
  static constexpr IpAddress kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  const InterfaceConfig& out = config_.interfaces[interface];
  wire::NeighborMessage answer;
  answer.solicitation = false;
  answer.solicited = !probe;
  answer.override_flag = true;
  answer.target = view->target();
  answer.mac = out.mac;
  const IpAddress& to = probe ? kAllNodes : packet.src;
  Buf* frame = nd_frame(answer, probe ? wire::ipv6_multicast_mac(kAllNodes) : mac, view->target(), to, out, bufs_);
  if (frame == nullptr) return Verdict::kNoBuffer;
  enqueue(interface, frame);
  return Verdict::kNdHandled;
}

}  // namespace sluice::stack
