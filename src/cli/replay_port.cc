// SPDX-License-Identifier: BSD-3-Clause
#include "cli/replay_port.h"

#include <utility>

#include "port/frame.h"

namespace sluice::cli {

namespace {
// net_pcap returns nothing at the end of its file and where it lacks a buffer, and does
// not say which. Buffers of a whole turn come back between two calls, so a few attempts tell.
constexpr int kAttempts = 3;
}  // namespace

ReplayPort::ReplayPort(std::unique_ptr<port::DpdkPort> device, const port::CaptureSummary& capture,
                       port::MacAddress mac, port::PcapWriter& writer)
    : device_(std::move(device)), capture_(capture), mac_(mac), writer_(writer) {
  capabilities_.mtu = device_->capabilities().mtu;
  stats_.name = device_->name();
  stats_.link_up = true;
}

ReplayPort::~ReplayPort() = default;

void ReplayPort::fetch() noexcept {
  if (waiting_ != nullptr || fetched_ == capture_.frames || lost_) return;
  for (int i = 0; i < kAttempts; ++i) {
    if (device_->receive(0, std::span(&waiting_, 1), Instant{}) != 0) break;
  }
  if (waiting_ == nullptr) {
    lost_ = true;
    return;
  }
  ++fetched_;
  const std::int64_t us = device_->capture_time_us(waiting_).value_or(capture_.origin_us);
  waiting_at_ = Instant{(us - capture_.origin_us) * 1000};
}

Instant ReplayPort::next_arrival() noexcept {
  fetch();
  return waiting_ == nullptr ? Instant::never() : waiting_at_;
}

std::size_t ReplayPort::receive(unsigned, std::span<Buf*> out, Instant now) noexcept {
  std::size_t n = 0;
  while (n < out.size() && next_arrival() <= now && waiting_ != nullptr) {
    out[n] = std::exchange(waiting_, nullptr);
    ++stats_.rx_frames;
    stats_.rx_bytes += out[n]->len;
    ++n;
  }
  return n;
}

std::size_t ReplayPort::transmit(unsigned, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept {
  for (Buf* frame : frames) {
    if (!finished_) {
      port::linearise(*frame, scratch_);
      writer_.write(scratch_, now);
      if (on_sent_) on_sent_(scratch_, now);
      ++stats_.tx_frames;
      stats_.tx_bytes += scratch_.size();
    }
    port::retire_frame(frame, pool);
  }
  return frames.size();
}

}  // namespace sluice::cli
