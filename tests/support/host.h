// SPDX-License-Identifier: BSD-3-Clause
// One machine of a simulated network: a stack over plain memory, with one interface
// and no device. Frames go in and come out as byte strings.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "port/memory_port.h"
#include "sluice/listener.h"
#include "stack/stack.h"

namespace sluice::test {

struct HostConfig {
  std::vector<std::string> addresses = {"10.0.0.1/24", "fd00::1/64"};
  std::vector<std::string> sources;  // of `addresses`
  std::vector<std::string> gateways;
  bool router_advertisements = false;
  bool slaac = false;
  bool dad = true;
  wire::MacAddress mac = {0x02, 0, 0, 0, 0, 0x01};
  std::uint16_t mtu = 1500;
  std::uint16_t vlan = 0;
  std::size_t buffers = 16384;
  std::uint64_t seed = 1;
  stack::Offloads offloads{false, false, true};
  stack::StackConfig stack;  // interfaces, secrets and seed are filled in here
};

// What is left of any connection in a stack, record, timer or buffer; null: nothing.
[[nodiscard]] const char* leftover(stack::Stack& stack) noexcept;

class Host final : public Shard {
 public:
  explicit Host(const HostConfig& config);
  ~Host() override;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // The service outlives the host.
  void add_service(Service& service, const std::string& name = "test");
  // A frame arrives; answers wait in take_sent().
  void receive(std::span<const std::uint8_t> frame, Instant now);
  void advance(Instant now) { stack_.advance(now, 0); }
  // What was sent since the last call, each frame in one piece.
  [[nodiscard]] std::vector<std::vector<std::uint8_t>> take_sent();

  [[nodiscard]] stack::Stack& stack() noexcept { return stack_; }
  [[nodiscard]] const wire::MacAddress& mac() const noexcept { return mac_; }
  // Null while everything holds, frames and buffers balance included.
  [[nodiscard]] const char* broken_invariant() noexcept;
  [[nodiscard]] const char* leftover() noexcept { return test::leftover(stack_); }

  [[nodiscard]] unsigned index() const noexcept override { return 0; }
  [[nodiscard]] unsigned count() const noexcept override { return 1; }
  [[nodiscard]] Instant now() const noexcept override { return stack_.now(); }
  Result<ListenerId> listen(Service& service, Endpoint local, const SocketOptions& options,
                            std::uint32_t backlog) override {
    return stack_.listen(service, local, options, backlog);
  }
  Result<void> set_listener(ListenerId listener, Option option, std::int64_t value) override {
    return stack_.set_listener(listener, option, value);
  }
  [[nodiscard]] Result<std::int64_t> get_listener(ListenerId listener, Option option) const override {
    return stack_.get_listener(listener, option);
  }
  [[nodiscard]] Endpoint local(ListenerId listener) const override { return stack_.local(listener); }
  void close(ListenerId listener) override { stack_.close_listener(listener); }
  void hold(ListenerId listener, bool held) override { stack_.hold_listener(listener, held); }
  Result<Connection> connect(Service& service, Endpoint remote, Endpoint from, const SocketOptions& options) override {
    return stack_.connect(service, remote, from, options);
  }
  void reset_service(Service& service) override { stack_.reset_service(service); }
  void when_sent(std::function<void()> then) override { then(); }  // take_sent() has whatever there is
  bool post(unsigned, std::function<void(Shard&)> task) override {
    task(*this);
    return true;
  }

 private:
  port::MemoryBufSource source_;
  wire::MacAddress mac_;
  stack::Stack stack_;
  std::vector<std::vector<std::uint8_t>> overflow_;  // of a queue that filled up within one event
  void drain_queue(std::vector<std::vector<std::uint8_t>>& out);
};

}  // namespace sluice::test
