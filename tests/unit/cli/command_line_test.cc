// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <regex>
#include <string>
#include <variant>
#include <vector>

namespace sluice::cli {
namespace {

ParsedLine parse(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv = {"sluice"};
  argv.insert(argv.end(), arguments);
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

template <typename T>
T command(std::initializer_list<const char*> arguments) {
  const ParsedLine line = parse(arguments);
  EXPECT_EQ(line.error, "");
  return line.command && std::holds_alternative<T>(*line.command) ? std::get<T>(*line.command) : T{};
}

TEST(CommandLine, ServeTakesItsOptions) {
  const auto serve = command<ServeArguments>(
      {"serve", "-c", "a.toml", "--check", "--set", "tcp.msl_ms=1", "--set", "log.level=off"});
  EXPECT_EQ(serve.config, "a.toml");
  EXPECT_TRUE(serve.check);
  EXPECT_EQ(serve.sets, (std::vector<std::string>{"tcp.msl_ms=1", "log.level=off"}));
  EXPECT_FALSE(command<ServeArguments>({"serve", "-c", "a.toml"}).check);
}

TEST(CommandLine, ASetValueMayHoldCommasBlanksAndBrackets) {
  const std::string set = "port.front.addresses=[\"a/1\", \"b/2\"]";
  EXPECT_EQ(command<ServeArguments>({"serve", "-c", "a.toml", "--set", set.c_str()}).sets, std::vector<std::string>{set});
}

TEST(CommandLine, ReplayTakesItsOptions) {
  const auto replay = command<ReplayArguments>(
      {"replay", "--in", "i.pcap", "--out", "o.pcap", "-c", "a.toml", "--seed", "7", "--set", "tcp.msl_ms=1"});
  EXPECT_EQ(replay.in, "i.pcap");
  EXPECT_EQ(replay.out, "o.pcap");
  EXPECT_EQ(replay.config, "a.toml");
  EXPECT_EQ(replay.seed, 7U);
  EXPECT_EQ(replay.sets, (std::vector<std::string>{"tcp.msl_ms=1"}));
  EXPECT_FALSE(command<ReplayArguments>({"replay", "--in", "i", "--out", "o", "-c", "a"}).seed.has_value());
}

TEST(CommandLine, StatsAndConnsTakeTheirOptions) {
  const auto stats = command<StatsArguments>({"stats", "--json", "--watch", "--instance", "edge"});
  EXPECT_TRUE(stats.json);
  EXPECT_TRUE(stats.watch);
  EXPECT_EQ(stats.instance, "edge");
  EXPECT_EQ(command<StatsArguments>({"stats"}).instance, "sluice");
  const auto conns =
      command<ConnsArguments>({"conns", "--filter", "state=TIME_WAIT", "--filter", "service=web", "--json"});
  EXPECT_TRUE(conns.json);
  EXPECT_EQ(conns.filters, (std::vector<std::string>{"state=TIME_WAIT", "service=web"}));
}

TEST(CommandLine, VersionAndHelpExitWithZero) {
  const ParsedLine version = parse({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(std::regex_match(version.out, std::regex("sluice [0-9]+\\.[0-9]+\\.[0-9]+\n"))) << version.out;
  for (const ParsedLine& help : {parse({"--help"}), parse({"serve", "--help"})}) {
    EXPECT_EQ(help.status, 0);
    EXPECT_FALSE(help.command.has_value());
    EXPECT_EQ(help.error, "");
  }
  EXPECT_NE(parse({"serve", "--help"}).out.find("--check"), std::string::npos);
}

struct Wrong {
  std::vector<const char*> arguments;
  std::string error;  // a regular expression, whole
};

class WrongCommandLine : public testing::TestWithParam<Wrong> {};

TEST_P(WrongCommandLine, SaysWhatIsWrongAndExitsWithTwo) {
  std::vector<const char*> argv = {"sluice"};
  argv.insert(argv.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  const ParsedLine line = parse_command_line(static_cast<int>(argv.size()), argv.data());
  EXPECT_EQ(line.status, 2);
  EXPECT_FALSE(line.command.has_value());
  EXPECT_TRUE(std::regex_match(line.error, std::regex(GetParam().error))) << line.error;
}

INSTANTIATE_TEST_SUITE_P(
    Lines, WrongCommandLine,
    testing::Values(
        Wrong{{}, "no command; write one of serve, replay, stats, conns, or --help"},
        Wrong{{"load"}, "load: unknown command; known here: serve, replay, stats, conns"},
        Wrong{{"top"}, "top: unknown command; known here: serve, replay, stats, conns"},
        Wrong{{"serv"}, "serv: unknown command; did you mean serve\\?"},
        Wrong{{"--json"}, "no command; write one of serve, replay, stats, conns, or --help"},
        Wrong{{"serve"}, "--config is required; see sluice serve --help"},
        Wrong{{"serve", "-c"}, "--config: .*; see sluice serve --help"},
        Wrong{{"serve", "-c", "a", "-c", "b"}, "--config: .*; see sluice serve --help"},
        Wrong{{"serve", "-c", "a", "--chekc"}, ".*--chekc.*; see sluice serve --help"},
        Wrong{{"serve", "-c", "a", "extra"}, ".*extra.*; see sluice serve --help"},
        Wrong{{"serve", "-c", "a", "--set"}, "--set: .*; see sluice serve --help"},
        Wrong{{"serve", "-c", "a", "stats"}, ".*stats.*; see sluice serve --help"},
        Wrong{{"replay", "--out", "o", "-c", "a"}, "--in is required; see sluice replay --help"},
        Wrong{{"replay", "--in", "i", "-c", "a"}, "--out is required; see sluice replay --help"},
        Wrong{{"replay", "--in", "i", "--out", "o"}, "--config is required; see sluice replay --help"},
        Wrong{{"replay", "--in", "i", "--out", "o", "-c", "a", "--seed", "x1"}, "--seed: not a seed \\(x1\\); .*"},
        Wrong{{"replay", "--in", "i", "--out", "o", "-c", "a", "--seed", "9223372036854775808"},
              "--seed: not a seed \\(9223372036854775808\\); .*"},
        Wrong{{"stats", "--instance", "../x"},
              "--instance: not an instance \\(../x\\); write the dpdk.instance of its configuration"},
        Wrong{{"conns", "--instance", ""}, "--instance: not an instance \\(\\); .*"},
        Wrong{{"conns", "--filter", "state=OPEN"}, "--filter: unknown state \\(OPEN\\); known here: CLOSED, .*"},
        Wrong{{"conns", "--filter", "state=ESTABLISHD"},
              "--filter: unknown state \\(ESTABLISHD\\); did you mean ESTABLISHED\\?"},
        Wrong{{"conns", "--filter", "local=eth0"}, "--filter: not an address \\(eth0\\); write IP or IP:PORT, .*"},
        Wrong{{"conns", "--filter", "colour=red"}, "--filter: not a filter \\(colour=red\\); write state=STATE, .*"},
        Wrong{{"conns", "--filter", "state"}, "--filter: not a filter \\(state\\); .*"}));

}  // namespace
}  // namespace sluice::cli
