// SPDX-License-Identifier: BSD-3-Clause
// What a port is: bursts of frames in and out of one device. Calls are virtual
// once a burst, never once a packet. Queue q of a port is for one thread; different
// queues are for different threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "base/buf.h"
#include "base/buf_pool.h"
#include "sluice/stats.h"
#include "sluice/time.h"

namespace sluice::port {

using MacAddress = std::array<std::uint8_t, 6>;

// What was negotiated with the device; constant after start.
struct Capabilities {
  std::uint16_t queues = 1;         // receive and transmit queues in use
  bool rss = false;                 // spreads flows over its queues with our Toeplitz key: frame -> queue
                                    // (hash % rss_entries) % queues
  std::uint16_t rss_entries = 128;  // of the device's indirection table
  bool rx_hash = false;             // frames carry the hash (kRxHash)
  bool rx_ip_csum = false, rx_tcp_csum = false;
  bool tx_ip_csum = false, tx_tcp_csum = false;
  bool multi_segment = true;  // takes fragments uncopied; else the port linearises
  std::uint16_t mtu = 1500;   // bytes of IP packet
};

class Port {
 public:
  virtual ~Port() = default;

  // Receives at most out.size() frames; each has refs == 1, data, len, port and flags set, n_fragments 0.
  // The caller owns them (BufPool::adopt). `now` is the instant of the burst.
  virtual std::size_t receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept = 0;
  // Takes frames from the front; returns how many the device accepted, those are the
  // port's from then on: the caller ends their share of the pool's account (BufPool::disown).
  // Fragments' owners lose the frame's reference through `pool`; those that a device may
  // still be reading are marked kLent. The rest stays the caller's, with
  // its fragments or, linearised, with their bytes behind its own (n_fragments is 0 then).
  virtual std::size_t transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept = 0;

  [[nodiscard]] virtual const Capabilities& capabilities() const noexcept = 0;
  [[nodiscard]] virtual MacAddress mac() const noexcept = 0;
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  // May ask the device; not for the packet path. Any thread.
  [[nodiscard]] virtual PortStats stats() const = 0;
};

}  // namespace sluice::port
