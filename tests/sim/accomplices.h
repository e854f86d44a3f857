// SPDX-License-Identifier: BSD-3-Clause
// Connections that an attacker opens properly, from as many addresses as he likes, to misuse them.
#pragma once

#include <map>
#include <vector>

#include "sim/siege.h"

namespace sluice::test {

// What `number` of them may make a victim hold: a connection each, and what goes with one.
inline Held held_by(std::uint32_t number, std::size_t buffers, std::uint64_t out_of_order = 0) {
  return {.buffers = buffers, .connections = number, .sides = number, .maps = number, .out_of_order = out_of_order};
}

class Accomplices {
 public:
  struct One {
    Endpoint here, there;
    std::uint32_t nxt = 0;      // his next number
    std::uint32_t una = 0;      // ours that he has heard in order
    std::uint16_t wnd = 65535;  // what he announces
    bool open = false;
    bool reset = false;
  };

  // `number` of them to the victim's `port`, one a strike.
  Accomplices(std::uint32_t number, std::uint16_t port) : wanted_(number), port_(port) {}

  // Opens the next one; false when all were.
  bool open_next(Siege& siege) {
    if (all_.size() == wanted_) return false;
    One one;
    const auto n = static_cast<std::uint32_t>(all_.size());
    one.here = {siege.stranger(n), 9000};
    one.there = {siege.victim_address(), port_};
    one.nxt = 1000;
    by_address_[one.here.address] = n;
    all_.push_back(one);
    siege.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt - 1, .flags = tcp::kSyn, .wnd = one.wnd});
    return true;
  }
  // What the victim says to one of them; null when it is to nobody here. `wnd` is what the third ACK announces.
  One* hear(Siege& siege, const script::Heard& h, std::uint16_t wnd = 65535) {
    const auto found = by_address_.find(h.dst);
    if (found == by_address_.end()) return nullptr;
    One& one = all_[found->second];
    if ((h.flags & script::RST) != 0) one.reset = true;
    if ((h.flags & script::SYN) != 0 && !one.open) {
      one.open = true;
      one.wnd = wnd;
      one.una = h.seq + 1;
      say(siege, one);
    } else if (h.seq == one.una && one.wnd != 0) {
      one.una += static_cast<std::uint32_t>(h.data.size());
    }
    return &one;
  }
  void say(Siege& siege, const One& one) const {
    siege.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt, .ack = one.una, .wnd = one.wnd});
  }
  // Another one, once all are open, at random, acknowledges what he has heard, with a window of `wnd` bytes.
  void read_a_little(Siege& siege, std::uint16_t wnd) {
    if (open_next(siege)) return;
    One& one = all_[siege.rng().below(wanted_)];
    one.wnd = wnd;
    say(siege, one);
  }
  [[nodiscard]] std::vector<One>& all() { return all_; }
  [[nodiscard]] std::uint32_t resets(std::size_t from, std::size_t to) const {
    std::uint32_t n = 0;
    for (std::size_t i = from; i < to && i < all_.size(); ++i) n += all_[i].reset ? 1 : 0;
    return n;
  }

 private:
  std::uint32_t wanted_;
  std::uint16_t port_;
  std::vector<One> all_;
  std::map<IpAddress, std::uint32_t> by_address_;
};

}  // namespace sluice::test
