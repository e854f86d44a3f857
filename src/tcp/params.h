// SPDX-License-Identifier: BSD-3-Clause
// What a connection's owner may choose. Connections of one listener share one Params;
// a connection that changes an option gets its own copy (the stack keeps the table).
#pragma once

#include <cstdint>

#include "sluice/config.h"

namespace sluice::tcp {

// What the IP headers of a connection's segments say beside addresses and ECN (RFC 9293 3.9.1.9, 3.9.2).
struct IpFields {
  std::uint8_t ttl = 64;                // or hop limit
  std::uint8_t dscp = 0;                // 0 to 63: the upper six bits of TOS or traffic class
  friend bool operator==(const IpFields&, const IpFields&) noexcept = default;
};

struct Params {
  std::uint32_t rcvbuf = 262144;        // bytes
  std::uint32_t sndbuf = 262144;        // bytes
  std::uint32_t keepidle_ms = 7'200'000;
  std::uint32_t keepintvl_ms = 75'000;
  std::uint32_t user_timeout_ms = 0;    // 0: RFC 9293's R2
  std::uint32_t msl_ms = 60'000;
  std::uint32_t refs = 0;               // connections and listeners that use it (the stack's account)
  std::int32_t linger_s = -1;           // -1: off; 0: close sends RST
  std::uint16_t mss = 0;                // bounds what we announce and what we send; 0: the MTU does
  std::uint16_t service = 0;            // who gets the events (the stack's account)
  IpFields ip{};
  std::uint8_t keepcnt = 10;
  bool keepalive = false;
  bool idle_ends = false;               // with keepalive: after keepidle_ms kEventIdle instead of a probe
  bool nodelay = false;
  bool cork = false;
  CongestionControl congestion = CongestionControl::kNewReno;
  bool ecn = false;                     // offered and accepted; DCTCP wants it anyway, BBR does without
  bool pacing = false;                  // BBR is paced anyway
  bool quickack = true;                 // false: acknowledgments may be delayed from the first segment on
};

[[nodiscard]] inline bool is_paced(const Params& params) noexcept {
  return params.pacing || params.congestion == CongestionControl::kBbr;
}
[[nodiscard]] inline bool wants_ecn(const Params& params) noexcept {
  return params.congestion == CongestionControl::kDctcp || (params.ecn && params.congestion != CongestionControl::kBbr);
}

}  // namespace sluice::tcp
