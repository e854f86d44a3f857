// SPDX-License-Identifier: BSD-3-Clause
// Where an instance is found. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

inline constexpr std::string_view kRunDirectory = "/run/sluice";

[[nodiscard]] inline std::string control_socket_path(std::string_view instance,
                                                     std::string_view run_directory = kRunDirectory) {
  return std::string(run_directory) + "/" + std::string(instance) + ".sock";
}

}  // namespace sluice::cli
