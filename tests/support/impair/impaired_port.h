// SPDX-License-Identifier: BSD-3-Clause
// A port behind a bad wire: decorates another one, and does to the frames of either direction what the impair program
// does to those between two interfaces, with the same Line, in the time of its callers. One queue, one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "port/port.h"
#include "support/impair/line.h"

namespace sluice::test {

class ImpairedPort final : public port::Port {
 public:
  struct Directions {
    Impairment sent, received;
  };

  // `inner` and `source`, which has the buffers of what `inner` receives, outlive it. `slots`: frames under way in each
  // direction. For the same seed frames sent fare as impair's from A to B, frames received as those from B to A.
  ImpairedPort(port::Port& inner, BufSource& source, const Directions& impairments, std::uint64_t seed, std::uint32_t slots = 1024);

  // When the next frame under way arrives, on either side; never() if none is. Only receive() and transmit() move them on.
  [[nodiscard]] Instant next() const noexcept { return Instant{std::min(sent_.next_ns(), received_.next_ns())}; }
  [[nodiscard]] const Line& sent() const noexcept { return sent_; }
  [[nodiscard]] const Line& received() const noexcept { return received_; }

  std::size_t receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept override;
  // Takes everything. What the inner port refuses later is lost, and counted (tx_dropped).
  std::size_t transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept override;
  // The inner port's, without what it may find out about a frame before the wire spoils it.
  [[nodiscard]] const port::Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] port::MacAddress mac() const noexcept override { return inner_.mac(); }
  [[nodiscard]] const std::string& name() const noexcept override { return inner_.name(); }
  // Frames and bytes are those that its user received and sent; the rest is the inner port's together with its own.
  [[nodiscard]] PortStats stats() const override;

 private:
  static constexpr std::size_t kBurst = 32;

  // Fills `out` with what has arrived on the line, in buffers on the pool's account; how many there are.
  std::size_t collect(Line& line, std::uint64_t& no_buffer, std::span<Buf*> out, Instant now) noexcept;
  void pass_on_sent(unsigned queue, Instant now) noexcept;

  port::Port& inner_;
  BufPool pool_;
  port::Capabilities capabilities_;
  Line sent_, received_;
  std::uint8_t index_ = 0;           // Buf::port of what the inner port receives
  std::vector<std::uint8_t> bytes_;  // a frame to send, in one piece
  PortStats own_;
};

}  // namespace sluice::test
