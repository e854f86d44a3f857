// SPDX-License-Identifier: BSD-3-Clause
#include "wire/ipv6.h"

namespace sluice::wire {

namespace {

// The options of one hop-by-hop or destination header (RFC 8200 4.2): bytes[2, size). True
// when all may be skipped; else `chain` says why not. `base`: offset of bytes[0].
bool skip_options(std::span<const std::uint8_t> bytes, std::size_t base, unsigned& budget, Ipv6Chain& chain) noexcept {
  for (std::size_t i = 2; i < bytes.size();) {
    if (budget-- == 0) {
      chain.result = Ipv6ChainResult::kTooMany;
      return false;
    }
    const std::uint8_t type = bytes[i];
    if (type == 0) {  // Pad1
      ++i;
      continue;
    }
    if (i + 1 == bytes.size() || bytes[i + 1] > bytes.size() - i - 2) {
      chain.result = Ipv6ChainResult::kCutOff;
      return false;
    }
    // Options that may be skipped (PadN and router alert among them) have action bits 00.
    if (type >> 6U != 0) {
      chain.result = Ipv6ChainResult::kOptionUnknown;
      chain.action = type >> 6U;
      chain.problem_offset = static_cast<std::uint16_t>(base + i);
      return false;
    }
    i += 2U + bytes[i + 1];
  }
  return true;
}

enum class Step : std::uint8_t { kSkipped, kEnd };

// The extension header at chain.offset, whose `bytes` run to the end of the payload and hold at
// least 8. Sets `len` when it is skipped, chain.result otherwise.
Step step(std::span<const std::uint8_t> bytes, bool first, unsigned& budget, std::size_t& len,
          Ipv6Chain& chain) noexcept {
  len = 8;
  if (chain.next_header == kProtoFragment) {
    if (chain.fragmented) {
      chain.result = Ipv6ChainResult::kTooMany;
      return Step::kEnd;
    }
    chain.fragmented = true;
    // Offset 0 and no more fragments: the whole packet is here.
    if ((load_be16(&bytes[2]) & 0xfff9U) == 0) return Step::kSkipped;
    chain.result = Ipv6ChainResult::kFragment;
    return Step::kEnd;
  }
  len = (bytes[1] + 1U) * 8U;
  if (len > bytes.size() || (chain.next_header == kProtoHopByHop && !first)) {
    chain.result = Ipv6ChainResult::kCutOff;
    return Step::kEnd;
  }
  if (chain.next_header == kProtoRouting) {
    if (bytes[3] == 0) return Step::kSkipped;
    // RFC 5095 and RFC 8200 4.4
    chain.result = Ipv6ChainResult::kRoutingUnknown;
    chain.problem_offset = static_cast<std::uint16_t>(chain.offset + 2U);
    return Step::kEnd;
  }
  return skip_options(bytes.first(len), chain.offset, budget, chain) ? Step::kSkipped : Step::kEnd;
}

bool is_extension(std::uint8_t next_header) noexcept {
  return next_header == kProtoHopByHop || next_header == kProtoRouting || next_header == kProtoFragment ||
         next_header == kProtoDestinationOptions;
}

// From `chain` on; `payload` begins `base` bytes behind what offsets count from.
Ipv6Chain walk(std::span<const std::uint8_t> payload, std::size_t base, Ipv6Chain chain) noexcept {
  unsigned budget = kMaxIpv6Options;
  for (unsigned i = 0; is_extension(chain.next_header); ++i) {
    const auto rest = payload.subspan(chain.offset - base);
    if (rest.size() < 8) {
      chain.result = Ipv6ChainResult::kCutOff;
      return chain;
    }
    if (i == kMaxIpv6Extensions) {
      chain.result = Ipv6ChainResult::kTooMany;
      return chain;
    }
    std::size_t len = 0;
    if (step(rest, i == 0 && base != 0, budget, len, chain) == Step::kEnd) return chain;
    chain.problem_offset = chain.offset;
    chain.next_header = rest[0];
    // At most 40 + kMaxIpv6Extensions * 2048.
    chain.offset = static_cast<std::uint16_t>(chain.offset + len);
  }
  if (chain.next_header == kProtoNone) chain.result = Ipv6ChainResult::kNoNext;
  return chain;
}

}  // namespace

Ipv6Chain walk_ipv6_extensions(const Ipv6View& ip) noexcept {
  Ipv6Chain chain{Ipv6ChainResult::kUpperLayer, ip.next_header(), 0, kIpv6Header, 6, false};
  return walk(ip.payload(), kIpv6Header, chain);
}

Ipv6Chain walk_ipv6_fragment(std::span<const std::uint8_t> bytes, std::uint8_t next_header) noexcept {
  Ipv6Chain chain{Ipv6ChainResult::kUpperLayer, next_header, 0, 0, 0, true};
  return walk(bytes, 0, chain);
}

bool carries_icmpv6_error(const Ipv6View& ip) noexcept {
  constexpr std::uint8_t kFirstInformational = 128;
  constexpr std::uint8_t kRedirect = 137;
  std::uint8_t next = ip.next_header();
  std::span<const std::uint8_t> rest = ip.payload();
  for (unsigned i = 0; is_extension(next); ++i) {
    if (i == kMaxIpv6Extensions || rest.size() < 8) return false;
    const bool fragment = next == kProtoFragment;
    if (fragment && (load_be16(&rest[2]) & 0xfff8U) != 0) return false;
    const std::size_t len = fragment ? 8 : (rest[1] + 1U) * 8U;
    if (len > rest.size()) return false;
    next = rest[0];
    rest = rest.subspan(len);
  }
  return next == kProtoIcmpv6 && !rest.empty() && (rest[0] < kFirstInformational || rest[0] == kRedirect);
}

}  // namespace sluice::wire
