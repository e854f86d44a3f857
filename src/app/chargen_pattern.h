// SPDX-License-Identifier: BSD-3-Clause
// The endless text of chargen (RFC 864): lines of 72 out of the 95 printing characters,
// each line beginning one character later. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::app {

// The text from its byte `offset` on: at least kChargenPiece bytes. Static storage.
inline constexpr std::size_t kChargenPiece = 32768;
[[nodiscard]] std::span<const std::byte> chargen_text(std::uint64_t offset) noexcept;

}  // namespace sluice::app
