// SPDX-License-Identifier: BSD-3-Clause
// When to report the multicast groups of an interface (RFC 3810 6): at most one report waits on each. Knows no frames. Shard thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sluice/config.h"
#include "sluice/time.h"

namespace sluice::stack {

class MldReports {
 public:
  // Whatever queriers ask for, and however many there are.
  static constexpr Duration kLeastPause = Duration::milliseconds(250);

  struct Report {
    Instant at = Instant::never();
    IpAddress group;      // unspecified: all of the interface
    bool joins = false;   // a change that nobody asked about
    bool v1 = false;      // for a querier that knows nothing else
  };

  explicit MldReports(std::size_t interfaces) : links_(interfaces) {}

  // One that waits already becomes both: what is said of all groups answers questions about each.
  void add(std::size_t interface, Report report) noexcept {
    Link& link = links_[interface];
    Report& waiting = link.waiting;
    report.at = std::max(report.at, link.not_before);
    if (waiting.at != Instant::never()) {
      if (waiting.group != report.group) report.group = IpAddress{};
      report.at = std::min(report.at, waiting.at);
      report.joins = report.joins || waiting.joins;
      report.v1 = report.v1 || waiting.v1;
    }
    waiting = report;
    next_check_ = std::min(next_check_, report.at);
  }
  // Calls send(interface, const Report&) for those that are due.
  template <typename Send>
  void on_timer(Instant now, Send&& send) noexcept {
    next_check_ = Instant::never();
    for (std::size_t i = 0; i < links_.size(); ++i) {
      Link& link = links_[i];
      if (link.waiting.at <= now) {
        send(i, link.waiting);
        link.waiting = Report{};
        link.not_before = now + kLeastPause;
      }
      next_check_ = std::min(next_check_, link.waiting.at);
    }
  }
  // When on_timer() has something to do.
  [[nodiscard]] Instant next_check() const noexcept { return next_check_; }

 private:
  struct Link {
    Report waiting;
    Instant not_before{};
  };
  std::vector<Link> links_;  // by interface
  Instant next_check_ = Instant::never();
};

}  // namespace sluice::stack
