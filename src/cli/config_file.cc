// SPDX-License-Identifier: BSD-3-Clause
#include "cli/config_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "cli/config_parts.h"
#include "cli/config_tree.h"
#include "lib/needs.h"
#include "lib/rules.h"

namespace sluice::cli {
namespace {

void read_engine(const toml::table& table, Config& out, Report& report) {
  Section section(table, "engine", report);
  section.number("drain_s", out.drain_s, limits::kDrainS);
  section.finish();
}

void read_log(const toml::table& table, Config& out, Report& report) {
  Section section(table, "log", report);
  const std::vector<std::string> levels = {"trace", "debug", "info", "warn", "error", "critical", "off"};
  if (const std::optional<std::size_t> level = section.one_of("level", levels)) out.log_level = levels[*level];
  section.finish();
}

// By the rule that the engine starts by.
void check_buffers(const toml::table& tcp, const Config& config, Report& report) {
  const unsigned shards = lib::count_lcores(config.dpdk.lcores);
  const std::size_t least = lib::least_buffers(shards, config.ports.size());
  if (config.tcp.buffers == 0 || shards == 0 || config.tcp.buffers >= least) return;
  Section(tcp, "tcp", report).wrong("buffers", fmt::format("too few for {} shard(s) on {} port(s) ({})", shards, config.ports.size(),
                                                           config.tcp.buffers),
                                    fmt::format("write {} or more, or \"auto\"", least));
}

void read_tree(const toml::table& tree, LoadedConfig& loaded, Report& report) {
  Config& config = loaded.config;
  Section root(tree, "", report);
  if (const toml::table* table = root.table("dpdk")) read_dpdk(*table, config.dpdk, report);
  if (const toml::table* table = root.table("engine")) read_engine(*table, config, report);
  if (const toml::table* table = root.table("log")) read_log(*table, config, report);
  const toml::table* tcp = root.table("tcp");
  if (tcp != nullptr) read_tcp(*tcp, config.tcp, report);
  PortsSeen ports;
  if (const toml::node* node = root.find("port")) {
    read_ports(*node, config.ports, ports, report);
  } else {
    ports.incomplete = true;
    root.missing("port", lib::kPortsRemedy);
  }
  if (tcp != nullptr) check_buffers(*tcp, config, report);
  if (const toml::node* node = root.find("service")) {
    read_services(*node, config.tcp, ports, config.services, loaded.places, report);
  }
  root.finish();
}

}  // namespace

std::string LoadedConfig::placed(const std::string& message) const {
  const auto found = places.find(message.substr(0, message.find(": ")));
  return found == places.end() ? message : fmt::format("{}: {}", found->second, message);
}

LoadedConfig parse_config(std::string_view text, const std::string& file, std::span<const std::string> sets) {
  std::vector<SetOption> options;
  std::vector<std::string> values;
  for (const std::string& set : sets) {
    options.push_back(split_set(set));
    values.push_back(options.back().value.value_or(""));
  }
  Report report(file, std::move(values));
  LoadedConfig loaded;
  if (std::optional<toml::table> tree = parse_tree(text, report)) {
    for (std::size_t i = 0; i < options.size(); ++i) {
      apply_set(*tree, options[i], static_cast<unsigned>(i) + 1, report);
    }
    read_tree(*tree, loaded, report);
  }
  loaded.errors = report.messages();
  return loaded;
}

LoadedConfig load_config(const std::string& path, std::span<const std::string> sets) {
  // stdio, because errno tells why: a directory, for one, opens and then cannot be read.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string text;
  if (in != nullptr) {
    std::array<char, 4096> block{};
    while (const std::size_t got = std::fread(block.data(), 1, block.size(), in.get())) text.append(block.data(), got);
  }
  if (in == nullptr || std::ferror(in.get()) != 0) {
    LoadedConfig loaded;
    loaded.errors.push_back(
        fmt::format("{}: cannot be read ({}); give a readable file with -c", printable(path), std::strerror(errno)));
    return loaded;
  }
  return parse_config(text, path, sets);
}

}  // namespace sluice::cli
