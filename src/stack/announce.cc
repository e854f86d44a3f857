// SPDX-License-Identifier: BSD-3-Clause
// Our addresses made known at start and defended: ARP announcements (RFC 5227), duplicate address detection
// (RFC 4862, optimistic as in RFC 4429: configured addresses are used meanwhile), unsolicited advertisements (RFC 4861 7.2.6).
#include "stack/link_frames.h"
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/icmpv6.h"

namespace sluice::stack {

namespace {
constexpr Duration kDadTime = Duration::seconds(1);         // RFC 4862 5.4, RFC 4861's RetransTimer
constexpr Duration kAnnounceAgain = Duration::seconds(2);   // RFC 5227's ANNOUNCE_INTERVAL
constexpr Duration kDefendInterval = Duration::seconds(10); // RFC 5227's DEFEND_INTERVAL
constexpr IpAddress kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
}  // namespace

void Stack::announce(std::uint16_t local) noexcept {
  const LocalAddress& ours = addresses_[local];
  const InterfaceConfig& out = config_.interfaces[ours.interface];
  Buf* frame = nullptr;
  if (ours.address.is_v4()) {
    frame = arp_frame({wire::kArpRequest, out.mac, {}, ours.address, ours.address}, wire::kMacBroadcast, out, bufs_);
  } else {
    wire::NeighborMessage message;
    message.solicitation = false;
    message.override_flag = true;
    message.target = ours.address;
    message.mac = out.mac;
    frame = nd_frame(message, wire::ipv6_multicast_mac(kAllNodes), ours.address, kAllNodes, out, bufs_);
  }
  if (frame != nullptr) enqueue(ours.interface, frame);
}

// RFC 4862 5.4.2. The message has an option that its source cannot have (RFC 4861 4.3): that is left out.
void Stack::ask_for_duplicates(std::size_t interface, const IpAddress& address) noexcept {
  wire::NeighborMessage message;
  message.target = address;
  message.with_mac = false;
  const IpAddress group = wire::solicited_node(address);
  Buf* frame = nd_frame(message, wire::ipv6_multicast_mac(group), IpAddress{}, group, config_.interfaces[interface], bufs_);
  if (frame != nullptr) enqueue(interface, frame);
}

void Stack::start(Instant now, std::uint64_t speaks) noexcept {
  set_now(now);
  speaks_ = speaks;
  dad_.assign(addresses_.size(), false);
  if (config_.learn_next_hops) return;  // a capture: nobody listens
  for (std::uint16_t i = 0; !addresses_.is_autoconfigured(i); ++i) {
    dad_[i] = !addresses_[i].address.is_v4() && config_.interfaces[addresses_[i].interface].dad;
  }
  slaac_.start(speaks_, now);
  start_mld(now + kDadTime);
  for (std::uint16_t i = 0; !addresses_.is_autoconfigured(i); ++i) {
    const bool speaking = (speaks_ >> addresses_[i].interface & 1U) != 0;
    if (!speaking) continue;
    if (dad_[i]) {
      ask_for_duplicates(addresses_[i].interface, addresses_[i].address);
    } else {
      announce(i);
    }
  }
  announce_at_ = now + kDadTime;
  announce_again_at_ = now + kAnnounceAgain;
  start_router_discovery(announce_at_);
}

void Stack::on_announce_timer(Instant now) noexcept {
  const bool second = announce_at_ == announce_again_at_;
  for (std::uint16_t i = 0; !addresses_.is_autoconfigured(i); ++i) {
    const bool v4 = addresses_[i].address.is_v4();
    const bool speaking = (speaks_ >> addresses_[i].interface & 1U) != 0;
    if (speaking && (v4 ? second : dad_[i])) announce(i);
    dad_[i] = false;
  }
  announce_at_ = second || now >= announce_again_at_ ? Instant::never() : announce_again_at_;
}

// Another station has, or wants, one of our addresses.
tcp::Verdict Stack::address_conflict(std::uint16_t local) noexcept {
  if (!copies_) ++stack_counters_.address_conflicts;
  if (local < dad_.size() && dad_[local]) {  // RFC 4862 5.4.5: it was there before us
    dad_[local] = false;
    addresses_.disable(local);
    if (!copies_) ++stack_counters_.addresses_disabled;
    return tcp::Verdict::kAddressConflict;
  }
  // RFC 5227 2.4 (c), and the same for IPv6: once in a while our claim on each is repeated.
  if (copies_ || env_.now < defend_from_[local]) return tcp::Verdict::kAddressConflict;
  defend_from_[local] = env_.now + kDefendInterval;
  announce(local);
  return tcp::Verdict::kAddressConflict;
}

}  // namespace sluice::stack
