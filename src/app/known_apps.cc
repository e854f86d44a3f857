// SPDX-License-Identifier: BSD-3-Clause
#include "app/known_apps.h"

#include <array>

namespace sluice::app {
namespace {

constexpr std::uint64_t kMaxBytes = 1ULL << 50;
constexpr std::uint64_t kMaxPath = 4095;
constexpr std::uint64_t kMaxSocketPath = 107;  // sun_path less its NUL

constexpr std::array<std::string_view, 5> kBehaviours = {"hold", "close", "half-close", "abort", "close-unread"};
constexpr std::array<std::string_view, 2> kClocks = {"wall", "virtual"};

constexpr OptionSpec kChargen[] = {
    {.name = "bytes", .kind = OptionKind::kNumber, .max = kMaxBytes},
};
constexpr OptionSpec kHttp[] = {
    {.name = "head_timeout_s", .kind = OptionKind::kNumber, .max = 86'400},
    {.name = "body_bytes", .kind = OptionKind::kNumber, .group = 1, .max = kMaxBytes},
    {.name = "file", .kind = OptionKind::kText, .group = 1, .max = kMaxPath},
    {.name = "root", .kind = OptionKind::kText, .group = 1, .max = kMaxPath},
    {.name = "time", .kind = OptionKind::kChoice, .choices = kClocks},
};
constexpr OptionSpec kDaytime[] = {
    {.name = "time", .kind = OptionKind::kChoice, .choices = kClocks},
};
constexpr OptionSpec kBehave[] = {
    {.name = "does", .kind = OptionKind::kChoice, .required = true, .choices = kBehaviours},
};
constexpr OptionSpec kRemote[] = {
    {.name = "socket", .kind = OptionKind::kText, .required = true, .max = kMaxSocketPath},
};

constexpr AppSpec kApps[] = {
    {.name = "echo"},
    {.name = "discard"},
    {.name = "chargen", .options = kChargen},
    {.name = "http", .options = kHttp},
    {.name = "daytime", .options = kDaytime},
    {.name = "behave", .options = kBehave},
    {.name = "remote", .options = kRemote, .listens = false},
    {.name = "proxy", .available = false},
};

}  // namespace

std::span<const AppSpec> known_apps() noexcept { return kApps; }

const AppSpec* find_app(std::string_view name) noexcept {
  for (const AppSpec& app : kApps) {
    if (app.name == name) return &app;
  }
  return nullptr;
}

}  // namespace sluice::app
