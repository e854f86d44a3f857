// SPDX-License-Identifier: BSD-3-Clause
// Frames by hand, for what is not a well-formed TCP segment of one of the peers.
#pragma once

#include <cstdint>
#include <span>

#include "script/heard.h"
#include "wire/bytes.h"

namespace sluice::script {

struct Addresses {
  wire::MacAddress src_mac{}, dst_mac{};
  IpAddress src, dst;
};

// Ethernet and IP around `payload`.
[[nodiscard]] Frame ip_frame(const Addresses& addresses, std::uint8_t protocol, std::span<const std::uint8_t> payload,
                             std::uint8_t ttl = 64);
[[nodiscard]] Frame icmp_frame(const Addresses& addresses, std::uint8_t type, std::uint8_t code,
                               std::span<const std::uint8_t> body, std::uint32_t rest = 0);
[[nodiscard]] Frame arp_frame(const Addresses& addresses, std::uint16_t operation);
// A neighbour solicitation of `target`, or an advertisement; from :: without the option for its Ethernet address.
[[nodiscard]] Frame neighbour_frame(const Addresses& addresses, bool solicitation, const IpAddress& target,
                                    std::uint8_t hop_limit = 255);
// `extra` put in at `offset`; lengths and checksums of IP and TCP made right again for a TCP frame whose IP
// header then has `more_ihl` bytes more (IPv4), or that many bytes of extension headers (IPv6).
[[nodiscard]] Frame with_ipv4_options(const Frame& frame, std::span<const std::uint8_t> options);
[[nodiscard]] Frame with_ipv6_extension(const Frame& frame, std::uint8_t kind, std::span<const std::uint8_t> header);

// Bytes [from, to) of what follows the IP header of `frame`, as a fragment. Without `last` more follow.
struct Cut {
  std::size_t from, to;
  bool last = false;
  std::uint32_t id = 7;
};
[[nodiscard]] Frame fragment_of(const Frame& frame, const Cut& cut);

}  // namespace sluice::script
