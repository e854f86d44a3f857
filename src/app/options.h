// SPDX-License-Identifier: BSD-3-Clause
// Reading what known_apps() has allowed out of AppOptions, and checking it again for
// programs that fill in a ServiceConfig themselves. Start-up only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "app/known_apps.h"
#include "sluice/config.h"
#include "sluice/error.h"

namespace sluice::app {

// kInvalid with service, key, value and remedy when an option is unknown, out of its
// bounds, missing, or excludes another one.
[[nodiscard]] Result<void> check_options(const AppSpec& app, const ServiceConfig& config);

// Null when it was not given. The text stays owned by `options`.
[[nodiscard]] std::optional<std::string_view> text_option(const AppOptions& options, std::string_view name);
[[nodiscard]] std::optional<std::uint64_t> number_option(const AppOptions& options, std::string_view name);

// Digits only, nothing before or after them, at most `max`.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max = UINT64_MAX) noexcept;

// "service.NAME.key: what is wrong (value); remedy", as every message about a configuration;
// an empty remedy stands in `what` already.
[[nodiscard]] Error option_error(const ServiceConfig& config, std::string_view key, std::string_view what,
                                 std::string_view remedy);

}  // namespace sluice::app
