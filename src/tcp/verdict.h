// SPDX-License-Identifier: BSD-3-Clause
// What became of a received frame: exactly one Verdict each (verdict.def). The sum
// of a shard's verdicts equals the frames it received.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::tcp {

enum class Verdict : std::uint8_t {
#define VERDICT(name, severity, text) name,
#include "tcp/verdict.def"
#undef VERDICT
};

enum class Severity : std::uint8_t { kInfo, kDrop, kError };

struct VerdictInfo {
  const char* name;  // without the k: "ListenSyn"
  Severity severity;
  const char* text;
};

inline constexpr VerdictInfo kVerdicts[] = {
#define VERDICT(name, severity, text) {&#name[1], Severity::severity, text},
#include "tcp/verdict.def"
#undef VERDICT
};
inline constexpr std::size_t kVerdictCount = sizeof(kVerdicts) / sizeof(kVerdicts[0]);
static_assert(kVerdictCount < 256);

using VerdictCounts = std::array<std::uint64_t, kVerdictCount>;

}  // namespace sluice::tcp
