// SPDX-License-Identifier: BSD-3-Clause
#include "wire/frame.h"

namespace sluice::wire {

std::size_t write_frame_head(std::uint8_t* out, const FrameHead& head, std::uint16_t payload_len) noexcept {
  std::uint8_t* p = out;
  std::memcpy(p, head.dst_mac, 6);
  std::memcpy(p + 6, head.src_mac, 6);
  p += 12;
  if (head.vlan != 0) [[unlikely]] {
    store_be16(p, kEtherTypeVlan);
    store_be16(p + 2, head.vlan);
    p += kVlanTag;
  }
  const bool v4 = head.dst->is_v4();
  store_be16(p, v4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
  p += 2;
  if (v4) {
    p += Ipv4Header{.src = *head.src, .dst = *head.dst, .payload_len = payload_len, .id = head.ip_id,
                    .dont_fragment = head.dont_fragment, .tos = head.tos, .ttl = head.ttl, .protocol = head.protocol}
             .write(p, head.ip_checksum);
  } else {
    p += Ipv6Header{.src = *head.src, .dst = *head.dst, .payload_len = payload_len, .flow_label = head.flow_label,
                    .traffic_class = head.tos, .hop_limit = head.ttl, .next_header = head.protocol}
             .write(p);
  }
  return static_cast<std::size_t>(p - out);
}

}  // namespace sluice::wire
