// SPDX-License-Identifier: BSD-3-Clause
// wire::parse_frame() with any bytes: byte 0 chooses the port's VLAN and what the device verified, or that checksums are made
// right first. What passes lies inside the frame, and says the same when it is read again.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/buf.h"
#include "fuzz/frames.h"
#include "fuzz/input.h"

namespace sluice::fuzz {
namespace {

constexpr std::uint16_t kVlan = 7;

bool inside(const Frame& frame, const std::uint8_t* from, std::size_t len) {
  return from >= frame.data() && from <= frame.data() + frame.size() &&
         len <= static_cast<std::size_t>(frame.data() + frame.size() - from);
}

void check(const Frame& frame, const wire::Packet& p) {
  require(inside(frame, p.l2_src, 6), "the source MAC lies outside");
  require(inside(frame, p.l3, 1) && inside(frame, p.payload, p.payload_len), "the payload lies outside");
  if (p.kind == wire::PacketKind::kArp) {
    require(p.payload == p.l3 && p.payload_len >= 28, "ARP message cut short");
    return;
  }
  require(p.payload >= p.l3 + p.l3_len, "payload inside the IP header");
  require(p.src.is_v4() == p.is_v4() && p.dst.is_v4() == p.is_v4(), "addresses of another family");
  if (p.kind == wire::PacketKind::kTcp4 || p.kind == wire::PacketKind::kTcp6) {
    require(p.data_offset >= 20 && p.data_offset <= 60, "data offset");
    require(p.payload == p.l3 + p.l3_len + p.data_offset, "TCP payload elsewhere than behind its header");
    require(p.options.n_sack <= wire::kMaxSackBlocks, "too many SACK blocks");
    const bool syn = (p.flags & wire::kSyn) != 0;
    require(syn || (!p.options.has_mss && !p.options.has_wscale && !p.options.sack_permitted), "options of a SYN elsewhere");
    require(!syn || p.options.n_sack == 0, "SACK blocks on a SYN");
  }
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::fuzz;
  Input in({data, size});
  const std::uint8_t choice = in.u8();
  const auto rest = in.rest().first(std::min<std::size_t>(in.rest().size(), kBufRoom - kBufHeadroom));
  Frame frame(rest.begin(), rest.end());
  if ((choice & 1U) != 0) repair(frame);
  Buf buf{};
  buf.data = frame.data();
  buf.len = static_cast<std::uint32_t>(frame.size());
  if ((choice & 2U) != 0) buf.flags |= kRxIpCsumGood | kRxL4CsumGood;
  if ((choice & 4U) != 0) buf.flags |= kRxL4CsumBad;
  wire::ParseContext context{(choice & 8U) != 0 ? kVlan : std::uint16_t{0}};
  if (frame.size() >= context.mac.size()) std::memcpy(context.mac.data(), frame.data(), context.mac.size());
  wire::Packet packet;
  std::memset(static_cast<void*>(&packet), 0xee, sizeof(packet));
  const Frame before = frame;
  const wire::ParseError result = wire::parse_frame(buf, context, packet);
  require(frame == before, "parsing wrote into the frame");
  if (result == wire::ParseError::kOk) check(frame, packet);
  wire::Packet again;
  std::memset(static_cast<void*>(&again), 0x11, sizeof(again));
  require(wire::parse_frame(buf, context, again) == result, "another result the second time");
  wire::Packet plain;
  std::memset(static_cast<void*>(&plain), 0x77, sizeof(plain));
  if (wire::parse_plain(buf, context, plain)) {
    require(result == wire::ParseError::kOk, "the short way takes what the long way refuses");
    check(frame, plain);
    require(plain.payload == packet.payload && plain.payload_len == packet.payload_len && plain.seq == packet.seq &&
                plain.ack == packet.ack && plain.flags == packet.flags && plain.src == packet.src && plain.dst == packet.dst,
            "the short way reads something else");
  }
  return 0;
}
