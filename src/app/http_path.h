// SPDX-License-Identifier: BSD-3-Clause
// From a request's target to a file below a root, without touching the file system.
// Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sluice::app {

// The path relative to the root, without a leading slash, in `out`: percent-decoded, without
// query, "." and ".."; the root itself is "", a trailing slash stays. Nothing when the target is
// malformed or leads above the root. `out` needs as many bytes as the target has.
[[nodiscard]] std::optional<std::string_view> resolve_target(std::string_view target, std::span<char> out) noexcept;

// By the name's extension; "application/octet-stream" when it is not known. Static storage.
[[nodiscard]] std::string_view content_type(std::string_view path) noexcept;

}  // namespace sluice::app
