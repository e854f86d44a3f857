// SPDX-License-Identifier: BSD-3-Clause
#include "port/memory_port.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/poison.h"
#include "port/frame.h"

namespace sluice::port {

struct MemoryBufSource::Slot {
  Buf buf;
  std::uint8_t room[kBufRoom];
};

MemoryBufSource::MemoryBufSource(std::size_t budget) : budget_(budget), slots_(new Slot[budget]) {
  free_.reserve(budget);
  for (std::size_t i = budget; i-- > 0;) {
    Slot& slot = slots_[i];
    slot.buf = Buf{};
    slot.buf.room = slot.room;
    slot.buf.room_len = kBufRoom;
    poison(slot.room, kBufRoom);
    free_.push_back(&slot.buf);
  }
}

MemoryBufSource::~MemoryBufSource() {
  CHECK(free_.size() == budget_);
  for (std::size_t i = 0; i < budget_; ++i) unpoison(slots_[i].room, kBufRoom);
}

std::size_t MemoryBufSource::take(std::span<Buf*> out) noexcept {
  const std::size_t n = std::min(out.size(), free_.size());
  for (std::size_t i = 0; i < n; ++i) {
    Buf* buf = free_.back();
    free_.pop_back();
    unpoison(buf->room, buf->room_len);
    buf->next = nullptr;
    buf->flags = 0;
    buf->n_fragments = 0;
    out[i] = buf;
  }
  return n;
}

void MemoryBufSource::give(std::span<Buf* const> bufs) noexcept {
  CHECK(free_.size() + bufs.size() <= budget_);
  for (Buf* buf : bufs) {
    DCHECK(buf->refs == 0);
    poison(buf->room, buf->room_len);
    free_.push_back(buf);
  }
}

MemoryPort::MemoryPort(BufSource& source, MemoryPortOptions options)
    : source_(source), options_(std::move(options)), arrivals_(options_.capabilities.queues) {
  stats_.name = options_.name;
  stats_.device = "memory";
  stats_.link_up = true;
}

void MemoryPort::inject(std::span<const std::uint8_t> bytes, Instant at, unsigned queue) {
  CHECK(queue < arrivals_.size());
  if (bytes.size() > kBufRoom - kBufHeadroom) {
    ++stats_.rx_missed;
    return;
  }
  Arrival arrival{{}, at};
  if (!spare_.empty()) {
    arrival.bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  arrival.bytes.assign(bytes.begin(), bytes.end());
  auto& line = arrivals_[queue];
  auto place = line.end();
  while (place != line.begin() && at < std::prev(place)->at) --place;
  line.insert(place, std::move(arrival));
}

Instant MemoryPort::next_arrival() const noexcept {
  Instant next = Instant::never();
  for (const auto& line : arrivals_) {
    if (!line.empty()) next = std::min(next, line.front().at);
  }
  return next;
}

std::optional<SentFrame> MemoryPort::take_sent() {
  if (sent_.empty()) return std::nullopt;
  SentFrame frame = std::move(sent_.front());
  sent_.pop_front();
  return frame;
}

void MemoryPort::take_tag_off(Buf& buf) const noexcept {
  constexpr std::uint32_t kAddresses = 12;
  constexpr std::uint32_t kTag = 4;
  const std::uint8_t* tag = buf.data + kAddresses;
  if (buf.len < kAddresses + kTag || tag[0] != 0x81 || tag[1] != 0x00) return;
  buf.flags |= kRxVlan;
  buf.vlan_tci = static_cast<std::uint16_t>(tag[2] << 8U | tag[3]);
  std::memmove(buf.data + kTag, buf.data, kAddresses);
  buf.data += kTag;
  buf.len -= kTag;
}

std::size_t MemoryPort::receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept {
  auto& line = arrivals_[queue];
  std::size_t n = 0;
  while (n < out.size() && !line.empty() && line.front().at <= now) {
    Arrival arrival = std::move(line.front());
    line.pop_front();
    Buf* buf = nullptr;
    if (source_.take(std::span(&buf, 1)) == 1) {
      std::copy(arrival.bytes.begin(), arrival.bytes.end(), buf->room + kBufHeadroom);  // perhaps no byte at all
      buf->data = buf->room + kBufHeadroom;
      buf->len = static_cast<std::uint32_t>(arrival.bytes.size());
      buf->refs = 1;
      buf->port = options_.index;
      if (options_.strips_vlan) take_tag_off(*buf);
      out[n++] = buf;
      ++stats_.rx_frames;
      stats_.rx_bytes += buf->len;
    } else {
      ++stats_.rx_no_buffer;
    }
    spare_.push_back(std::move(arrival.bytes));
  }
  return n;
}

std::size_t MemoryPort::transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept {
  CHECK(queue < arrivals_.size());
  const std::size_t n = std::min(frames.size(), transmit_room_);
  if (transmit_room_ != SIZE_MAX) transmit_room_ -= n;
  for (Buf* frame : frames.first(n)) {
    DCHECK(frame->refs == 1);
    SentFrame sent{{}, now, queue};
    if (!spare_.empty()) {
      sent.bytes = std::move(spare_.back());
      spare_.pop_back();
    }
    linearise(*frame, sent.bytes);
    ++stats_.tx_frames;
    stats_.tx_bytes += sent.bytes.size();
    sent_.push_back(std::move(sent));
    retire_frame(frame, pool);
  }
  return n;
}

}  // namespace sluice::port
