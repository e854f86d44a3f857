// SPDX-License-Identifier: BSD-3-Clause
// The checked views of each header by itself, from byte 1 on; byte 0 chooses which. A view that parses may be asked everything.
#include <vector>

#include "fuzz/input.h"
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"
#include "wire/tcp.h"

namespace sluice::fuzz {
namespace {

// Something that the compiler cannot leave out, and that reads every byte.
void touch(std::span<const std::uint8_t> bytes) {
  volatile std::uint8_t sum = 0;
  for (const std::uint8_t b : bytes) sum = static_cast<std::uint8_t>(sum + b);
}
void touch(std::uint64_t value) {
  volatile std::uint64_t kept = value;
  (void)kept;
}

void ethernet(std::span<const std::uint8_t> bytes) {
  const auto view = wire::EthernetView::parse(bytes);
  if (!view) {
    require(bytes.size() < 18, "a frame that is long enough is refused");
    return;
  }
  touch({view->dst(), 6});
  touch({view->src(), 6});
  touch(view->ether_type());
  require(view->header_len() <= bytes.size(), "Ethernet header longer than the frame");
  if (view->tagged()) touch(view->tci());
}

void arp(std::span<const std::uint8_t> bytes) {
  const auto view = wire::ArpView::parse(bytes);
  if (!view) return;
  wire::ArpMessage message;
  message.operation = static_cast<wire::ArpOperation>(view->operation());
  message.sender_mac = view->sender_mac();
  message.target_mac = view->target_mac();
  message.sender_ip = view->sender_ip();
  message.target_ip = view->target_ip();
  std::vector<std::uint8_t> out(wire::kArpMessage);
  message.write(out.data());
  require(std::equal(out.begin(), out.end(), bytes.begin()), "an ARP message is written as another than was read");
}

void ipv4(std::span<const std::uint8_t> bytes) {
  const auto view = wire::Ipv4View::parse(bytes);
  if (!view) return;
  require(view->header_len() >= 20 && view->header_len() <= bytes.size(), "IPv4 header length");
  touch(view->options());
  touch(view->header_checksum_good() ? 1 : 0);
  touch(static_cast<std::uint64_t>(view->check_options()));
  if (!view->length_fits()) return;
  touch(view->payload());
  require(view->payload().size() + view->header_len() == view->total_len(), "IPv4 payload length");
}

void ipv6(std::span<const std::uint8_t> bytes) {
  const auto view = wire::Ipv6View::parse(bytes);
  if (!view) return;
  touch(static_cast<std::uint64_t>(wire::ipv6_scope(view->src_bytes())));
  touch(view->flow_label() + view->traffic_class());
  touch(wire::has_router_alert(bytes) ? 1 : 0);
  if (!view->length_fits()) return;
  touch(view->payload());
  touch(wire::carries_icmpv6_error(*view) ? 1 : 0);
}

void icmpv4(std::span<const std::uint8_t> bytes) {
  const auto view = wire::Icmpv4View::parse(bytes);
  if (!view) return;
  touch(view->body());
  touch(view->checksum_good() ? 1 : 0);
  touch(view->id() + view->sequence() + view->mtu() + (view->is_error() ? 1U : 0U));
}

void icmpv6(std::span<const std::uint8_t> bytes) {
  const auto view = wire::Icmpv6View::parse(bytes);
  if (!view) return;
  touch(view->body());
  touch(std::uint64_t{view->mtu()} + view->pointer());
  if (const auto router = wire::RouterView::parse(bytes)) {
    touch(std::uint64_t{router->lifetime_s()} + static_cast<std::uint64_t>(router->preference() + 1));
    const std::uint8_t* mac = router->source_mac();
    require(mac == nullptr || (mac >= bytes.data() && mac + 6 <= bytes.data() + bytes.size()), "a link-layer option outside the message");
    if (mac != nullptr) touch({mac, 6});
    std::size_t prefixes = 0;
    router->for_each_prefix([&](const wire::PrefixInformation& info) {
      touch(info.prefix.bytes);
      touch(std::uint64_t{info.valid_s} + info.preferred_s + info.length + (info.on_link ? 1U : 0U) + (info.autonomous ? 1U : 0U));
      ++prefixes;
    });
    require(16 + 32 * prefixes <= bytes.size(), "more prefixes than there is room for");
  }
  if (const auto query = wire::MldQueryView::parse(bytes)) {
    touch(query->group().bytes);
    require(query->max_response_ms() <= 8'387'584, "a query's time is longer than it can be");
  }
  const auto neighbour = wire::NeighborView::parse(bytes);
  if (!neighbour) return;
  touch(neighbour->target().bytes);
  for (const std::uint8_t* mac : {neighbour->source_mac(), neighbour->target_mac()}) {
    if (mac == nullptr) continue;
    require(mac >= bytes.data() && mac + 6 <= bytes.data() + bytes.size(), "a link-layer option outside the message");
    touch({mac, 6});
  }
}

void tcp(std::span<const std::uint8_t> bytes) {
  const auto view = wire::TcpView::parse(bytes);
  if (!view) return;
  touch(view->options());
  touch(view->payload());
  require(view->options().size() + view->payload().size() + 20 == bytes.size(), "TCP header and payload are not the segment");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  if (size == 0) return 0;
  const std::vector<std::uint8_t> bytes(data + 1, data + size);
  static constexpr std::array kViews{ethernet, arp, ipv4, ipv6, icmpv4, icmpv6, tcp};
  kViews[data[0] % kViews.size()](bytes);
  return 0;
}
