// SPDX-License-Identifier: BSD-3-Clause
// What the application gave us and the peer has not acknowledged: buffers in order
// of sequence, the first of which may begin with acknowledged bytes.
#include <cstring>

#include "base/check.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

// Payloads up to here are copied behind the last byte where there is room, so that a
// queue of tiny buffers takes memory by its bytes and a segment spans few of them.
constexpr std::uint32_t kCopyMax = 256;

// Room behind the last byte that is ours to write: only in buffers that this queue filled itself. A frame
// that is on its way reads the bytes before, never those behind.
std::uint32_t tail_room(const Tcb& tcb) noexcept {
  const Buf* tail = tcb.snd_tail;
  return tail != nullptr && (tail->flags & kAppendable) != 0 ? tail->tailroom() : 0;
}

void copy_behind(Tcb& tcb, const std::uint8_t* bytes, std::uint32_t n) noexcept {
  Buf* tail = tcb.snd_tail;
  std::memcpy(tail->end(), bytes, n);
  tail->len += n;
  tcb.snd_queued += n;
}

void link_behind(Tcb& tcb, Buf* buf) noexcept {
  buf->next = nullptr;
  buf->seq = queue_end(tcb);
  (tcb.snd_tail == nullptr ? tcb.snd_head : tcb.snd_tail->next) = buf;
  tcb.snd_tail = buf;
}

}  // namespace

Place place_of(const Tcb& tcb, SeqNum seq) noexcept {
  Buf* buf = tcb.snd_cursor;
  if (buf == nullptr || seq.before(buf->seq)) buf = tcb.snd_head;
  return place_from(buf, seq);
}

Place place_from(Buf* buf, SeqNum seq) noexcept {
  while (seq - buf->seq >= buf->len) buf = buf->next;
  return {buf, seq - buf->seq};
}

std::size_t queue_copy(Tcb& tcb, std::span<const std::uint8_t> bytes, Env& env) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    std::uint32_t room = tail_room(tcb);
    if (room == 0) {
      if (env.bufs.scarce()) [[unlikely]] break;
      Buf* fresh = env.bufs.take();
      if (fresh == nullptr) break;
      fresh->flags |= kAppendable;
      link_behind(tcb, fresh);
      room = fresh->tailroom();
    }
    const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(room, bytes.size() - taken));
    copy_behind(tcb, bytes.data() + taken, n);
    taken += n;
  }
  return taken;
}

void queue_buf(Tcb& tcb, Buf* buf, Env& env) noexcept {
  DCHECK(buf->len > 0);
  if (buf->len <= kCopyMax && buf->len <= tail_room(tcb)) {
    copy_behind(tcb, buf->data, buf->len);
    env.bufs.release(buf);
    return;
  }
  link_behind(tcb, buf);
  tcb.snd_queued += buf->len;
}

void queue_acked(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept {
  tcb.snd_queued -= bytes;
  while (tcb.snd_head != nullptr && !(tcb.snd_head->seq + tcb.snd_head->len).after(tcb.snd_una)) {
    Buf* head = tcb.snd_head;
    tcb.snd_head = head->next;
    if (tcb.snd_cursor == head) tcb.snd_cursor = nullptr;
    env.bufs.release(head);
  }
  if (tcb.snd_head == nullptr) tcb.snd_tail = nullptr;
}

void queue_clear(Tcb& tcb, Env& env) noexcept {
  env.bufs.release_all(tcb.snd_head);
  tcb.snd_head = tcb.snd_tail = tcb.snd_cursor = nullptr;
  tcb.snd_queued = 0;
}

}  // namespace sluice::tcp
