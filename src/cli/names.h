// SPDX-License-Identifier: BSD-3-Clause
// Names that become part of a path. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

// An instance names the control socket and DPDK's runtime directory: letters, digits,
// '-', '_' and '.', not '.' first, at most 64.
[[nodiscard]] inline bool is_instance_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

inline constexpr std::string_view kRunDirectory = "/run/sluice";

[[nodiscard]] inline std::string control_socket_path(std::string_view instance,
                                                     std::string_view run_directory = kRunDirectory) {
  return std::string(run_directory) + "/" + std::string(instance) + ".sock";
}

}  // namespace sluice::cli
