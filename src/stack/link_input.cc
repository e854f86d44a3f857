// SPDX-License-Identifier: BSD-3-Clause
// The link's own talk: ARP (RFC 826) and neighbour discovery (RFC 4861).
#include <cstring>

#include "stack/link_frames.h"
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

// An answer to us, against what everybody hears or what comes with a question.
Neighbours::News arp_news(std::uint16_t operation, bool to_all) noexcept {
  return operation == wire::kArpReply && !to_all ? Neighbours::News::kOverride : Neighbours::News::kClaim;
}

// RFC 4861 7.1.1, as far as the view does not say it: who has no address asks the solicited-node group and names none of his. A group
// is nobody's Ethernet address.
bool solicitation_good(const wire::Packet& packet, const wire::NeighborView& view) noexcept {
  const std::uint8_t* mac = view.source_mac();
  if (packet.src.is_any()) return mac == nullptr && packet.dst == wire::solicited_node(packet.dst);
  return mac == nullptr || (mac[0] & 1U) == 0;
}

Neighbours::News advertised_news(const wire::NeighborView& view) noexcept {
  if (view.solicited()) return view.override_flag() ? Neighbours::News::kOverride : Neighbours::News::kHint;
  return view.override_flag() ? Neighbours::News::kClaim : Neighbours::News::kRumour;
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
  if ((mac[0] & 1U) != 0) return Verdict::kArpBad;  // a group is nobody's address: the answer would go to all of it
  const std::uint16_t claimed = addresses_.find(sender);
  if (claimed != kNoAddress && addresses_[claimed].interface == interface && mac != config_.interfaces[interface].mac) {
    return address_conflict(claimed);
  }
  // A sender that is nobody (a probe, RFC 5227), one of ours, off-link or a group is not learned.
  const bool learnable = !sender.is_any() && addresses_.find(sender) == kNoAddress &&
                         addresses_.on_link(static_cast<std::uint8_t>(interface), sender);
  if (learnable) {
    send_waiting(interface,
                 neighbours_.learn(static_cast<std::uint8_t>(interface), sender, mac,
                                   for_us && view->operation() == wire::kArpRequest, env_.now,
                                   arp_news(view->operation(), packet.l2_group)),
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

// A request for an entry's address, to everybody or to where it was. RFC 4429 3.2: from no address that is being tried, nor from one
// that is another's; where there is no other the question waits for its next turn.
void Stack::solicit(const Neighbours::Entry& entry) noexcept {
  const InterfaceConfig& out = config_.interfaces[entry.interface];
  std::uint16_t local = kNoAddress;
  for (std::uint16_t i = 0, n = static_cast<std::uint16_t>(addresses_.size()); i < n; ++i) {
    if (addresses_[i].interface != entry.interface || addresses_[i].address.is_v4() != entry.ip.is_v4()) continue;
    if (addresses_.disabled(i) || (i < dad_.size() && dad_[i])) continue;
    if (local == kNoAddress || same_prefix(addresses_[i].address, entry.ip, addresses_[i].prefix_len)) local = i;
  }
  if (local == kNoAddress) return;
  const IpAddress& ours = addresses_[local].address;
  const bool all = Neighbours::asks_all(entry);
  Buf* frame = nullptr;
  if (entry.ip.is_v4()) {
    frame = arp_frame({wire::kArpRequest, out.mac, {}, ours, entry.ip}, all ? wire::kMacBroadcast : entry.mac, out, bufs_);
  } else {
    wire::NeighborMessage message;
    message.target = entry.ip;
    message.mac = out.mac;
    const IpAddress to = all ? wire::solicited_node(entry.ip) : entry.ip;
    frame = nd_frame(message, all ? wire::ipv6_multicast_mac(to) : entry.mac, ours, to, out, bufs_);
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
    // RFC 4861 7.1.2: what everybody hears answers nobody.
    if (packet.dst.is_multicast() && view->solicited()) return Verdict::kNdIgnored;
    const std::uint16_t ours = addresses_.find(view->target());
    const wire::MacAddress mac = mac_at(view->target_mac() != nullptr ? view->target_mac() : packet.l2_src);
    if (ours != kNoAddress) {
      const bool foreign = addresses_[ours].interface == interface && mac != config_.interfaces[interface].mac;
      return foreign ? address_conflict(ours) : Verdict::kNdIgnored;
    }
    if (tentative_conflict(interface, view->target(), mac)) [[unlikely]] return Verdict::kAddressConflict;
    if ((mac[0] & 1U) != 0 || (view->target_mac() == nullptr && !view->solicited())) return Verdict::kNdIgnored;
    if (view->target_mac() == nullptr) {
      neighbours_.confirm(port, view->target(), env_.now);
    } else {
      const Neighbours::News news = advertised_news(*view);
      send_waiting(interface, neighbours_.learn(port, view->target(), mac, false, env_.now, news), mac);
    }
    if (!view->router() && routers_.wanted(interface)) [[unlikely]] {  // RFC 4861 7.2.5: it is one no longer
      routers_.forget(interface, view->target());
      use_routers();
    }
    return Verdict::kNdHandled;
  }
  if (!solicitation_good(packet, *view)) return Verdict::kNdIgnored;
  const bool probe = packet.src.is_any();  // duplicate address detection, RFC 4862
  const std::uint16_t local = addresses_.find(view->target());
  if (local == kNoAddress || addresses_[local].interface != interface) {
    const bool conflict = probe && tentative_conflict(interface, view->target(), mac_at(packet.l2_src));
    return conflict ? Verdict::kAddressConflict : Verdict::kNdIgnored;
  }
  // 5.4.3: two try the same address at once, unless it is our own question that came back.
  if (probe && local < dad_.size() && dad_[local] && mac_at(packet.l2_src) != config_.interfaces[interface].mac) {
    return address_conflict(local);
  }
  const wire::MacAddress mac = mac_at(view->source_mac() != nullptr ? view->source_mac() : packet.l2_src);
  if (!probe && view->source_mac() != nullptr && addresses_.find(packet.src) == kNoAddress &&
      addresses_.on_link(port, packet.src)) {
    send_waiting(interface, neighbours_.learn(port, packet.src, mac, true, env_.now, Neighbours::News::kClaim), mac);
  }
  if (copies_) return Verdict::kNdHandled;
  static constexpr IpAddress kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  const InterfaceConfig& out = config_.interfaces[interface];
  wire::NeighborMessage answer;
  answer.solicitation = false;
  answer.solicited = !probe;
  answer.override_flag = local >= dad_.size() || !dad_[local];  // RFC 4429 3.3
  answer.target = view->target();
  answer.mac = out.mac;
  const IpAddress& to = probe ? kAllNodes : packet.src;
  Buf* frame = nd_frame(answer, probe ? wire::ipv6_multicast_mac(kAllNodes) : mac, view->target(), to, out, bufs_);
  if (frame == nullptr) return Verdict::kNoBuffer;
  enqueue(interface, frame);
  return Verdict::kNdHandled;
}

}  // namespace sluice::stack
