// SPDX-License-Identifier: BSD-3-Clause
// A DPDK device as a port. Frames received become Bufs without a copy; fragments of
// frames to transmit are attached as indirect mbufs where the device takes chains
// and copied where it does not. A queue is one thread's; the rest is control path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/frame.h"
#include "port/dpdk/buffers.h"
#include "port/port.h"
#include "port/toeplitz.h"
#include "sluice/config.h"
#include "sluice/error.h"

struct rte_mbuf;

namespace sluice::port {

struct DpdkPortOptions {
  std::uint8_t index = 0;  // Buf::port of what it receives
  unsigned shards = 1;     // queues wanted; a device that cannot spread flows gets one
  RssKey rss_key{};
  std::uint32_t copy_break = kCopyBreak;  // other values for measuring
};

class DpdkPort final : public Port {
 public:
  // Finds or makes the device, negotiates queues and offloads, starts it. `buffers`
  // must outlive the port. Errors name the port and its device: kNoDevice, kBusy,
  // kPermission, kInvalid (MTU, MAC, too few queues for rss = "hardware"), kIo.
  [[nodiscard]] static Result<std::unique_ptr<DpdkPort>> create(const PortConfig& config,
                                                                const DpdkPortOptions& options, DpdkBuffers& buffers);
  // Stops the device; removes a virtual one that create() made.
  ~DpdkPort() override;
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  std::size_t receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept override;
  std::size_t transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept override;
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] MacAddress mac() const noexcept override { return mac_; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] PortStats stats() const override;
  [[nodiscard]] bool link_up() const;

  // When net_pcap's capture says that a received frame arrived (us since 1970);
  // nothing for frames of other devices. The frame must be untouched since receive().
  [[nodiscard]] std::optional<std::int64_t> capture_time_us(Buf* frame) const noexcept;

 private:
  struct Setup;  // ethdev_setup.cc: steps of create()

  static constexpr std::size_t kBurst = 32;  // frames handed to the device at once
  struct alignas(64) Queue {
    // Written by the queue's thread, read by stats(): plain stores of whole words.
    std::atomic<std::uint64_t> rx_unusable{0};
    std::atomic<std::uint64_t> rx_no_buffer{0};
    std::atomic<std::uint64_t> tx_dropped{0};
    // Owners of the fragments of the burst in hand: the device may free the frames,
    // and the lists in them, before their owners are released.
    std::array<Buf*, kBurst * kMaxFragments> owners{};
  };

  DpdkPort() = default;
  Buf* adopt(Queue& queue, rte_mbuf* mbuf) noexcept;
  rte_mbuf* own_in_one_piece(Queue& queue, rte_mbuf* mbuf) noexcept;
  std::size_t transmit_burst(Queue& queue, unsigned index, std::span<Buf* const> frames, BufPool& pool) noexcept;
  bool prepare(Buf* frame, BufPool& pool) noexcept;
  bool attach_fragments(Buf* frame) noexcept;

  std::uint16_t id_ = 0;    // DPDK's
  std::uint8_t index_ = 0;  // ours
  bool tx_prepare_ = false;
  bool started_ = false;
  std::uint16_t max_segments_ = 1;
  std::uint32_t copy_break_ = kCopyBreak;
  std::uint64_t timestamp_flag_ = 0;
  int timestamp_offset_ = -1;
  DpdkBuffers* buffers_ = nullptr;
  std::vector<Queue> queues_;
  Capabilities capabilities_;
  MacAddress mac_{};
  MacAddress device_mac_{};   // before we set ours
  bool set_mac_ = false;      // the device took ours: give it back its own
  bool promiscuous_ = false;  // we switched it on
  std::string name_;
  std::string device_;
  std::string made_vdev_;  // name of the virtual device to remove at the end
  int claim_ = -1;         // socket by which other processes see that the interface is taken
};

}  // namespace sluice::port
