// SPDX-License-Identifier: BSD-3-Clause
// The option names of the remote service and their values as text. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/connection.h"
#include "sluice/error.h"
#include "sluice/listener.h"

namespace sluice::app {

struct RemoteOption {
  std::string_view name;
  Option option;
  std::int64_t min = 0, max = 0;
};

// Null when there is no such name.
[[nodiscard]] const RemoteOption* find_remote_option(std::string_view name) noexcept;

// The number for Connection::set(). Nothing when the value is not understood or out of bounds.
[[nodiscard]] std::optional<std::int64_t> parse_remote_value(const RemoteOption& option, std::string_view text) noexcept;

// What `get` answers for a value of Connection::get().
[[nodiscard]] std::string format_remote_value(const RemoteOption& option, std::int64_t value);

// Puts a parsed value where listen() and connect() take it from.
void put_remote_option(SocketOptions& options, const RemoteOption& option, std::int64_t value) noexcept;

// A variable of ConnectionInfo by the name that `get` knows it under: local, peer, state, snd_una...
// Nothing when there is no such name.
[[nodiscard]] std::optional<std::string> format_info(const ConnectionInfo& info, std::string_view name);

}  // namespace sluice::app
