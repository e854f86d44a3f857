// SPDX-License-Identifier: BSD-3-Clause
// Routers ask to be used, and are asked for: router discovery (RFC 4861 6), for the default gateway and for autoconfiguration.
// Deviation: MTU and hop limit in advertisements are not taken over, they are those of the configuration; nor are prefixes, unless
// the interface is to configure itself. Pinned by AdvertisedPrefixesAndMtuAreNotTaken.
#include <algorithm>
#include <cstring>

#include "stack/link_frames.h"
#include "stack/stack.h"
#include "wire/icmpv6.h"

namespace sluice::stack {

using tcp::Verdict;

namespace {
// RFC 4861 6.3.7 and 10, RFC 7559 2: the pauses double until there is a router.
constexpr Duration kSolicitationDelay = Duration::seconds(1);
constexpr Duration kFirstPause = Duration::seconds(4);
constexpr Duration kLongestPause = Duration::seconds(3600);
}  // namespace

Verdict Stack::router_input(const Arrival& arrival, std::size_t interface) noexcept {
  const wire::Packet& packet = arrival.packet;
  const auto view = wire::RouterView::parse({packet.payload, packet.payload_len});
  // RFC 4861 6.1.2; RFC 6980 5: nothing that was fragmented.
  if (!view || packet.ttl != wire::kNdHopLimit || !packet.src.is_link_local()) return Verdict::kNdIgnored;
  if (packet.fragment_header || (arrival.buf->flags & kReassembled) != 0) return Verdict::kNdIgnored;
  const bool wanted = routers_.wanted(interface);
  if ((!wanted && !slaac_.wanted(interface)) || addresses_.find(packet.src) != kNoAddress) return Verdict::kNdIgnored;
  if (slaac_.decides(interface)) hear_prefixes(*view, interface);
  const bool room = !wanted || routers_.hear(interface, packet.src, view->lifetime_s(), view->preference(), env_.now);
  use_routers();
  if (!copies_) ++(room ? stack_counters_.router_advertisements : stack_counters_.routers_refused);
  if (!room) return Verdict::kNdIgnored;
  if (!wanted) return Verdict::kNdHandled;
  // RFC 4861 6.3.4. Strangers cannot fill the neighbour cache this way: there are few routers.
  const std::uint8_t* mac = view->source_mac();
  if (view->lifetime_s() != 0 && mac != nullptr && (mac[0] & 1U) == 0) {
    const auto address = wire::load_native<wire::MacAddress>(mac);
    send_waiting(interface,
                 neighbours_.learn(static_cast<std::uint8_t>(interface), packet.src, address, true, env_.now, Neighbours::News::kClaim),
                 address);
  }
  return Verdict::kNdHandled;
}

// `ready`: when our addresses are no longer being tried for duplicates (RFC 4429 3.2).
void Stack::start_router_discovery(Instant ready) noexcept {
  if (!routers_.any_wanted() && !slaac_.any_wanted()) return;
  solicit_routers_pause_ = kFirstPause;
  solicit_routers_at_ = ready + Duration::milliseconds(rng_.below(static_cast<std::uint32_t>(kSolicitationDelay.ms())));
  routers_at_ = std::min(solicit_routers_at_, slaac_.next_check());
}

void Stack::on_router_timer(Instant now) noexcept {
  routers_.expire(now);
  if (now >= slaac_.next_check()) on_slaac_timer(now);
  if (sweep_.on) sweep_lost();
  if (now >= solicit_routers_at_) solicit_routers(now);
  use_routers();
}

// On every interface that still has no router.
void Stack::solicit_routers(Instant now) noexcept {
  solicit_routers_at_ = now + solicit_routers_pause_;
  solicit_routers_pause_ = std::min(solicit_routers_pause_ * 2, kLongestPause);
  for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
    if (!lacks_router(i)) continue;
    const IpAddress* from = nullptr;
    for (std::uint16_t k = 0, n = static_cast<std::uint16_t>(addresses_.size()); k < n; ++k) {
      const LocalAddress& ours = addresses_[k];
      if (ours.interface != i || ours.address.is_v4() || addresses_.find(ours.address) == kNoAddress) continue;
      if (from == nullptr || ours.address.is_link_local()) from = &ours.address;
    }
    if (from == nullptr) continue;
    Buf* frame = router_solicitation_frame(*from, config_.interfaces[i], bufs_);
    if (frame == nullptr) continue;
    ++stack_counters_.router_solicitations;
    enqueue(i, frame);
  }
}

void Stack::router_failed(const Neighbours::Entry& entry) noexcept {
  if (!routers_.wanted(entry.interface)) return;
  routers_.fail(entry.interface, entry.ip);
  use_routers();
}

// To be asked for, by us.
bool Stack::lacks_router(std::size_t interface) const noexcept {
  if ((speaks_ >> interface & 1U) == 0) return false;
  return (routers_.wanted(interface) && routers_.best(interface) == nullptr) || slaac_.lacks_router(interface);
}

// The list changed: the way out, and when to look again.
void Stack::use_routers() noexcept {
  bool lacking = false;
  for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
    if (routers_.wanted(i)) addresses_.set_router(i, routers_.best(i));
    lacking = lacking || lacks_router(i);
  }
  if (!lacking) {
    solicit_routers_at_ = Instant::never();
  } else if (solicit_routers_at_ == Instant::never()) {  // the last one left
    solicit_routers_pause_ = kFirstPause;
    solicit_routers_at_ = env_.now + kFirstPause;
  }
  routers_at_ = sweep_.on ? env_.now : std::min({routers_.next_check(), solicit_routers_at_, slaac_.next_check()});
}

}  // namespace sluice::stack
