// SPDX-License-Identifier: BSD-3-Clause
// The default router list (RFC 4861 5.1): the IPv6 routers that made themselves known on interfaces without a configured
// gateway, and which of them to use. A few places an interface, reserved at start; knows no frames. Shard thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sluice/config.h"
#include "sluice/time.h"
#include "stack/interface.h"

namespace sluice::stack {

class Routers {
 public:
  // Of one interface; RFC 4861 6.3.4 wants two at least.
  static constexpr std::size_t kMost = 4;

  // `off`: nobody is believed (a capture, whose next hops are learned otherwise).
  Routers(const std::vector<InterfaceConfig>& interfaces, bool off);

  // Whether advertisements on the interface are believed: asked for, an IPv6 address there or to come, no IPv6 gateway configured.
  [[nodiscard]] bool wanted(std::size_t interface) const noexcept { return links_[interface].wanted; }
  [[nodiscard]] bool any_wanted() const noexcept;

  // An advertisement. Lifetime 0 takes the router off the list. When there is no room the least preferred one gives way, but
  // not to an equal. False: no room.
  bool hear(std::size_t interface, const IpAddress& router, std::uint16_t lifetime_s, int preference, Instant now) noexcept;
  // It says that it is a router no longer (RFC 4861 7.2.5).
  void forget(std::size_t interface, const IpAddress& router) noexcept;
  // It does not answer neighbour solicitations: others go first until it is heard of again.
  void fail(std::size_t interface, const IpAddress& router) noexcept;
  // Takes those off the list whose lifetime is over.
  void expire(Instant now) noexcept;

  // Null: none. RFC 4861 6.3.6, RFC 4191 3.2: one that answers before one that does not, then by preference, then who
  // was heard of first; where none answers they take turns.
  [[nodiscard]] const IpAddress* best(std::size_t interface) const noexcept;
  [[nodiscard]] std::size_t known() const noexcept;
  // When expire() has something to do.
  [[nodiscard]] Instant next_check() const noexcept { return next_check_; }

 private:
  struct Router {
    IpAddress address;
    Instant expires{};
    std::int8_t preference = 0;
    bool failed = false;

    [[nodiscard]] bool before(const Router& other) const noexcept {
      return failed != other.failed ? !failed : preference > other.preference;
    }
  };
  // In the order in which they were heard of, those that failed last.
  struct Link {
    std::array<Router, kMost> routers;
    std::size_t count = 0;
    bool wanted = false;

    [[nodiscard]] std::size_t find(const IpAddress& address) const noexcept;
    void remove(std::size_t i) noexcept;
  };
  void schedule() noexcept;

  std::vector<Link> links_;  // by interface
  Instant next_check_ = Instant::never();
};

}  // namespace sluice::stack
