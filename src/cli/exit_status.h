// SPDX-License-Identifier: BSD-3-Clause
// What the exit status of every command means.
#pragma once

namespace sluice::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;  // at its work
inline constexpr int kExitUsage = 2;   // unusable arguments or configuration

}  // namespace sluice::cli
