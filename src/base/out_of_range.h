// SPDX-License-Identifier: BSD-3-Clause
// What is said of a number that may not be: in one form, whoever refuses it. Control path, any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "sluice/config.h"
#include "sluice/error.h"

namespace sluice {

// "tcp.ttl is 1 to 255, not 0"
[[nodiscard]] Error out_of_range(std::string_view name, std::int64_t value, limits::Range range);

// Where 0 says something of its own: "tcp.buffers is 0 or 256 to 268435456, not 3".
[[nodiscard]] Error out_of_range_or_zero(std::string_view name, std::int64_t value, limits::Range range);

}  // namespace sluice
