// SPDX-License-Identifier: BSD-3-Clause
// One maker for each app, called by the registry with options that known_apps() allows.
// Start-up only, on the starting thread.
#pragma once

#include "sluice/config.h"
#include "sluice/error.h"
#include "sluice/listener.h"

namespace sluice::app {

[[nodiscard]] Result<ServiceFactory> make_echo(const ServiceConfig& config);
[[nodiscard]] Result<ServiceFactory> make_discard(const ServiceConfig& config);
[[nodiscard]] Result<ServiceFactory> make_chargen(const ServiceConfig& config);
[[nodiscard]] Result<ServiceFactory> make_daytime(const ServiceConfig& config);
[[nodiscard]] Result<ServiceFactory> make_http(const ServiceConfig& config);
[[nodiscard]] Result<ServiceFactory> make_behave(const ServiceConfig& config);
[[nodiscard]] Result<ServiceFactory> make_remote(const ServiceConfig& config);

}  // namespace sluice::app
