// SPDX-License-Identifier: BSD-3-Clause
// Connections that an attacker opens properly to be sent data without end, on a path of his own that is slow
// enough for the congestion window to matter. How he acknowledges what arrives is the attack.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "sim/siege.h"

namespace sluice::test {

class Receivers {
 public:
  static constexpr Duration kRoundTrip = Duration::milliseconds(50);

  struct One {
    Endpoint here, there;
    std::uint32_t nxt = 1000;                         // his next number
    std::uint32_t iss = 0, una = 0;                   // ours: the first one, and what he has in order
    std::uint32_t acked = 0;                          // of that, what he said; his answers' to use
    std::uint32_t top = 0;                            // one beyond the last that arrived
    std::map<std::uint32_t, std::uint32_t> ahead;     // beyond a gap: begin and length, both from iss on
    std::uint64_t arrived = 0;                        // bytes, in whatever order
    bool open = false, lost_one = false;
  };
  struct Plan {
    std::uint32_t number = 5;
    Duration round_trip = kRoundTrip;
    Duration foreseen{};                              // acknowledges everything so long after it was sent; 0: by answer()
    std::vector<std::uint8_t> syn_options;            // a multiple of four bytes
    std::uint32_t lose = 0;                           // the byte whose segment is lost once; 0: none
    // What he says when a segment has arrived. `from` is what he had in order before.
    std::function<void(Siege&, Receivers&, One&, std::uint32_t from)> answer;
  };

  explicit Receivers(Plan plan) : plan_(std::move(plan)) {}

  // The attack: one more connection a strike, and what has been a round trip on its way arrives.
  void tick(Siege& siege) {
    if (all_.size() < plan_.number) open_next(siege);
    while (!on_the_way_.empty() && on_the_way_.front().at <= siege.now()) {
      const Segment segment = on_the_way_.front();
      on_the_way_.pop_front();
      arrive(siege, all_[segment.to], segment);
    }
    while (!unseen_.empty() && unseen_.front().at <= siege.now()) {
      const Segment segment = unseen_.front();
      unseen_.pop_front();
      One& one = all_[segment.to];
      one.acked = std::max(one.acked, segment.seq + segment.len);
      ack(siege, one, one.acked);
    }
  }
  void hear(Siege& siege, const script::Heard& h) {
    const auto found = by_address_.find(h.dst);
    if (found == by_address_.end()) return;
    One& one = all_[found->second];
    if ((h.flags & script::SYN) != 0 && !one.open) {
      one.open = true;
      one.iss = h.seq + 1;
      ack(siege, one, 0);
    } else if (!h.data.empty()) {
      const Segment segment{siege.now() + plan_.round_trip, found->second, h.seq - one.iss, static_cast<std::uint32_t>(h.data.size())};
      on_the_way_.push_back(segment);
      if (plan_.foreseen.ns == 0) return;
      unseen_.push_back(segment);
      unseen_.back().at = siege.now() + plan_.foreseen;
    }
  }
  // Acknowledges `upto` bytes.
  void ack(Siege& siege, const One& one, std::uint32_t upto, std::vector<std::uint8_t> options = {}) {
    siege.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt, .ack = one.iss + upto, .options = std::move(options)});
  }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const One& one : all_) sum += one.una;
    return sum;
  }
  // The same, whether something before is missing or not.
  [[nodiscard]] std::uint64_t arrived() const {
    std::uint64_t sum = 0;
    for (const One& one : all_) sum += one.arrived;
    return sum;
  }
  [[nodiscard]] const std::vector<One>& all() const { return all_; }

 private:
  struct Segment {
    Instant at;
    std::uint32_t to, seq, len;
  };
  void open_next(Siege& siege) {
    const auto n = static_cast<std::uint32_t>(all_.size());
    all_.push_back({.here = {siege.stranger(n), 9000}, .there = {siege.victim_address(), Siege::kSource}, .ahead = {}});
    const One& one = all_.back();
    by_address_[one.here.address] = n;
    siege.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt - 1, .flags = tcp::kSyn, .options = plan_.syn_options});
  }
  void arrive(Siege& siege, One& one, const Segment& segment) {
    if (!one.lost_one && plan_.lose != 0 && segment.seq + segment.len > plan_.lose) {
      one.lost_one = true;
      return;
    }
    const std::uint32_t from = one.una;
    one.arrived += segment.len;
    one.top = std::max(one.top, segment.seq + segment.len);
    one.ahead[segment.seq] = std::max(one.ahead[segment.seq], segment.len);
    while (!one.ahead.empty() && one.ahead.begin()->first <= one.una) {
      one.una = std::max(one.una, one.ahead.begin()->first + one.ahead.begin()->second);
      one.ahead.erase(one.ahead.begin());
    }
    if (plan_.foreseen.ns == 0) plan_.answer(siege, *this, one, from);
  }

  Plan plan_;
  std::vector<One> all_;
  std::map<IpAddress, std::uint32_t> by_address_;
  std::deque<Segment> on_the_way_, unseen_;
};

}  // namespace sluice::test
