// SPDX-License-Identifier: BSD-3-Clause
// The public Connection and Buffer over the stack: every call checks its handle first.
#include "sluice/connection.h"

#include "stack/stack.h"

namespace sluice {

namespace {
tcp::Tcb* find(stack::Stack* stack, std::uint32_t id, std::uint16_t generation) noexcept {
  return stack == nullptr ? nullptr : stack->tcb(id, generation);
}
}  // namespace

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    if (buf_ != nullptr) stack_->bufs().release(buf_);
    buf_ = std::exchange(other.buf_, nullptr);
    stack_ = other.stack_;
  }
  return *this;
}

Buffer::~Buffer() {
  if (buf_ != nullptr) stack_->bufs().release(buf_);
}

std::span<const std::byte> Buffer::bytes() const noexcept {
  if (buf_ == nullptr) return {};
  return {reinterpret_cast<const std::byte*>(buf_->data), buf_->len};
}

bool Connection::valid() const noexcept { return find(stack_, id_, generation_) != nullptr; }

std::size_t Connection::send(std::span<const std::byte> bytes) {
  tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr || !tcp::can_send(*tcb)) return 0;
  const std::size_t taken =
      tcp::send(*tcb, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, stack_->env());
  if (taken < bytes.size()) tcb->flags |= tcp::kWantWritable;
  stack_->after_call(*tcb);
  return taken;
}

bool Connection::send(Buffer& buffer) {
  tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr || buffer.buf_ == nullptr || !tcp::can_send(*tcb)) return false;
  const bool taken = tcp::send(*tcb, buffer.buf_, stack_->env());
  if (taken) {
    buffer.buf_ = nullptr;
  } else {
    tcb->flags |= tcp::kWantWritable;
  }
  stack_->after_call(*tcb);
  return taken;
}

std::size_t Connection::send_room() const noexcept {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr || !tcp::can_send(*tcb)) return 0;
  return tcp::send_room(*tcb, stack_->env());
}

Buffer Connection::receive(std::size_t max) {
  tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr || max == 0) return {};
  Buffer buffer(tcp::receive(*tcb, max, stack_->env()), stack_);
  stack_->after_call(*tcb);
  return buffer;
}

std::size_t Connection::receive(std::span<std::byte> out, bool peek) {
  tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr) return 0;
  const std::size_t n =
      tcp::receive(*tcb, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}, peek, stack_->env());
  if (!peek) stack_->after_call(*tcb);
  return n;
}

std::size_t Connection::readable() const noexcept {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  return tcb == nullptr ? 0 : tcb->rcv_queued;
}

bool Connection::eof() const noexcept {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  return tcb != nullptr && tcp::at_eof(*tcb);
}

void Connection::shutdown_write() {
  if (tcp::Tcb* tcb = find(stack_, id_, generation_); tcb != nullptr) {
    tcp::shutdown_write(*tcb, stack_->env());
    stack_->after_call(*tcb);
  }
}

void Connection::shutdown_read() {
  if (tcp::Tcb* tcb = find(stack_, id_, generation_); tcb != nullptr) {
    tcp::shutdown_read(*tcb, stack_->env());
    stack_->after_call(*tcb);
  }
}

void Connection::close() {
  if (tcp::Tcb* tcb = find(stack_, id_, generation_); tcb != nullptr) {
    tcp::close(*tcb, stack_->env());
    stack_->after_call(*tcb);
  }
}

void Connection::abort() {
  if (tcp::Tcb* tcb = find(stack_, id_, generation_); tcb != nullptr) {
    tcb->flags |= tcp::kAppClosed;
    tcp::abort(*tcb, Errc::kConnectionAborted, stack_->env());
    stack_->after_call(*tcb);
  }
}

Result<void> Connection::set(Option option, std::int64_t value) {
  tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr) return Error{Errc::kBadHandle, "the connection is gone"};
  return stack_->set_option(*tcb, option, value);
}

Result<std::int64_t> Connection::get(Option option) const {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  if (tcb == nullptr) return Error{Errc::kBadHandle, "the connection is gone"};
  return stack_->get_option(*tcb, option);
}

ConnectionInfo Connection::info() const {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  return tcb == nullptr ? ConnectionInfo{} : stack_->info(*tcb);
}

State Connection::state() const noexcept {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  return tcb == nullptr ? State::kClosed : tcb->state;
}

void* Connection::context() const noexcept {
  const tcp::Tcb* tcb = find(stack_, id_, generation_);
  return tcb == nullptr ? nullptr : tcb->context;
}

void Connection::set_context(void* context) noexcept {
  if (tcp::Tcb* tcb = find(stack_, id_, generation_); tcb != nullptr) tcb->context = context;
}

}  // namespace sluice
