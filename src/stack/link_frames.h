// SPDX-License-Identifier: BSD-3-Clause
// Frames of ARP and neighbour discovery. Null without a buffer. Shard thread.
#pragma once

#include "base/buf_pool.h"
#include "stack/interface.h"
#include "wire/arp.h"
#include "wire/icmpv6.h"
#include "wire/mld.h"

namespace sluice::stack {

[[nodiscard]] Buf* arp_frame(const wire::ArpMessage& message, const wire::MacAddress& to, const InterfaceConfig& interface,
                             BufPool& bufs) noexcept;
[[nodiscard]] Buf* nd_frame(const wire::NeighborMessage& message, const wire::MacAddress& to, const IpAddress& src,
                            const IpAddress& dst, const InterfaceConfig& interface, BufPool& bufs) noexcept;
// To all routers.
[[nodiscard]] Buf* router_solicitation_frame(const IpAddress& src, const InterfaceConfig& interface, BufPool& bufs) noexcept;

// With the router alert that multicast listener discovery has.
[[nodiscard]] Buf* mld_report_frame(const wire::MldReport& report, const IpAddress& src, const IpAddress& dst,
                                    const InterfaceConfig& interface, BufPool& bufs) noexcept;
[[nodiscard]] Buf* mld_report_frame(const wire::MldReportOfGroup& report, const IpAddress& src, const IpAddress& group,
                                    const InterfaceConfig& interface, BufPool& bufs) noexcept;

}  // namespace sluice::stack
