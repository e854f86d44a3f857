// SPDX-License-Identifier: BSD-3-Clause
// Which apps there are and which options each knows, as data: the configuration is
// checked against it before any app is made. Whoever adds an app or an option adds
// its line to known_apps.cc. Immutable; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::app {

enum class OptionKind : std::uint8_t {
  kNumber,  // min to max
  kText,    // 1 to max bytes
  kChoice,  // one of `choices`
};

// A key of [[service]] that belongs to one app. Its value reaches the app as text in
// ServiceConfig::options, already checked against this.
struct OptionSpec {
  std::string_view name;
  OptionKind kind = OptionKind::kText;
  bool required = false;
  unsigned group = 0;  // not 0: at most one option of the same group may be given
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::span<const std::string_view> choices = {};
};

struct AppSpec {
  std::string_view name;
  std::span<const OptionSpec> options = {};
  bool listens = true;    // false: `listen` may be left out
  bool available = true;  // false: named by the documentation, does not work yet
};

[[nodiscard]] std::span<const AppSpec> known_apps() noexcept;

// nullptr if there is none of that name.
[[nodiscard]] const AppSpec* find_app(std::string_view name) noexcept;

}  // namespace sluice::app
