// SPDX-License-Identifier: BSD-3-Clause
// The machine's own secret, made when its system was installed (machine-id(5)): what is keyed by it is the same after every start
// and another on every machine. It is only ever used as a key, and never shown. No DPDK. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/siphash.h"

namespace sluice::lib {

inline constexpr const char* kMachineIdFile = "/etc/machine-id";

// 32 hexadecimal digits, perhaps a line break. Nothing: it is something else ("uninitialized"), or all zero.
[[nodiscard]] std::optional<SipKey> parse_machine_id(std::string_view text);
// Nothing: there is no such file, or nothing good in it.
[[nodiscard]] std::optional<SipKey> read_machine_id(const std::string& path = kMachineIdFile);

}  // namespace sluice::lib
