// SPDX-License-Identifier: BSD-3-Clause
#include "stack/link_frames.h"

#include "wire/ethernet.h"
#include "wire/frame.h"

namespace sluice::stack {

Buf* arp_frame(const wire::ArpMessage& message, const wire::MacAddress& to, const InterfaceConfig& interface,
               BufPool& bufs) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) return nullptr;
  const wire::EthernetHeader ethernet{to, interface.mac, interface.vlan, wire::kEtherTypeArp};
  frame->len = static_cast<std::uint32_t>(ethernet.write(frame->data));
  frame->len += static_cast<std::uint32_t>(message.write(frame->end()));
  frame->len_total = frame->len;
  return frame;
}

namespace {

// `alert`: behind a router alert, and for the next station only (RFC 3810 5).
template <typename Message>
Buf* icmpv6_frame(const Message& message, const wire::MacAddress& to, const IpAddress& src, const IpAddress& dst,
                  const InterfaceConfig& interface, BufPool& bufs, bool alert = false) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) return nullptr;
  wire::FrameHead head{};
  head.dst_mac = to.data();
  head.src_mac = interface.mac.data();
  head.src = &src;
  head.dst = &dst;
  head.vlan = interface.vlan;
  head.protocol = alert ? wire::kProtoHopByHop : wire::kProtoIcmpv6;
  head.ttl = alert ? wire::kMldHopLimit : wire::kNdHopLimit;
  const std::size_t len = message.size() + (alert ? wire::kRouterAlertHeader : 0);
  frame->len = static_cast<std::uint32_t>(wire::write_frame_head(frame->data, head, static_cast<std::uint16_t>(len)));
  if (alert) frame->len += static_cast<std::uint32_t>(wire::write_router_alert(frame->end()));
  frame->len += static_cast<std::uint32_t>(message.write(frame->end(), src, dst));
  frame->len_total = frame->len;
  return frame;
}

}  // namespace

Buf* nd_frame(const wire::NeighborMessage& message, const wire::MacAddress& to, const IpAddress& src,
              const IpAddress& dst, const InterfaceConfig& interface, BufPool& bufs) noexcept {
  return icmpv6_frame(message, to, src, dst, interface, bufs);
}

Buf* router_solicitation_frame(const IpAddress& src, const InterfaceConfig& interface, BufPool& bufs) noexcept {
  static constexpr IpAddress kAllRouters{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
  return icmpv6_frame(wire::RouterSolicitation{interface.mac}, wire::ipv6_multicast_mac(kAllRouters), src, kAllRouters, interface,
                      bufs);
}

Buf* mld_report_frame(const wire::MldReport& report, const IpAddress& src, const IpAddress& dst, const InterfaceConfig& interface,
                      BufPool& bufs) noexcept {
  return icmpv6_frame(report, wire::ipv6_multicast_mac(dst), src, dst, interface, bufs, true);
}

Buf* mld_report_frame(const wire::MldReportOfGroup& report, const IpAddress& src, const IpAddress& group,
                      const InterfaceConfig& interface, BufPool& bufs) noexcept {
  return icmpv6_frame(report, wire::ipv6_multicast_mac(group), src, group, interface, bufs, true);
}

}  // namespace sluice::stack
