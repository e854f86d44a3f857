// SPDX-License-Identifier: BSD-3-Clause
#include "support/impair/impaired_port.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "port/frame.h"

namespace sluice::test {

namespace {
constexpr std::uint32_t kFrameMax = kBufRoom - kBufHeadroom;
}  // namespace

ImpairedPort::ImpairedPort(port::Port& inner, BufSource& source, const Directions& impairments, std::uint64_t seed, std::uint32_t slots)
    : inner_(inner), pool_(source), capabilities_(inner.capabilities()), sent_(impairments.sent, seed, slots, kFrameMax),
      received_(impairments.received, seed + 1, slots, kFrameMax) {
  CHECK(capabilities_.queues == 1);
  capabilities_.rx_hash = capabilities_.rx_ip_csum = capabilities_.rx_tcp_csum = false;
}

std::size_t ImpairedPort::collect(Line& line, std::uint64_t& no_buffer, std::span<Buf*> out, Instant now) noexcept {
  std::size_t n = 0;
  Line::Leaving frame;
  while (n < out.size() && line.arrived(std::span(&frame, 1), now.ns) == 1) {
    if (Buf* buf = pool_.take(); buf != nullptr) {
      std::memcpy(buf->data, frame.data, frame.len);
      buf->len = frame.len;
      buf->port = index_;
      out[n++] = buf;
    } else {
      ++no_buffer;
    }
    line.done(frame);
  }
  return n;
}

void ImpairedPort::pass_on_sent(unsigned queue, Instant now) noexcept {
  std::array<Buf*, kBurst> frames;
  while (const std::size_t n = collect(sent_, own_.tx_dropped, frames, now)) {
    const std::size_t accepted = inner_.transmit(queue, std::span(frames).first(n), pool_, now);
    for (std::size_t i = 0; i < accepted; ++i) pool_.disown();
    for (std::size_t i = accepted; i < n; ++i) pool_.release(frames[i]);
    own_.tx_dropped += n - accepted;
  }
}

std::size_t ImpairedPort::receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept {
  std::array<Buf*, kBurst> frames;
  while (const std::size_t n = inner_.receive(queue, frames, now)) {
    for (Buf* buf : std::span(frames).first(n)) {
      CHECK((buf->flags & kRxVlan) == 0);  // the line carries bytes alone
      index_ = buf->port;
      received_.take({buf->data, buf->len}, now.ns);
      pool_.adopt(buf);
      pool_.release(buf);
    }
  }
  pass_on_sent(queue, now);
  const std::size_t n = collect(received_, own_.rx_no_buffer, out, now);
  for (Buf* buf : out.first(n)) {
    own_.rx_bytes += buf->len;
    pool_.disown();
  }
  own_.rx_frames += n;
  return n;
}

std::size_t ImpairedPort::transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept {
  for (Buf* frame : frames) {
    port::linearise(*frame, bytes_);
    sent_.take(bytes_, now.ns);
    own_.tx_bytes += bytes_.size();
    port::retire_frame(frame, pool);
  }
  own_.tx_frames += frames.size();
  pass_on_sent(queue, now);
  return frames.size();
}

PortStats ImpairedPort::stats() const {
  PortStats stats = inner_.stats();
  stats.rx_frames = own_.rx_frames;
  stats.rx_bytes = own_.rx_bytes;
  stats.tx_frames = own_.tx_frames;
  stats.tx_bytes = own_.tx_bytes;
  stats.rx_no_buffer += own_.rx_no_buffer;
  stats.tx_dropped += own_.tx_dropped;
  return stats;
}

}  // namespace sluice::test
