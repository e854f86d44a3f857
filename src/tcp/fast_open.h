// SPDX-License-Identifier: BSD-3-Clause
// TCP Fast Open's cookies (RFC 7413 4.1): proof that a client has spoken to us from its
// address before. Pure functions; ADR-0010 says what was chosen.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tcp/syn_cookie.h"

namespace sluice::tcp {

using FastOpenCookie = std::array<std::uint8_t, 8>;

// Keys change once a day; a cookie of the day before is still good, and replaced on use.
inline constexpr Duration kFastOpenDay = Duration::seconds(86'400);

[[nodiscard]] FastOpenCookie fast_open_cookie(CookieKeys& keys, const IpAddress& client, const IpAddress& local,
                                              Instant now) noexcept;

enum class FastOpenCheck : std::uint8_t { kBad, kOld, kGood };
[[nodiscard]] FastOpenCheck check_fast_open(CookieKeys& keys, const IpAddress& client, const IpAddress& local,
                                            std::span<const std::uint8_t> cookie, Instant now) noexcept;

}  // namespace sluice::tcp
