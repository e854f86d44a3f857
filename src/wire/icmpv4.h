// SPDX-License-Identifier: BSD-3-Clause
// ICMPv4 (RFC 792): echo and errors. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/bytes.h"
#include "wire/checksum.h"

namespace sluice::wire {

inline constexpr std::size_t kIcmpHeader = 8;  // of ICMPv6 too

enum Icmpv4Type : std::uint8_t {
  kIcmpv4EchoReply = 0,
  kIcmpv4Unreachable = 3,
  kIcmpv4SourceQuench = 4,
  kIcmpv4Redirect = 5,
  kIcmpv4EchoRequest = 8,
  kIcmpv4TimeExceeded = 11,
  kIcmpv4ParameterProblem = 12,
};
enum Icmpv4UnreachableCode : std::uint8_t {
  kIcmpv4Net = 0,
  kIcmpv4Host = 1,
  kIcmpv4Protocol = 2,
  kIcmpv4Port = 3,
  kIcmpv4FragmentationNeeded = 4,
  kIcmpv4SourceRouteFailed = 5,
  kIcmpv4AdminProhibited = 13,
};

// Contract: parse() fails when 8 bytes are not there. Afterwards no accessor reads outside
// the bytes given. Says nothing about the checksum; checksum_good() does.
class Icmpv4View {
 public:
  [[nodiscard]] static std::optional<Icmpv4View> parse(std::span<const std::uint8_t> message) noexcept {
    if (message.size() < kIcmpHeader) return std::nullopt;
    return Icmpv4View(message);
  }
  [[nodiscard]] bool checksum_good() const noexcept { return wire::checksum_good(sum_bytes(message_)); }
  [[nodiscard]] std::uint8_t type() const noexcept { return message_[0]; }
  [[nodiscard]] std::uint8_t code() const noexcept { return message_[1]; }
  // Echo.
  [[nodiscard]] std::uint16_t id() const noexcept { return load_be16(&message_[4]); }
  [[nodiscard]] std::uint16_t sequence() const noexcept { return load_be16(&message_[6]); }
  // Fragmentation needed: the next hop's MTU (RFC 1191), 0 from old routers.
  [[nodiscard]] std::uint16_t mtu() const noexcept { return load_be16(&message_[6]); }
  [[nodiscard]] bool is_error() const noexcept {
    return type() == kIcmpv4Unreachable || type() == kIcmpv4SourceQuench || type() == kIcmpv4Redirect ||
           type() == kIcmpv4TimeExceeded || type() == kIcmpv4ParameterProblem;
  }
  // Echo data, or the packet that an error is about, perhaps cut off.
  [[nodiscard]] std::span<const std::uint8_t> body() const noexcept { return message_.subspan(kIcmpHeader); }

 private:
  explicit Icmpv4View(std::span<const std::uint8_t> message) noexcept : message_(message) {}
  std::span<const std::uint8_t> message_;
};

struct Icmpv4Header {
  std::uint8_t type = kIcmpv4EchoReply;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // bytes 4-7: id and sequence, or the MTU in the low half

  [[nodiscard]] static constexpr Icmpv4Header echo_reply(std::uint16_t id, std::uint16_t sequence) noexcept {
    return {kIcmpv4EchoReply, 0, std::uint32_t{id} << 16U | sequence};
  }
  [[nodiscard]] static constexpr Icmpv4Header unreachable(std::uint8_t code) noexcept {
    return {kIcmpv4Unreachable, code, 0};
  }
  [[nodiscard]] static constexpr Icmpv4Header fragmentation_needed(std::uint16_t mtu) noexcept {
    return {kIcmpv4Unreachable, kIcmpv4FragmentationNeeded, mtu};
  }
  // Writes 8 bytes before a body of `body_len` bytes that is already in place at out + 8, with
  // the checksum over both. Returns 8.
  std::size_t write(std::uint8_t* out, std::size_t body_len) const noexcept {
    out[0] = type;
    out[1] = code;
    store_native16(out + 2, 0);
    store_be32(out + 4, rest);
    store_checksum(out + 2, sum_bytes(out, kIcmpHeader + body_len));
    return kIcmpHeader;
  }
};

}  // namespace sluice::wire
