// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "cli/conn_filter.h"
#include "cli/exit_status.h"
#include "cli/report.h"
#include "lib/rules.h"
#include "sluice/version.h"

namespace sluice::cli {
namespace {

const std::vector<std::string>& command_names() {
  static const std::vector<std::string> names = {"serve", "replay", "stats", "conns"};
  return names;
}

ParsedLine usage_error(std::string message) { return {std::nullopt, kExitUsage, "", std::move(message)}; }

// Everything the parser fills in; which command it was, the parser knows.
struct Parsing {
  ServeArguments serve;
  ReplayArguments replay;
  StatsArguments stats;
  ConnsArguments conns;
  std::string seed;
};

void add_config_options(CLI::App& command, std::string& config, std::vector<std::string>& sets) {
  command.add_option("-c,--config", config, "the configuration, a TOML file")->required()->type_name("FILE");
  command.add_option("--set", sets, "overrides one value of the configuration; may be repeated")
      ->type_name("section.key=value")
      ->allow_extra_args(false);
}

void describe(CLI::App& app, Parsing& into) {
  app.set_version_flag("--version", std::string("sluice ") + version());
  app.require_subcommand(1);

  CLI::App* serve = app.add_subcommand("serve", "terminates TCP for the services of a configuration");
  add_config_options(*serve, into.serve.config, into.serve.sets);
  serve->add_flag("--check", into.serve.check, "checks the configuration and starts nothing");

  CLI::App* replay = app.add_subcommand("replay", "answers a capture, in the capture's own time");
  replay->add_option("--in", into.replay.in, "the capture to read")->required()->type_name("IN.pcap");
  replay->add_option("--out", into.replay.out, "the capture to write")->required()->type_name("OUT.pcap");
  add_config_options(*replay, into.replay.config, into.replay.sets);
  replay->add_option("--seed", into.seed, "makes every random choice reproducible")->type_name("N");
  replay->add_flag("--learn-isn", into.replay.learn_isn,
                   "takes sequence numbers from the recorded server and reports where answers differ from its");

  CLI::App* stats = app.add_subcommand("stats", "prints the counters of a running instance");
  stats->add_flag("--json", into.stats.json, "one JSON object instead of tables");
  stats->add_flag("--watch", into.stats.watch, "again every second until SIGINT");
  stats->add_option("--instance", into.stats.instance, "dpdk.instance of its configuration")->type_name("NAME");

  CLI::App* conns = app.add_subcommand("conns", "lists the connections of a running instance");
  conns->add_flag("--json", into.conns.json, "one JSON object a line instead of a table");
  conns->add_option("--filter", into.conns.filters, "state=, local=, peer= or service=; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  conns->add_option("--instance", into.conns.instance, "dpdk.instance of its configuration")->type_name("NAME");
}

std::optional<ParsedLine> check_instance(const std::string& instance) {
  if (lib::is_instance_name(instance)) return std::nullopt;
  return usage_error(fmt::format("--instance: not an instance ({}); write the dpdk.instance of its configuration",
                                 printable(instance)));
}

ParsedLine finish_replay(Parsing& parsing) {
  if (!parsing.seed.empty()) {
    std::uint64_t seed = 0;
    const char* end = parsing.seed.data() + parsing.seed.size();
    const auto [stop, error] = std::from_chars(parsing.seed.data(), end, seed);
    if (error != std::errc{} || stop != end || seed > INT64_MAX) {
      return usage_error(fmt::format("--seed: not a seed ({}); write a whole number from 0 to {}",
                                     printable(parsing.seed), INT64_MAX));
    }
    parsing.replay.seed = seed;
  }
  return {Command(std::move(parsing.replay)), kExitDone, "", ""};
}

ParsedLine finish_conns(Parsing& parsing) {
  if (auto wrong = check_instance(parsing.conns.instance)) return *wrong;
  if (const Result<ConnFilter> filter = ConnFilter::parse(parsing.conns.filters); !filter.ok()) {
    return usage_error("--filter: " + filter.error().message);
  }
  return {Command(std::move(parsing.conns)), kExitDone, "", ""};
}

}  // namespace

ParsedLine parse_command_line(int argc, const char* const* argv) {
  CLI::App app("sluice terminates TCP for load-balancer front ends, on DPDK.", "sluice");
  Parsing parsing;
  describe(app, parsing);
  const std::vector<std::string>& names = command_names();
  const std::string no_command = fmt::format("no command; write one of {}, or --help", fmt::join(names, ", "));
  if (argc < 2) return usage_error(no_command);
  // The parser would call it an argument that it did not expect.
  const std::string_view first = argv[1];
  if (!first.starts_with('-') && std::find(names.begin(), names.end(), first) == names.end()) {
    return usage_error(fmt::format("{}: unknown command; {}", printable(first), nearest_remedy(first, names)));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    return {std::nullopt, kExitDone, (chosen.empty() ? &app : chosen.front())->help(), ""};
  } catch (const CLI::CallForVersion&) {
    return {std::nullopt, kExitDone, fmt::format("sluice {}\n", version()), ""};
  } catch (const CLI::ParseError& error) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    if (chosen.empty()) return usage_error(no_command);
    return usage_error(
        fmt::format("{}; see sluice {} --help", printable(error.what(), 200), chosen.front()->get_name()));
  }
  if (app.got_subcommand("serve")) return {Command(std::move(parsing.serve)), kExitDone, "", ""};
  if (app.got_subcommand("replay")) return finish_replay(parsing);
  if (app.got_subcommand("conns")) return finish_conns(parsing);
  if (auto wrong = check_instance(parsing.stats.instance)) return *wrong;
  return {Command(std::move(parsing.stats)), kExitDone, "", ""};
}

}  // namespace sluice::cli
