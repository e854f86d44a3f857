// SPDX-License-Identifier: BSD-3-Clause
// A port without a device: tests, simulations and fuzzers feed it frames and read
// what was transmitted, on a clock of their own. With it comes a source of buffers
// in plain memory with a fixed budget. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "port/port.h"

namespace sluice::port {

// Owns `budget` buffers of kBufRoom bytes. Under AddressSanitizer the memory of
// those not handed out is poisoned. Its end checks that every buffer came back.
class MemoryBufSource final : public BufSource {
 public:
  explicit MemoryBufSource(std::size_t budget);
  ~MemoryBufSource() override;
  MemoryBufSource(const MemoryBufSource&) = delete;
  MemoryBufSource& operator=(const MemoryBufSource&) = delete;

  std::size_t take(std::span<Buf*> out) noexcept override;
  void give(std::span<Buf* const> bufs) noexcept override;

  [[nodiscard]] std::size_t budget() const noexcept { return budget_; }
  // Buffers that are with a pool, a stack or a port.
  [[nodiscard]] std::size_t outstanding() const noexcept { return budget_ - free_.size(); }

 private:
  struct Slot;
  std::size_t budget_;
  std::unique_ptr<Slot[]> slots_;
  std::vector<Buf*> free_;
};

// A frame that the port transmitted, in one piece, checksums as a device would
// have filled them in.
struct SentFrame {
  std::vector<std::uint8_t> bytes;
  Instant at;
  unsigned queue = 0;
};

struct MemoryPortOptions {
  std::string name = "memory";
  std::uint8_t index = 0;  // Buf::port of what it receives
  MacAddress mac = {0x02, 0, 0, 0, 0, 0x01};
  Capabilities capabilities;
  bool strips_vlan = false;  // takes 802.1Q tags off what it receives, as a device may (kRxVlan)
};

class MemoryPort final : public Port {
 public:
  // `source` must outlive the port; received frames get their buffers there.
  explicit MemoryPort(BufSource& source, MemoryPortOptions options = {});

  // The frame arrives at `at` (frames of one instant keep their order). Frames too long
  // for a buffer are counted as missed.
  void inject(std::span<const std::uint8_t> bytes, Instant at, unsigned queue = 0);
  // When the next injected frame arrives on any queue; Instant::never() if none waits.
  [[nodiscard]] Instant next_arrival() const noexcept;
  // The oldest transmitted frame not yet taken.
  std::optional<SentFrame> take_sent();
  [[nodiscard]] std::size_t sent_waiting() const noexcept { return sent_.size(); }
  // From now on accepts `frames` more frames, then none, as a device whose ring is full.
  void set_transmit_room(std::size_t frames) noexcept { transmit_room_ = frames; }
  void set_link(bool up) noexcept { stats_.link_up = up; }

  std::size_t receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept override;
  std::size_t transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept override;
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return options_.capabilities; }
  [[nodiscard]] MacAddress mac() const noexcept override { return options_.mac; }
  [[nodiscard]] const std::string& name() const noexcept override { return options_.name; }
  [[nodiscard]] PortStats stats() const override { return stats_; }

 private:
  struct Arrival {
    std::vector<std::uint8_t> bytes;
    Instant at;
  };
  void take_tag_off(Buf& buf) const noexcept;
  BufSource& source_;
  MemoryPortOptions options_;
  std::vector<std::deque<Arrival>> arrivals_;  // one a queue, by instant
  std::deque<SentFrame> sent_;
  std::vector<std::vector<std::uint8_t>> spare_;  // emptied vectors, so that long runs do not allocate
  std::size_t transmit_room_ = SIZE_MAX;
  PortStats stats_;
};

}  // namespace sluice::port
