// SPDX-License-Identifier: BSD-3-Clause
#include "stack/routers.h"

#include <algorithm>

namespace sluice::stack {

Routers::Routers(const std::vector<InterfaceConfig>& interfaces, bool off) {
  const auto is_v6 = [](const IpAddress& address) { return !address.is_v4(); };
  for (const InterfaceConfig& interface : interfaces) {
    Link link;
    link.wanted = !off && interface.router_advertisements && std::none_of(interface.gateways.begin(), interface.gateways.end(), is_v6) &&
                  (interface.slaac || std::any_of(interface.addresses.begin(), interface.addresses.end(),
                                                  [&](const InterfaceAddress& ours) { return is_v6(ours.address); }));
    links_.push_back(link);
  }
}

bool Routers::any_wanted() const noexcept {
  return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.wanted; });
}

std::size_t Routers::Link::find(const IpAddress& address) const noexcept {
  std::size_t i = 0;
  while (i < count && routers[i].address != address) ++i;
  return i;
}

void Routers::Link::remove(std::size_t i) noexcept {
  std::move(routers.begin() + i + 1, routers.begin() + count, routers.begin() + i);
  --count;
}

bool Routers::hear(std::size_t interface, const IpAddress& router, std::uint16_t lifetime_s, int preference, Instant now) noexcept {
  if (lifetime_s == 0) {
    forget(interface, router);
    return true;
  }
  Link& link = links_[interface];
  std::size_t i = link.find(router);
  if (i == link.count && link.count == kMost) {
    // The last of the least preferred.
    std::size_t least = 0;
    for (std::size_t k = 1; k < kMost; ++k) {
      if (link.routers[k].preference <= link.routers[least].preference) least = k;
    }
    if (link.routers[least].preference >= preference) return false;
    link.remove(least);
    i = link.count;
  }
  if (i == link.count) ++link.count;
  link.routers[i] = {router, now + Duration::seconds(lifetime_s), static_cast<std::int8_t>(preference), false};
  schedule();
  return true;
}

void Routers::forget(std::size_t interface, const IpAddress& router) noexcept {
  Link& link = links_[interface];
  const std::size_t i = link.find(router);
  if (i == link.count) return;
  link.remove(i);
  schedule();
}

void Routers::fail(std::size_t interface, const IpAddress& router) noexcept {
  Link& link = links_[interface];
  const std::size_t i = link.find(router);
  if (i == link.count) return;
  Router moved = link.routers[i];
  moved.failed = true;
  link.remove(i);
  link.routers[link.count++] = moved;
  // None is better than another then: all are tried again, this one last.
  auto* const end = link.routers.begin() + link.count;
  if (std::all_of(link.routers.begin(), end, [](const Router& each) { return each.failed; })) {
    std::for_each(link.routers.begin(), end - 1, [](Router& each) { each.failed = false; });
  }
}

void Routers::expire(Instant now) noexcept {
  for (Link& link : links_) {
    for (std::size_t i = link.count; i-- != 0;) {
      if (link.routers[i].expires <= now) link.remove(i);
    }
  }
  schedule();
}

void Routers::schedule() noexcept {
  next_check_ = Instant::never();
  for (const Link& link : links_) {
    for (std::size_t i = 0; i < link.count; ++i) next_check_ = std::min(next_check_, link.routers[i].expires);
  }
}

const IpAddress* Routers::best(std::size_t interface) const noexcept {
  const Link& link = links_[interface];
  const Router* best = nullptr;
  for (std::size_t i = 0; i < link.count; ++i) {
    if (best == nullptr || link.routers[i].before(*best)) best = &link.routers[i];
  }
  return best == nullptr ? nullptr : &best->address;
}

std::size_t Routers::known() const noexcept {
  std::size_t n = 0;
  for (const Link& link : links_) n += link.count;
  return n;
}

}  // namespace sluice::stack
