// SPDX-License-Identifier: BSD-3-Clause
// Stateless address autoconfiguration: what the prefixes that routers advertise make of an interface, addresses of ours
// (RFC 4862 5.3 to 5.5, identifiers of RFC 7217) and what is on-link (RFC 4861 6.3.4). Decides on the one shard that speaks on an
// interface; the others take what it comes to, see Stack::follow(). A few places an interface, reserved at start; knows no frames.
// Shard thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "base/siphash.h"
#include "sluice/config.h"
#include "sluice/time.h"
#include "stack/interface.h"
#include "wire/bytes.h"
#include "wire/icmpv6.h"

namespace sluice::stack {

// Of RFC 5453's registry: identifiers that no host may take.
[[nodiscard]] bool is_reserved_identifier(std::uint64_t identifier) noexcept;
// RFC 7217 5: the first 64 bits of `prefix`, and an identifier that nobody tells without the key. `counter` is the DAD_Counter, and
// goes on past reserved ones.
[[nodiscard]] IpAddress stable_address(SipKey key, const IpAddress& prefix, const wire::MacAddress& mac, std::uint8_t& counter) noexcept;

class Slaac {
 public:
  // Identifiers tried for a prefix: one, and IDGEN_RETRIES of RFC 7217 6.
  static constexpr std::uint8_t kTries = 4;
  // RFC 4862 5.5.3 (e): nobody ends a valid lifetime faster.
  static constexpr Duration kTwoHours = Duration::seconds(7200);
  // What shards are told changes no more often, whatever is advertised.
  static constexpr Duration kQuiet = Duration::milliseconds(100);

  // `off`: on no interface (a capture).
  Slaac(const std::vector<InterfaceConfig>& interfaces, SipKey key, bool off);

  [[nodiscard]] bool wanted(std::size_t interface) const noexcept { return links_[interface].wanted; }
  [[nodiscard]] bool any_wanted() const noexcept;
  // This shard speaks on the interfaces whose bit is set: from now on it decides for those that want it. One without a
  // link-local address makes itself one (RFC 4862 5.3).
  void start(std::uint64_t speaks, Instant now) noexcept;
  [[nodiscard]] bool decides(std::size_t interface) const noexcept { return links_[interface].decides; }

  // --- where it decides ---
  // A router was heard, whatever it said.
  void heard_router(std::size_t interface) noexcept { links_[interface].heard_router = true; }
  [[nodiscard]] bool lacks_router(std::size_t interface) const noexcept {
    return links_[interface].decides && !links_[interface].heard_router;
  }
  // One of its prefixes. False: there was no room for it.
  bool hear(std::size_t interface, const wire::PrefixInformation& info, Instant now, Rng& rng) noexcept;

  enum class Conflict : std::uint8_t {
    kNone,     // `target` is not being tried here
    kNext,     // another identifier will be
    kGivenUp,  // no address for this prefix
  };
  // Another station has, or wants, `target` (RFC 4862 5.4.3, 5.4.4).
  Conflict conflict(std::size_t interface, const IpAddress& target, Instant now) noexcept;

  // Calls each(address) for those that are being tried, or are about to be.
  template <typename Each>
  void for_each_tried(std::size_t interface, Each&& each) const noexcept {
    for (const Entry& entry : links_[interface].entries) {
      if (entry.state == State::kWaiting || entry.state == State::kTentative) each(entry.address);
    }
  }

  // Calls probe(interface, address) where an address is to be asked for. Returns a bit for each interface whose has() changed.
  template <typename Probe>
  std::uint64_t on_timer(Instant now, Probe&& probe) noexcept {
    std::uint64_t changed = 0;
    next_check_ = Instant::never();
    for (std::size_t i = 0; i < links_.size(); ++i) {
      Link& link = links_[i];
      if (!link.decides) continue;
      for (Entry& entry : link.entries) {
        if (step(link, entry, now)) probe(i, entry.address);
      }
      if (settle(link, now)) changed |= std::uint64_t{1} << i;
    }
    return changed;
  }
  // When on_timer() has something to do.
  [[nodiscard]] Instant next_check() const noexcept { return next_check_; }
  [[nodiscard]] const Autoconfigured& has(std::size_t interface) const noexcept { return links_[interface].has; }

 private:
  enum class State : std::uint8_t {
    kFree,
    kWaiting,    // its probe leaves at `next`
    kTentative,  // unless somebody objects it is ours at `next`
    kOurs,
    kDuplicate,  // given up; kept, so that the next advertisement does not begin anew
  };
  struct Entry {
    IpAddress address;  // of the prefix that its first 64 bits are
    State state = State::kFree;
    std::uint8_t counter = 0;  // of stable_address()
    std::uint8_t tries = 0;
    Instant next{};
    Instant valid_until{}, preferred_until{};
  };
  struct OnLink {
    Autoconfigured::Prefix prefix;
    Instant until{};
  };
  struct Link {
    wire::MacAddress mac{};
    bool wanted = false, decides = false, dad = true, heard_router = false;
    bool has_link_local = false;  // a configured one
    std::array<Entry, Autoconfigured::kMostAddresses> entries;  // the first is the link-local one's
    std::array<OnLink, Autoconfigured::kMostPrefixes> on_link;  // those that are there, first
    std::size_t n_on_link = 0;
    Autoconfigured has;
    Instant quiet_until{};
  };

  [[nodiscard]] bool hear_on_link(Link& link, const wire::PrefixInformation& info, Instant now) noexcept;
  [[nodiscard]] bool hear_address(Link& link, const wire::PrefixInformation& info, Instant now, Rng& rng) noexcept;
  void begin(const Link& link, Entry& entry, const IpAddress& prefix, Instant at) noexcept;
  // True: its probe is to leave now.
  [[nodiscard]] bool step(const Link& link, Entry& entry, Instant now) noexcept;
  // True: has() changed.
  [[nodiscard]] bool settle(Link& link, Instant now) noexcept;
  void check_by(Instant at) noexcept {
    if (at < next_check_) next_check_ = at;
  }

  SipKey key_;
  std::vector<Link> links_;  // by interface
  Instant next_check_ = Instant::never();
};

}  // namespace sluice::stack
