// SPDX-License-Identifier: BSD-3-Clause
#include "support/host.h"

#include <algorithm>
#include <utility>

#include "port/frame.h"

namespace sluice::test {

namespace {
stack::StackConfig complete(const HostConfig& config) {
  stack::StackConfig out = config.stack;
  stack::InterfaceConfig interface;
  interface.name = "test";
  interface.mac = config.mac;
  interface.mtu = config.mtu;
  interface.vlan = config.vlan;
  for (const auto& text : config.addresses) interface.addresses.push_back(InterfaceAddress::parse(text).value());
  for (const auto& text : config.sources) interface.sources.push_back(IpAddress::parse(text).value());
  for (const auto& text : config.gateways) interface.gateways.push_back(IpAddress::parse(text).value());
  interface.router_advertisements = config.router_advertisements;
  interface.slaac = config.slaac;
  interface.dad = config.dad;
  interface.offloads = config.offloads;
  if (out.buffers == 0) out.buffers = config.buffers;
  out.interfaces = {interface};
  Rng rng(config.seed);
  out.secrets.isn = {rng.next(), rng.next()};
  out.secrets.timestamps = {rng.next(), rng.next()};
  out.table_key = {rng.next(), rng.next()};
  out.seed = rng.next();
  out.secrets.cookies = {rng.next(), rng.next()};
  out.secrets.fast_open = {rng.next(), rng.next()};
  out.address_key = {rng.next(), rng.next()};
  return out;
}
}  // namespace

Host::Host(const HostConfig& config)
    : source_(config.buffers), mac_(config.mac), stack_(complete(config), source_) {
  stack_.on_tx_full([this](std::size_t) { drain_queue(overflow_); });
}

Host::~Host() {
  stack_.abort_all();
  (void)take_sent();
}

void Host::add_service(Service& service, const std::string& name) {
  stack_.add_service(service, name);
  service.on_start(*this);
}

void Host::receive(std::span<const std::uint8_t> frame, Instant now) {
  Buf* buf = nullptr;
  CHECK(frame.size() <= kBufRoom - kBufHeadroom);
  if (source_.take(std::span(&buf, 1)) == 0) return;  // as a device without descriptors
  buf->data = buf->room + kBufHeadroom;
  std::copy(frame.begin(), frame.end(), buf->data);  // perhaps no byte at all
  buf->len = static_cast<std::uint32_t>(frame.size());
  buf->refs = 1;
  stack_.bufs().adopt(buf);
  stack_.receive(0, std::span(&buf, 1), now);
}

void Host::drain_queue(std::vector<std::vector<std::uint8_t>>& out) {
  stack::TxQueue& queue = stack_.tx(0);
  for (std::size_t i = 0; i < queue.count; ++i) {
    std::vector<std::uint8_t> bytes;
    port::linearise(*queue.frames[i], bytes);
    out.push_back(std::move(bytes));
    port::retire_frame(queue.frames[i], stack_.bufs());
    stack_.bufs().disown();
  }
  queue.count = 0;
}

std::vector<std::vector<std::uint8_t>> Host::take_sent() {
  std::vector<std::vector<std::uint8_t>> out = std::exchange(overflow_, {});
  drain_queue(out);
  return out;
}

const char* Host::broken_invariant() noexcept { return stack_.broken_invariant(); }

const char* leftover(stack::Stack& stack) noexcept {
  if (stack.slabs().tcbs.used() != 0) return "a connection is left";
  if (stack.slabs().half_opens.used() != 0) return "a half-open connection is left";
  if (stack.slabs().time_waits.used() != 0) return "a TIME_WAIT record is left";
  if (stack.slabs().sides.used() != 0) return "a side block is left";
  if (stack.slabs().congestion.used() != 0) return "a congestion block is left";
  if (stack.slabs().models.used() != 0) return "a model is left";
  if (stack.slabs().maps.used() != 0 || stack.slabs().more_sends.used() != 0) return "a send map is left";
  if (stack.table().size() != 0) return "a table entry is left";
  if (stack.timers_armed() != 0) return "a timer is left";
  if (stack.bufs().in_use() != 0) return "a buffer is left";
  return nullptr;
}

}  // namespace sluice::test
