// SPDX-License-Identifier: BSD-3-Clause
// Addresses that nobody configured (RFC 4862): made by the shard that speaks on an interface, used by all, and given up.
#include <algorithm>
#include <span>

#include "stack/stack.h"

namespace sluice::stack {

namespace {
// Records looked at in one turn, of which a part may have to end.
constexpr std::uint32_t kSweepLooks = 4096;
constexpr std::uint32_t kSweepEnds = 256;
}  // namespace

void Stack::hear_prefixes(const wire::RouterView& view, std::size_t interface) noexcept {
  slaac_.heard_router(interface);
  view.for_each_prefix([&](const wire::PrefixInformation& info) {
    if (!slaac_.hear(interface, info, env_.now, rng_)) ++stack_counters_.slaac_refused;
  });
}

// Only here is known what is being tried, so that it is counted once though it may have come as a copy.
bool Stack::tentative_conflict(std::size_t interface, const IpAddress& target, const wire::MacAddress& mac) noexcept {
  if (!slaac_.decides(interface) || mac == config_.interfaces[interface].mac) return false;
  const Slaac::Conflict conflict = slaac_.conflict(interface, target, env_.now);
  if (conflict == Slaac::Conflict::kNone) return false;
  ++stack_counters_.slaac_conflicts;
  if (conflict == Slaac::Conflict::kGivenUp) ++stack_counters_.addresses_disabled;
  routers_at_ = std::min(routers_at_, slaac_.next_check());
  return true;
}

void Stack::on_slaac_timer(Instant now) noexcept {
  const std::uint64_t changed = slaac_.on_timer(now, [this](std::size_t interface, const IpAddress& address) {
    report_group_of(interface, address);  // RFC 4862 5.4.2: first, or switches keep the answer from us
    ask_for_duplicates(interface, address);
  });
  for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
    if ((changed >> i & 1U) != 0) follow(i, slaac_.has(i));
  }
  slaac_news_ |= changed;
}

void Stack::follow(std::size_t interface, const Autoconfigured& has) noexcept {
  autoconfigured_[interface] = has;
  drop_lost(interface, has);
  for (std::size_t i = 0; i < has.n_addresses; ++i) {
    const Autoconfigured::Address& ours = has.addresses[i];
    std::uint16_t local = addresses_.find(ours.address);
    if (local == kNoAddress) {
      local = addresses_.add(interface, config_.interfaces[interface], ours.address);
      if (local == kNoAddress) continue;  // the sweep makes room, and comes here again
      secrets_[local] = tcp::LocalSecrets(config_.secrets, ours.address);
      defend_from_[local] = Instant{};
      if (slaac_.decides(interface)) {
        if (!config_.interfaces[interface].dad) report_group_of(interface, ours.address);
        announce(local);
      }
    }
    addresses_.deprecate(local, ours.deprecated);
  }
  addresses_.set_on_link(interface, std::span(has.on_link).first(has.n_on_link));
}

// RFC 4862 5.5.4: what is no longer valid is nobody's destination from now on, and nobody's source once the sweep was there.
void Stack::drop_lost(std::size_t interface, const Autoconfigured& has) noexcept {
  const std::span kept = std::span(has.addresses).first(has.n_addresses);
  const auto [first, end] = addresses_.autoconfigured(interface);
  for (std::uint16_t i = first; i < end; ++i) {
    const auto is_it = [&](const Autoconfigured::Address& each) { return each.address == addresses_[i].address; };
    if (addresses_.disabled(i) || std::any_of(kept.begin(), kept.end(), is_it)) continue;
    addresses_.disable(i);
    sweep_ = {.on = true};
    routers_at_ = std::min(routers_at_, env_.now);
  }
}

// Ends what is left of connections of lost addresses, some records a turn. Connections first: such a one may become a TIME_WAIT
// record meanwhile, and nothing becomes a connection, for no segment to the address gets that far.
void Stack::sweep_lost() noexcept {
  const auto lost = [this](const tcp::FlowId& flow) {
    return addresses_.is_autoconfigured(flow.local_addr) && addresses_.disabled(flow.local_addr);
  };
  std::uint32_t looks = kSweepLooks;
  std::uint32_t ends = kSweepEnds;
  // True: all were looked at.
  const auto go_on = [&](std::uint32_t& at, std::uint32_t count, auto&& is_one, auto&& end) {
    for (; at < count && looks != 0 && ends != 0; ++at, --looks) {
      if (!is_one(at)) continue;
      end(at);
      --ends;
    }
    return at >= count;
  };
  const auto is_armed = [](const auto& record) { return TimerWheelCore::is_armed(record.timer); };
  const bool done =
      go_on(sweep_.tcbs, slabs_.tcbs.high_water(),
            [&](std::uint32_t i) { return slabs_.tcbs[i].generation != 0 && lost(slabs_.tcbs[i].flow); },
            [&](std::uint32_t i) { abort_one(i, Errc::kAddressNotAvailable, true, false); }) &&
      go_on(sweep_.half_opens, slabs_.half_opens.high_water(),
            [&](std::uint32_t i) { return is_armed(slabs_.half_opens[i]) && lost(slabs_.half_opens[i].flow); },
            [&](std::uint32_t i) {
              ++counters_.mib.AttemptFails;
              ++stack_counters_.half_open_dropped;
              remove_half_open(Handle::make(Kind::kHalfOpen, i));
            }) &&
      go_on(sweep_.time_waits, slabs_.time_waits.high_water(),
            [&](std::uint32_t i) { return is_armed(slabs_.time_waits[i]) && lost(slabs_.time_waits[i].flow); },
            [&](std::uint32_t i) { remove_time_wait(Handle::make(Kind::kTimeWait, i)); });
  if (!done) return;
  sweep_ = {};
  for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
    const auto [first, end] = addresses_.autoconfigured(i);
    for (std::uint16_t k = first; k < end; ++k) {
      if (addresses_.disabled(k)) addresses_.release(k);
    }
    if (first != end) follow(i, Autoconfigured(autoconfigured_[i]));
  }
}

}  // namespace sluice::stack
