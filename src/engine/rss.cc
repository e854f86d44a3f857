// SPDX-License-Identifier: BSD-3-Clause
#include "engine/rss.h"

#include <array>
#include <cstring>

#include "wire/bytes.h"
#include "wire/ethernet.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

namespace sluice::engine {

unsigned FlowSteering::shard_of(const tcp::FlowId& flow, const IpAddress& local) const noexcept {
  if (shards_ == 1) return 0;
  std::array<std::uint8_t, port::Toeplitz::kTuple6> tuple{};
  const bool v4 = flow.remote.is_v4();
  const std::size_t n = v4 ? 4 : 16;
  std::memcpy(tuple.data(), flow.remote.bytes.data() + 16 - n, n);
  std::memcpy(tuple.data() + n, local.bytes.data() + 16 - n, n);
  wire::store_be16(tuple.data() + 2 * n, flow.remote_port);
  wire::store_be16(tuple.data() + 2 * n + 2, flow.local_port);
  return shard_of_hash(toeplitz_.hash(std::span(tuple).first(2 * n + 4)));
}

FlowSteering::Decision FlowSteering::classify_fragment(std::span<const std::uint8_t> addresses) const noexcept {
  return {Class::kFlow, shard_of_hash(toeplitz_.hash(addresses))};
}

FlowSteering::Decision FlowSteering::classify_quoted(Packet packet, bool v4) const noexcept {
  tcp::FlowId flow;
  IpAddress ours;
  std::span<const std::uint8_t> segment;
  if (v4) {
    const auto ip = wire::Ipv4View::parse(packet);
    if (!ip || ip->protocol() != wire::kProtoTcp || ip->fragment_offset() != 0) return {};
    flow.remote = ip->dst();
    ours = ip->src();
    segment = packet.subspan(ip->header_len());
  } else {
    const auto ip = wire::Ipv6View::parse(packet);
    if (!ip || ip->next_header() != wire::kProtoTcp) return {};
    flow.remote = ip->dst();
    ours = ip->src();
    segment = packet.subspan(wire::kIpv6Header);
  }
  if (segment.size() < 4) return {};
  flow.local_port = wire::load_be16(segment.data());
  flow.remote_port = wire::load_be16(&segment[2]);
  return {Class::kFlow, shard_of(flow, ours)};
}

FlowSteering::Decision FlowSteering::classify_v4(Packet packet, std::optional<unsigned> by_device) const noexcept {
  const auto ip = wire::Ipv4View::parse(packet);
  if (!ip) return {};
  if (ip->is_fragment()) return classify_fragment({ip->src_bytes(), 8});
  if (packet.size() < ip->header_len() + 4U) return {};
  const auto upper = packet.subspan(ip->header_len());
  if (ip->protocol() == wire::kProtoTcp) {
    if (by_device) return {Class::kFlow, *by_device};
    std::array<std::uint8_t, port::Toeplitz::kTuple4> tuple{};
    std::memcpy(tuple.data(), ip->src_bytes(), 8);
    std::memcpy(tuple.data() + 8, upper.data(), 4);
    return {Class::kFlow, shard_of_hash(toeplitz_.hash(tuple))};
  }
  if (ip->protocol() != wire::kProtoIcmpv4 || upper.size() < wire::kIcmpHeader) return {};
  const bool error = upper[0] == wire::kIcmpv4Unreachable || upper[0] == wire::kIcmpv4TimeExceeded ||
                     upper[0] == wire::kIcmpv4ParameterProblem;
  return error ? classify_quoted(upper.subspan(wire::kIcmpHeader), true) : Decision{};
}

FlowSteering::Decision FlowSteering::classify_v6(Packet packet, std::optional<unsigned> by_device) const noexcept {
  const auto ip = wire::Ipv6View::parse(packet);
  if (!ip || !ip->length_fits()) return {};
  std::uint8_t protocol = ip->next_header();
  std::size_t offset = wire::kIpv6Header;
  if (protocol != wire::kProtoTcp && protocol != wire::kProtoIcmpv6) {
    const wire::Ipv6Chain chain = wire::walk_ipv6_extensions(*ip);
    if (chain.result == wire::Ipv6ChainResult::kFragment) return classify_fragment({ip->src_bytes(), 32});
    if (chain.result != wire::Ipv6ChainResult::kUpperLayer) return {};
    protocol = chain.next_header;
    offset = chain.offset;
    by_device.reset();
  }
  const auto upper = packet.subspan(offset);
  if (upper.size() < 4) return {};
  if (protocol == wire::kProtoTcp) {
    if (by_device) return {Class::kFlow, *by_device};
    std::array<std::uint8_t, port::Toeplitz::kTuple6> tuple{};
    std::memcpy(tuple.data(), ip->src_bytes(), 32);
    std::memcpy(tuple.data() + 32, upper.data(), 4);
    return {Class::kFlow, shard_of_hash(toeplitz_.hash(tuple))};
  }
  if (protocol != wire::kProtoIcmpv6) return {};
  const std::uint8_t type = upper[0];
  if (type == wire::kIcmpv6NeighborSolicitation || type == wire::kIcmpv6NeighborAdvertisement ||
      type == wire::kIcmpv6RouterAdvertisement || type == wire::kMldQuery) {
    return {Class::kNeighbour, 0};
  }
  const bool error = type == wire::kIcmpv6Unreachable || type == wire::kIcmpv6PacketTooBig || type == wire::kIcmpv6TimeExceeded ||
                     type == wire::kIcmpv6ParameterProblem;
  if (!error || upper.size() < wire::kIcmpHeader) return {};
  return classify_quoted(upper.subspan(wire::kIcmpHeader), false);
}

FlowSteering::Decision FlowSteering::classify(std::span<const std::uint8_t> frame,
                                              std::optional<unsigned> by_device) const noexcept {
  const auto eth = wire::EthernetView::parse(frame);
  if (!eth) return {};
  const Packet l3 = frame.subspan(eth->header_len());
  switch (eth->ether_type()) {
    case wire::kEtherTypeArp: return {Class::kNeighbour, 0};
    case wire::kEtherTypeIpv4: return classify_v4(l3, by_device);
    case wire::kEtherTypeIpv6: return classify_v6(l3, by_device);
    default: return {};
  }
}

}  // namespace sluice::engine
