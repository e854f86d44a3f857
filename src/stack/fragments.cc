// SPDX-License-Identifier: BSD-3-Clause
// Fragments in: what is for us is kept until its datagram is complete, and then goes the way of every frame.
#include <cstring>

#include "stack/stack.h"
#include "wire/ethernet.h"
#include "wire/fragment.h"
#include "wire/frame.h"

namespace sluice::stack {

using tcp::Verdict;

namespace {

Verdict verdict_of(wire::FragmentCheck check, bool v4) noexcept {
  switch (check) {
    case wire::FragmentCheck::kFine: break;
    case wire::FragmentCheck::kEmpty:
    case wire::FragmentCheck::kUneven:
    case wire::FragmentCheck::kTooLong: return Verdict::kFragmentBad;
    case wire::FragmentCheck::kTiny: return Verdict::kFragmentTiny;
    case wire::FragmentCheck::kProtocolUnknown:
      return v4 ? Verdict::kIpv4ProtocolUnknown : Verdict::kIpv6NextHeaderUnknown;
  }
  return v4 ? Verdict::kIpv4Fragment : Verdict::kIpv6Fragment;
}

// Ethernet and IP in front of the payload, as if the datagram had come in one frame. Extension headers before the
// fragment header were looked at in every fragment, and options are skipped: neither comes again.
void write_heads(Reassembled& datagram, const wire::IpFragment& last, const InterfaceConfig& interface,
                 const std::uint8_t* l2_src) noexcept {
  wire::FrameHead head{};
  head.dst_mac = interface.mac.data();
  head.src_mac = l2_src;
  head.src = &last.src;
  head.dst = &last.dst;
  head.protocol = datagram.protocol;
  head.ttl = datagram.ttl;
  head.tos = datagram.tos;
  head.dont_fragment = false;
  Buf& buf = *datagram.buf;
  const auto len = static_cast<std::uint16_t>(buf.len);
  const auto size = static_cast<std::uint32_t>(wire::frame_head_size(head));
  buf.data -= size;
  buf.len += size;
  wire::write_frame_head(buf.data, head, len);
  buf.flags = kReassembled | kRxIpCsumGood | kRxVlan;
  buf.vlan_tci = interface.vlan;
}

}  // namespace

Verdict Stack::hold_fragment(Arrival& arrival, std::size_t interface) noexcept {
  wire::Packet& packet = arrival.packet;
  const InterfaceConfig& in = config_.interfaces[interface];
  // Another fragment header inside a datagram that was fragmented: nobody sends that in good faith.
  if ((arrival.buf->flags & kReassembled) != 0) return Verdict::kFragmentBad;
  if (packet.l2_group) return Verdict::kIpBroadcast;
  if (std::memcmp(arrival.buf->data, in.mac.data(), in.mac.size()) != 0) return Verdict::kLinkNotForUs;
  const std::uint16_t local = addresses_.find(packet.dst);
  if (local == kNoAddress || addresses_[local].interface != interface) return Verdict::kIpNotForUs;
  if (addresses_.find(packet.src) != kNoAddress) return Verdict::kIpSourceOurs;
  wire::IpFragment fragment;
  const wire::FragmentCheck check = wire::read_fragment(packet, fragment);
  if (check != wire::FragmentCheck::kFine) {
    if (!fragment.is_v4()) {
      // RFC 5722, RFC 7112: with a part of it refused there is no datagram.
      if (check == wire::FragmentCheck::kTiny) reassembly_.spoil(fragment, static_cast<std::uint8_t>(interface));
      complain_of_fragment(arrival, interface, check, fragment.offset);
    }
    return verdict_of(check, fragment.is_v4());
  }
  give_up_fragments(env_.now);
  Reassembled datagram;
  switch (reassembly_.add(fragment, static_cast<std::uint8_t>(interface), env_.now, datagram)) {
    case Reassembly::Result::kHeld: return verdict_of(check, fragment.is_v4());
    case Reassembly::Result::kDuplicate: return Verdict::kFragmentDuplicate;
    case Reassembly::Result::kOverlap: return Verdict::kFragmentOverlap;
    case Reassembly::Result::kBad: return Verdict::kFragmentBad;
    case Reassembly::Result::kTooLarge: return Verdict::kFragmentTooLarge;
    case Reassembly::Result::kNoBuffer: return Verdict::kNoBuffer;
    case Reassembly::Result::kComplete: break;
  }
  write_heads(datagram, fragment, in, packet.l2_src);
  datagram.buf->port = arrival.buf->port;
  bufs_.release(arrival.buf);
  arrival.buf = datagram.buf;
  return verdict_of(check, fragment.is_v4());
}

// The frame of the last fragment gets the verdict of the datagram, on the shard where that ends.
void Stack::fragment_input(Arrival& arrival, std::size_t interface) noexcept {
  const Buf* const frame = arrival.buf;
  arrival.verdict = hold_fragment(arrival, interface);
  if (arrival.buf == frame) return;
  const Destination destination = route_reassembled_ ? route_reassembled_(interface, arrival.buf) : Destination::kHere;
  switch (destination) {
    case Destination::kHere: {
      LastLocal none;
      return parse(std::span(&arrival, 1), interface, none);
    }
    case Destination::kFull: arrival.verdict = Verdict::kHandOverFull; return;
    case Destination::kTaken:
      bufs_.disown();
      arrival.buf = nullptr;
      ++stack_counters_.handed_over;
      // Received and counted there: what receive() counts here is taken back.
      --received_;
      --verdicts_[static_cast<std::size_t>(arrival.verdict)];
      return;
  }
}

}  // namespace sluice::stack
