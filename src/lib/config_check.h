// SPDX-License-Identifier: BSD-3-Clause
// Whether the values of a configuration may be, whoever filled them in. The first that may not is told with its key,
// as the configuration file calls it. No DPDK. Any thread.
#pragma once

#include "sluice/config.h"
#include "sluice/error.h"

namespace sluice::lib {

// Errors: kInvalid, "tcp.msl_ms is 1 to 3600000, not 0" or "port.front.addresses[0]: a loopback address
// (127.0.0.1/8); write the address of a host, like 10.77.0.1/24". What depends on the machine, and tcp.buffers for
// so many cores and ports, is for plan_limits(). What only the command line uses is not looked at.
[[nodiscard]] Result<void> check_config(const Config& config);

// A service by itself: whether its addresses are a port's shows when it listens.
[[nodiscard]] Result<void> check_service(const ServiceConfig& service);

}  // namespace sluice::lib
