// SPDX-License-Identifier: BSD-3-Clause
// Multicast listener discovery (RFC 3810, RFC 2710): switches that forward groups only to who listens hear that we listen to the
// solicited-node groups of our addresses (RFC 4861 7.2.1). At start, or before an address that comes later is tried, twice, and when a
// querier asks.
// Deviation: each query is answered by its own version; that an older querier is about is not remembered (RFC 3810 8.2.1). Pinned by
// AQueryOfVersion1IsAnsweredByIt. Groups of addresses that are given up are not taken back: queriers forget them.
#include <algorithm>
#include <array>

#include "stack/link_frames.h"
#include "stack/stack.h"
#include "wire/mld.h"

namespace sluice::stack {

using tcp::Verdict;

namespace {
constexpr std::uint32_t kUnsolicitedMs = 1000;  // RFC 3810 9.11
constexpr Duration kTried = Duration::seconds(1);  // an address is tried for so long
constexpr IpAddress kAllMldRouters{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16}};
// Of a report that every path takes.
constexpr std::size_t kMostRecords = (1280 - wire::kIpv6Header - wire::kRouterAlertHeader - wire::kIcmpHeader) / wire::kMldRecord;
}  // namespace

// RFC 4862 5.4.2: before the addresses are tried for duplicates; again when they have been, by RFC 3590 from a link-local one then.
void Stack::start_mld(Instant tried) noexcept {
  for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
    if ((speaks_ >> i & 1U) == 0 || !has_group(i, IpAddress{})) continue;
    const MldReports::Report report{tried + Duration::milliseconds(rng_.below(kUnsolicitedMs)), IpAddress{}, true, false};
    send_mld_reports(i, report);
    mld_reports_.add(i, report);
  }
}

// The same of an address that comes later.
void Stack::report_group_of(std::size_t interface, const IpAddress& address) noexcept {
  const Duration delay = kTried + Duration::milliseconds(rng_.below(kUnsolicitedMs));
  const MldReports::Report report{env_.now + delay, wire::solicited_node(address), true, false};
  send_mld_reports(interface, report);
  mld_reports_.add(interface, report);
}

// Whether we listen to a group of the interface; unspecified: to any.
bool Stack::has_group(std::size_t interface, const IpAddress& group) const noexcept {
  for (std::uint16_t i = 0, n = static_cast<std::uint16_t>(addresses_.size()); i < n; ++i) {
    const LocalAddress& ours = addresses_[i];
    if (ours.interface != interface || ours.address.is_v4() || addresses_.disabled(i)) continue;
    if (group.is_any() || wire::solicited_node(ours.address) == group) return true;
  }
  bool found = false;
  slaac_.for_each_tried(interface, [&](const IpAddress& tried) {
    found = found || group.is_any() || wire::solicited_node(tried) == group;
  });
  return found;
}

Verdict Stack::mld_input(const Arrival& arrival, std::size_t interface) noexcept {
  const wire::Packet& packet = arrival.packet;
  const auto query = wire::MldQueryView::parse({packet.payload, packet.payload_len});
  // RFC 3810 6.2: anything else may come from beyond the link, or from nobody.
  const bool good = query && packet.ttl == wire::kMldHopLimit && packet.src.is_link_local() && !packet.fragment_header &&
                    (arrival.buf->flags & kReassembled) == 0 && wire::has_router_alert({packet.l3, packet.l3_len});
  if (!good || config_.learn_next_hops || !has_group(interface, query->group())) return Verdict::kMldIgnored;
  if ((speaks_ >> interface & 1U) == 0) return Verdict::kMldHandled;  // another shard answers
  const Duration delay = Duration::milliseconds(rng_.below(query->max_response_ms() + 1));
  mld_reports_.add(interface, {env_.now + delay, query->group(), false, query->is_v1()});
  return Verdict::kMldHandled;
}

// RFC 3810 5.2.13: a link-local address of ours that is tried no longer, else the unspecified one.
IpAddress Stack::mld_source(std::size_t interface) const noexcept {
  for (std::uint16_t i = 0, n = static_cast<std::uint16_t>(addresses_.size()); i < n; ++i) {
    const LocalAddress& ours = addresses_[i];
    const bool usable = ours.interface == interface && !addresses_.disabled(i) && !(i < dad_.size() && dad_[i]);
    if (usable && ours.address.is_link_local()) return ours.address;
  }
  return {};
}

void Stack::send_mld_reports(std::size_t interface, const MldReports::Report& report) noexcept {
  const InterfaceConfig& out = config_.interfaces[interface];
  const IpAddress src = mld_source(interface);
  const wire::MldRecordType type = report.joins ? wire::kChangeToExclude : wire::kModeIsExclude;
  const auto send = [&](Buf* frame) {
    if (frame == nullptr) return;
    ++stack_counters_.mld_reports;
    enqueue(interface, frame);
  };
  std::array<IpAddress, kMostRecords> groups;
  std::size_t n = 0;
  const auto flush = [&] {
    if (n != 0) send(mld_report_frame({type, std::span(groups).first(n)}, src, kAllMldRouters, out, bufs_));
    n = 0;
  };
  const auto say = [&](const IpAddress& group) {
    if (report.v1) return send(mld_report_frame(wire::MldReportOfGroup{}, src, group, out, bufs_));
    groups[n++] = group;
    if (n == groups.size()) flush();
  };
  if (!report.group.is_any()) {
    say(report.group);
    return flush();
  }
  find_groups(interface);
  for (const std::uint32_t low : mld_groups_) {
    IpAddress address;
    for (unsigned i = 0; i < 3; ++i) address.bytes[13 + i] = static_cast<std::uint8_t>(low >> 8U * (2 - i));
    say(wire::solicited_node(address));
  }
  flush();
}

// The last three bytes of addresses make their groups; several may have the same.
void Stack::find_groups(std::size_t interface) noexcept {
  mld_groups_.clear();
  for (std::uint16_t i = 0, n = static_cast<std::uint16_t>(addresses_.size()); i < n; ++i) {
    const LocalAddress& ours = addresses_[i];
    if (ours.interface != interface || ours.address.is_v4() || addresses_.disabled(i)) continue;
    mld_groups_.push_back(wire::load_be32(&ours.address.bytes[12]) & 0xffffffU);  // there is room for all
  }
  // And for these, whose places are empty still.
  slaac_.for_each_tried(interface, [&](const IpAddress& tried) {
    if (mld_groups_.size() < addresses_.size()) mld_groups_.push_back(wire::load_be32(&tried.bytes[12]) & 0xffffffU);
  });
  std::sort(mld_groups_.begin(), mld_groups_.end());
  mld_groups_.erase(std::unique(mld_groups_.begin(), mld_groups_.end()), mld_groups_.end());
}

}  // namespace sluice::stack
