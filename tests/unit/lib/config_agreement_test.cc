// SPDX-License-Identifier: BSD-3-Clause
// The command line and the library refuse the same: what one says of a file the other says of the values.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "base/rng.h"
#include "cli/config_file.h"
#include "lib/config_check.h"

namespace sluice::lib {
namespace {

constexpr const char* kFile = R"([[port]]
name = "front"
device = "net_null0"
addresses = ["10.77.0.1/24", "fd77::1/64"]
[[service]]
name = "web"
listen = ["10.77.0.1:80"]
app = "http"
)";

// What the command line says of a file, without the place; "": nothing.
std::string command_line_says(const std::string& file, const std::vector<std::string>& sets = {}) {
  const cli::LoadedConfig loaded = cli::parse_config(file, "f", sets);
  if (loaded.errors.empty()) return "";
  const std::string& first = loaded.errors.front();
  return first.substr(first.find(": ") + 2);
}

std::string library_says(const Config& config) {
  const Result<void> checked = check_config(config);
  return checked ? "" : checked.error().message;
}

struct Number {
  const char* key;
  std::function<bool(Config&, std::int64_t)> put;  // false: it does not fit
  bool zero_is_unset = false;                      // in the values; a file leaves the key out
};

template <typename T>
bool put(T& field, std::int64_t value) {
  if constexpr (!std::is_enum_v<T>) {
    if (value < 0 || static_cast<std::uint64_t>(value) > std::numeric_limits<T>::max()) return false;
  }
  field = static_cast<T>(value);
  return true;
}
#define PUT(FIELD) [](Config & c, std::int64_t v) { return put(c.FIELD, v); }
#define PUT_OPTIONAL(FIELD) [](Config & c, std::int64_t v) { return put(c.FIELD.emplace(), v); }

// Every number that a file may hold and a program may fill in. [tcp] seed takes any.
const std::vector<Number>& numbers() {
  static const std::vector<Number> all = {
      {"engine.drain_s", PUT(drain_s)},
      {"tcp.msl_ms", PUT(tcp.msl_ms)},
      {"tcp.keepalive.idle_s", PUT(tcp.keepalive.idle_s)},
      {"tcp.keepalive.interval_s", PUT(tcp.keepalive.interval_s)},
      {"tcp.keepalive.probes", PUT(tcp.keepalive.probes)},
      {"tcp.max_connections", PUT(tcp.max_connections)},
      {"tcp.syn_cache", PUT(tcp.syn_cache)},
      {"tcp.rcvbuf", PUT(tcp.rcvbuf)},
      {"tcp.sndbuf", PUT(tcp.sndbuf)},
      {"tcp.ttl", PUT(tcp.ttl)},
      {"tcp.dscp", PUT(tcp.dscp)},
      {"port.front.mtu", PUT(ports.at(0).mtu)},
      {"port.front.vlan", PUT(ports.at(0).vlan)},
      {"service.web.backlog", PUT(services.at(0).backlog)},
      {"service.web.rcvbuf", PUT(services.at(0).rcvbuf), true},
      {"service.web.sndbuf", PUT(services.at(0).sndbuf), true},
      {"service.web.keepalive.idle_s", PUT(services.at(0).keepalive.idle_s)},
      {"service.web.keepalive.interval_s", PUT(services.at(0).keepalive.interval_s)},
      {"service.web.keepalive.probes", PUT(services.at(0).keepalive.probes)},
      {"service.web.ttl", PUT_OPTIONAL(services.at(0).ttl)},
      {"service.web.dscp", PUT_OPTIONAL(services.at(0).dscp)},
      {"service.web.idle_timeout_s", PUT(services.at(0).idle_timeout_s)},
  };
  return all;
}

// The bound between what is taken and what is not lies where the command line finds it: no number of `limits` is asked.
TEST(ConfigAgreement, NumbersThatOneRefusesTheOtherRefuses) {
  const Config good = cli::parse_config(kFile, "f").config;
  ASSERT_EQ(library_says(good), "");
  for (const Number& number : numbers()) {
    const auto command_line_takes = [&](std::int64_t value) {
      return command_line_says(kFile, {fmt::format("{}={}", number.key, value)}).empty();
    };
    std::vector<std::int64_t> values = {0, 1, 2, 1500, 65535, 65536, UINT32_MAX};
    for (unsigned bit = 2; bit < 32; ++bit) {
      for (const int off : {-1, 0, 1}) values.push_back((std::int64_t{1} << bit) + off);
    }
    // Between two powers of two: bisected to where the answer changes.
    for (std::int64_t low = 0, power = 1; power <= std::int64_t{1} << 32; low = power, power *= 2) {
      std::int64_t a = low;
      std::int64_t b = power;
      if (command_line_takes(a) == command_line_takes(b)) continue;
      while (b - a > 1) {
        const std::int64_t middle = a + (b - a) / 2;
        (command_line_takes(middle) == command_line_takes(a) ? a : b) = middle;
      }
      values.insert(values.end(), {a, b});
    }
    int refused = 0;
    for (const std::int64_t value : values) {
      Config config = good;
      if (!number.put(config, value) || (value == 0 && number.zero_is_unset)) continue;
      const std::string said = library_says(config);
      EXPECT_EQ(said.empty(), command_line_takes(value)) << number.key << " = " << value << ": " << said;
      EXPECT_TRUE(said.empty() || said.starts_with(number.key)) << said;
      if (!said.empty()) ++refused;
    }
    EXPECT_GT(refused, 0) << number.key;
  }
}

// Rules of addresses, by chance: few networks and hosts, so that all that can go wrong between them does.
struct Dice {
  Rng rng;
  bool one_in(std::uint32_t n) { return rng.below(n) == 0; }
  std::string of(const std::vector<std::string>& list) { return list[rng.below(static_cast<std::uint32_t>(list.size()))]; }
  std::string v4() {
    if (one_in(12)) return of({"127.0.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.77.0.0", "10.77.0.255"});
    return fmt::format("10.{}.0.{}", 77 + rng.below(2), 1 + rng.below(4));
  }
  std::string v6() {
    if (one_in(12)) return of({"::", "::1", "ff02::1", "fe80::1", "fd77::"});
    return fmt::format("fd7{}::{}", 7 + rng.below(2), 1 + rng.below(4));
  }
  std::string ip() { return one_in(3) ? v6() : v4(); }
  std::string interface() { return one_in(3) ? v6() + of({"/64", "/64", "/127", "/128"}) : v4() + of({"/24", "/24", "/16", "/31", "/32"}); }
  std::string route() {
    const bool four = !one_in(3);
    const std::string network = four ? of({"10.9.0.0/16", "10.9.8.0/24", "0.0.0.0/0"}) : of({"2001:db8::/32", "::/0"});
    return network + " via " + (four ? v4() : one_in(3) ? "fe80::9" : v6());
  }
  template <typename Make>
  std::vector<std::string> some(std::uint32_t most, Make make) {
    std::vector<std::string> list;
    for (std::uint32_t n = one_in(3) ? rng.below(most + 1) : 0; list.size() < n;) list.push_back((this->*make)());
    return list;
  }
};

std::string list_of(const char* key, const std::vector<std::string>& texts) {
  return texts.empty() ? "" : fmt::format("{} = [\"{}\"]\n", key, fmt::join(texts, "\", \""));
}

template <typename T>
std::vector<T> parsed(const std::vector<std::string>& texts) {
  std::vector<T> values;
  for (const std::string& text : texts) values.push_back(T::parse(text).value());
  return values;
}

// The same as a file and as values.
struct Both {
  std::string file;
  Config config;
};

void add_port(Both& both, Dice& dice, const char* name) {
  PortConfig& port = both.config.ports.emplace_back();
  port.name = name;
  port.device = dice.of({"net_null0", "net_null1", "net_null1,copy=1", "0000:00:03.0", "net_null2"});
  if (dice.one_in(20)) port.device = dice.of({"eth0", "0000:00:03.8", "00:03.0", "3.0"});
  std::vector<std::string> addresses = dice.some(2, &Dice::interface);
  addresses.push_back(dice.interface());
  port.addresses = parsed<InterfaceAddress>(addresses);
  if (dice.one_in(4)) port.mtu = static_cast<std::uint16_t>(1278 + dice.rng.below(4));
  port.slaac = dice.one_in(4);
  const std::vector<std::string> sources = dice.some(1, &Dice::ip);
  const std::vector<std::string> gateways = dice.some(2, &Dice::ip);
  const std::vector<std::string> routes = dice.some(2, &Dice::route);
  port.sources = parsed<IpAddress>(sources);
  port.gateways = parsed<IpAddress>(gateways);
  port.routes = parsed<Route>(routes);
  if (dice.one_in(4)) {
    port.mac = dice.of({"02:00:00:00:77:01", "02:00:00:00:77:0A", "03:00:00:00:77:01", "00:00:00:00:00:00", "02:0:00:00:77:01"});
  }
  both.file += fmt::format("[[port]]\nname = \"{}\"\ndevice = \"{}\"\n", name, port.device) + list_of("addresses", addresses) +
               fmt::format("mtu = {}\nslaac = {}\n", port.mtu, port.slaac) + list_of("sources", sources) + list_of("gateway", gateways) +
               list_of("routes", routes);
  if (!port.mac.empty()) both.file += fmt::format("mac = \"{}\"\n", port.mac);
}

void add_service(Both& both, Dice& dice, const char* name) {
  ServiceConfig& service = both.config.services.emplace_back();
  service.name = name;
  std::vector<std::string> listen;
  for (int i = 0; i < 2; ++i) {
    const std::string own = both.config.ports[0].addresses[0].address.to_string();
    const std::string ip = dice.one_in(3) ? dice.ip() : own;
    const std::string host = ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
    listen.push_back(host + ":" + (dice.one_in(20) ? "0" : std::to_string(80 + dice.rng.below(4))));
  }
  service.listen = parsed<Endpoint>(listen);
  both.file += fmt::format("[[service]]\nname = \"{}\"\napp = \"echo\"\n", name) + list_of("listen", listen);
}

TEST(ConfigAgreement, BothSayTheSameOfPortsAndServicesMadeByChance) {
  int refused = 0;
  int taken = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    Dice dice{Rng(seed)};
    Both both;
    add_port(both, dice, "front");
    if (dice.one_in(2)) add_port(both, dice, dice.one_in(10) ? "front" : "back");
    add_service(both, dice, "web");
    if (dice.one_in(2)) add_service(both, dice, dice.one_in(10) ? "web" : "other");
    const std::string said = library_says(both.config);
    ASSERT_EQ(said, command_line_says(both.file)) << "seed " << seed << "\n" << both.file;
    ++(said.empty() ? taken : refused);
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(refused, 1000);
}

TEST(ConfigAgreement, BothSayTheSameOfInstancesAndCores) {
  const Config good = cli::parse_config(kFile, "f").config;
  for (const std::string text : {"", "a", ".", "..", ".a", "a.b", "a/b", "a b", "-", "0", "sluice_1"}) {
    Config config = good;
    config.dpdk.instance = text;
    EXPECT_EQ(library_says(config), command_line_says(fmt::format("{}[dpdk]\ninstance = \"{}\"\n", kFile, text))) << text;
  }
  for (const std::size_t length : {1, 63, 64, 65, 100}) {
    Config config = good;
    config.dpdk.instance = std::string(length, 'i');
    EXPECT_EQ(library_says(config), command_line_says(fmt::format("{}[dpdk]\ninstance = \"{}\"\n", kFile, config.dpdk.instance)));
  }
  for (const std::string text :
       {"", "0", "0-3", "3-0", "1,4-5", "1,", ",", "0@2", "0@", "127", "128", "0-128", "a", "(0-3)@(4-7)", "(a)", "0 1"}) {
    Config config = good;
    config.dpdk.lcores = text;
    EXPECT_EQ(library_says(config), command_line_says(fmt::format("{}[dpdk]\nlcores = \"{}\"\n", kFile, text))) << text;
  }
  for (const std::string text : {"--help", "-h", "--he", "-vh", "-hv", "--huge-dir=/h", "--h", "-v", "-n2", "-mh", "help", "--helping"}) {
    Config config = good;
    config.dpdk.eal_args = {"-v", text};
    EXPECT_EQ(library_says(config), command_line_says(fmt::format("{}[dpdk]\neal_args = [\"-v\", \"{}\"]\n", kFile, text))) << text;
  }
}

}  // namespace
}  // namespace sluice::lib
