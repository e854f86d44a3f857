// SPDX-License-Identifier: BSD-3-Clause
// The version of libsluice, as built and as linked.
#pragma once

namespace sluice {

// "MAJOR.MINOR.PATCH" of the linked library. Static storage; any thread.
[[nodiscard]] const char* version() noexcept;

}  // namespace sluice
