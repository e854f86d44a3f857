// SPDX-License-Identifier: BSD-3-Clause
#include "port/cgroup.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace sluice::port {

namespace fs = std::filesystem;

namespace {

struct Names {
  const char* limit;
  const char* used;
  const char* cache;  // in memory.stat: of the group with those below it
};
constexpr Names kV1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr Names kV2{"memory.max", "memory.current", "inactive_file"};

std::optional<std::size_t> read_number(const fs::path& file) {
  std::ifstream in(file);
  std::size_t value = 0;
  if (in >> value) return value;
  return std::nullopt;  // "max", or not there
}

std::size_t read_stat(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  std::string name;
  std::size_t value = 0;
  while (in >> name >> value) {
    if (name == key) return value;
  }
  return 0;
}

std::optional<std::size_t> room_of(const fs::path& group, const Names& names) {
  const auto limit = read_number(group / names.limit);
  const auto used = read_number(group / names.used);
  if (!limit || !used) return std::nullopt;
  const std::size_t held = *used - std::min(*used, read_stat(group / "memory.stat", names.cache));
  return *limit - std::min(*limit, held);
}

// The least of `mount`'s, that of the group at `path` below it, and those between. A path of outside a namespace is not there,
// or leads out by "..": what can be seen counts.
std::optional<std::size_t> room_on_the_way(const fs::path& mount, const std::string& path, const Names& names) {
  std::optional<std::size_t> least;
  const auto take = [&](const fs::path& group) {
    if (const auto room = room_of(group, names)) least = std::min(*room, least.value_or(*room));
  };
  fs::path group = mount;
  take(group);
  for (const fs::path& part : fs::path(path).relative_path()) {
    if (part == "..") break;
    take(group /= part);
  }
  return least;
}

bool lists_memory(std::string_view controllers) {
  for (;;) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "memory") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<std::size_t> cgroup_room(const fs::path& proc, const fs::path& mount) {
  std::ifstream in(proc);
  std::optional<std::size_t> least;
  for (std::string line; std::getline(in, line);) {  // "0::/path", "5:cpu,memory:/path"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && !lists_memory(controllers)) continue;
    const auto room = room_on_the_way(v2 ? mount : mount / "memory", line.substr(second + 1), v2 ? kV2 : kV1);
    if (room) least = std::min(*room, least.value_or(*room));
  }
  return least;
}

}  // namespace sluice::port
