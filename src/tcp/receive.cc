// SPDX-License-Identifier: BSD-3-Clause
// RECEIVE (RFC 9293 3.10.3): whole buffers as they came, or copies.
#include <algorithm>
#include <cstring>

#include "tcp/internal.h"

namespace sluice::tcp {

namespace {

// Takes `bytes` off the front of the queue's first buffer.
void consume(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept {
  Buf* head = tcb.rcv_head;
  tcb.rcv_queued -= bytes;
  if (bytes < head->len) {
    head->data += bytes;
    head->len -= bytes;
    head->seq += bytes;
    return;
  }
  tcb.rcv_head = head->next;
  if (tcb.rcv_head == nullptr) tcb.rcv_tail = nullptr;
  env.bufs.release(head);
}

bool still_receives(State state) noexcept {
  return state == State::kEstablished || state == State::kFinWait1 || state == State::kFinWait2;
}

void tell_window(Tcb& tcb, Env& env) noexcept {
  if (still_receives(tcb.state) && window_update_due(tcb, env)) tcb.flags |= kAckNow;
}

}  // namespace

Buf* receive(Tcb& tcb, std::size_t max, Env& env) noexcept {
  Buf* head = tcb.rcv_head;
  if (head == nullptr || max == 0) return nullptr;
  if (head->len <= max) {
    env.bufs.retain(head);
    consume(tcb, head->len, env);
    head->next = nullptr;
    tell_window(tcb, env);
    return head;
  }
  Buf* part = env.bufs.take();
  if (part == nullptr) return nullptr;
  part->len = std::min(static_cast<std::uint32_t>(max), part->tailroom());
  part->seq = head->seq;
  std::memcpy(part->data, head->data, part->len);
  consume(tcb, part->len, env);
  tell_window(tcb, env);
  return part;
}

std::size_t receive(Tcb& tcb, std::span<std::uint8_t> out, bool peek, Env& env) noexcept {
  std::size_t copied = 0;
  if (peek) {
    for (const Buf* buf = tcb.rcv_head; buf != nullptr && copied < out.size(); buf = buf->next) {
      const std::size_t n = std::min<std::size_t>(buf->len, out.size() - copied);
      std::memcpy(out.data() + copied, buf->data, n);
      copied += n;
    }
    return copied;
  }
  while (tcb.rcv_head != nullptr && copied < out.size()) {
    const std::size_t n = std::min<std::size_t>(tcb.rcv_head->len, out.size() - copied);
    std::memcpy(out.data() + copied, tcb.rcv_head->data, n);
    consume(tcb, static_cast<std::uint32_t>(n), env);
    copied += n;
  }
  if (copied > 0) tell_window(tcb, env);
  return copied;
}

bool at_eof(const Tcb& tcb) noexcept { return (tcb.flags & kFinReceived) != 0 && tcb.rcv_queued == 0; }

}  // namespace sluice::tcp
