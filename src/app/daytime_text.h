// SPDX-License-Identifier: BSD-3-Clause
// The line that daytime sends. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::app {

// "Friday, November 20, 2026 14:02:00-UTC\r\n", RFC 867's first form, for seconds since 1970.
[[nodiscard]] std::string daytime_line(std::int64_t unix_s);

}  // namespace sluice::app
