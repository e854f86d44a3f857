// SPDX-License-Identifier: BSD-3-Clause
#include "stack/listeners.h"

namespace sluice::stack {

std::uint16_t Listeners::add(const Listener& listener) {
  std::size_t index = 0;
  while (index < all_.size() && (all_[index].open || all_[index].half_open != 0)) ++index;
  if (index == kMax) return kNone;
  if (index == all_.size()) all_.emplace_back();
  all_[index] = listener;
  all_[index].open = true;
  all_[index].next = by_port_[listener.port];
  by_port_[listener.port] = static_cast<std::uint16_t>(index + 1);
  ++open_;
  return static_cast<std::uint16_t>(index);
}

void Listeners::remove(std::uint16_t index) noexcept {
  Listener& listener = all_[index];
  if (!listener.open) return;
  std::uint16_t* link = &by_port_[listener.port];
  while (*link != index + 1U) link = &all_[*link - 1U].next;
  *link = listener.next;
  listener.next = 0;
  listener.open = false;
  --open_;
}

bool Listeners::taken(const IpAddress& address, std::uint16_t port) const noexcept {
  for (std::uint16_t link = by_port_[port]; link != 0; link = all_[link - 1U].next) {
    const Listener& other = all_[link - 1U];
    if (other.address == address) return true;
    if (other.v4 == address.is_v4() && (other.address.is_any() || address.is_any())) return true;
  }
  return false;
}

}  // namespace sluice::stack
