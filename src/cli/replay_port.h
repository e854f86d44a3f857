// SPDX-License-Identifier: BSD-3-Clause
// The port of a replay: frames come through DPDK's net_pcap and carry the capture's
// time; what is transmitted goes to a capture of its own with the virtual clock. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "port/dpdk/ethdev_port.h"
#include "port/pcap_port.h"
#include "port/port.h"

namespace sluice::cli {

class ReplayPort final : public port::Port {
 public:
  // `capture` was checked: its frames, no more and no fewer, will come out of `device`.
  ReplayPort(std::unique_ptr<port::DpdkPort> device, const port::CaptureSummary& capture, port::MacAddress mac,
             port::PcapWriter& writer);
  ~ReplayPort() override;
  ReplayPort(const ReplayPort&) = delete;
  ReplayPort& operator=(const ReplayPort&) = delete;

  // When the next frame arrives; Instant::never() after the last.
  [[nodiscard]] Instant next_arrival() noexcept;
  // net_pcap gave fewer frames than the capture holds: it had no buffer for one.
  [[nodiscard]] bool lost_frames() const noexcept { return lost_; }
  // Hears every frame that is transmitted.
  using Listener = std::function<void(std::span<const std::uint8_t> frame, Instant now)>;
  void on_sent(Listener listener) { on_sent_ = std::move(listener); }
  // From now on what is transmitted is dropped: the end of the engine is no part of the answers.
  void finish() noexcept { finished_ = true; }
  [[nodiscard]] std::uint64_t received() const noexcept { return stats_.rx_frames; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return stats_.tx_frames; }

  std::size_t receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept override;
  std::size_t transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept override;
  [[nodiscard]] const port::Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] port::MacAddress mac() const noexcept override { return mac_; }
  [[nodiscard]] const std::string& name() const noexcept override { return device_->name(); }
  [[nodiscard]] PortStats stats() const override { return stats_; }

 private:
  void fetch() noexcept;

  std::unique_ptr<port::DpdkPort> device_;
  port::CaptureSummary capture_;
  port::MacAddress mac_;
  port::PcapWriter& writer_;
  port::Capabilities capabilities_;
  Buf* waiting_ = nullptr;
  Instant waiting_at_{};
  std::uint64_t fetched_ = 0;
  bool lost_ = false;
  bool finished_ = false;
  std::vector<std::uint8_t> scratch_;
  Listener on_sent_;
  PortStats stats_;
};

}  // namespace sluice::cli
