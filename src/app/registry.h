// SPDX-License-Identifier: BSD-3-Clause
// Makes services of the built-in apps from configuration. Start-up only, on the
// starting thread.
#pragma once

#include "app/known_apps.h"
#include "sluice/error.h"
#include "sluice/listener.h"

namespace sluice::app {

// The factory for `config.app`, whose options are checked against known_apps().
// Errors: an app that does not exist, an option it does not know or cannot use here
// (a file that is not there), always with the reason and a remedy.
[[nodiscard]] Result<ServiceFactory> make_factory(const ServiceConfig& config);

}  // namespace sluice::app
