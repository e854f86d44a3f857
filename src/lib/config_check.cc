// SPDX-License-Identifier: BSD-3-Clause
#include "lib/config_check.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/out_of_range.h"
#include "lib/rules.h"

namespace sluice::lib {

namespace {

// Keeps the first fault.
class Findings {
 public:
  void number(const std::string& key, std::int64_t value, limits::Range range) {
    if (!first_ && !range.contains(value)) first_ = out_of_range(key, value, range);
  }
  void number_or_zero(const std::string& key, std::int64_t value, limits::Range range) {
    if (!first_ && value != 0 && !range.contains(value)) first_ = out_of_range_or_zero(key, value, range);
  }
  void say(const std::string& key, std::string_view what) {
    if (!first_) first_ = Error{Errc::kInvalid, fmt::format("{}: {}", key, what)};
  }
  void judge(const std::string& key, const Judgement& fault, std::string_view value) {
    if (fault) say(key, fmt::format("{} ({}); {}", fault->what, quoted_if_empty(value), fault->remedy));
  }
  // A text that has to be given.
  void text(const std::string& key, std::string_view value, Judgement (*rule)(std::string_view), std::size_t max = kTextMax) {
    const Judgement as_any_text = judge_text(value, max);
    judge(key, as_any_text ? as_any_text : rule(value), value);
  }
  // What is written twice of `owners`, where everything has the key that it was seen at first.
  using Owners = std::map<std::string, std::string, std::less<>>;
  void claim(Owners& owners, const std::string& what, const std::string& key, std::string_view remedy) {
    const auto [owner, fresh] = owners.try_emplace(what, key);
    if (!fresh) say(key, fmt::format("already used by {} ({}); {}", owner->second, printable(what), remedy));
  }

  [[nodiscard]] bool any() const noexcept { return first_.has_value(); }
  [[nodiscard]] Result<void> result() && { return first_ ? Result<void>(std::move(*first_)) : Result<void>(); }

 private:
  std::optional<Error> first_;
};

using Owners = Findings::Owners;

// "port.front" if it has a usable name, else "port[0]".
std::string key_of(std::string_view kind, const std::string& name, std::size_t index) {
  return is_name(name) ? fmt::format("{}.{}", kind, name) : fmt::format("{}[{}]", kind, index);
}

std::string element(const std::string& list, std::size_t index) { return fmt::format("{}[{}]", list, index); }

void check_name(Findings& findings, Owners& names, const std::string& name, const std::string& key, std::string_view remedy) {
  if (name.empty()) return;
  findings.text(key, name, judge_name);
  findings.claim(names, name, key, remedy);
}

void check_keepalive(Findings& findings, const KeepaliveConfig& keepalive, const std::string& key) {
  findings.number(key + ".keepalive.idle_s", keepalive.idle_s, limits::kKeepaliveS);
  findings.number(key + ".keepalive.interval_s", keepalive.interval_s, limits::kKeepaliveS);
  findings.number(key + ".keepalive.probes", keepalive.probes, limits::kKeepaliveProbes);
}

void check_tcp(Findings& findings, const TcpConfig& tcp) {
  findings.number("tcp.msl_ms", tcp.msl_ms, limits::kMslMs);
  check_keepalive(findings, tcp.keepalive, "tcp");
  findings.number("tcp.congestion_control", static_cast<std::int64_t>(tcp.congestion_control), limits::kCongestion);
  findings.number("tcp.max_connections", tcp.max_connections, limits::kMaxConnections);
  findings.number("tcp.syn_cache", tcp.syn_cache, limits::kSynCache);
  findings.number_or_zero("tcp.buffers", tcp.buffers, limits::kPacketBuffers);
  findings.number("tcp.rcvbuf", tcp.rcvbuf, limits::kBufferBytes);
  findings.number("tcp.sndbuf", tcp.sndbuf, limits::kBufferBytes);
  findings.number("tcp.ttl", tcp.ttl, limits::kTtl);
  findings.number("tcp.dscp", tcp.dscp, limits::kDscp);
}

// A value that parses as it is written, as the configuration file's must: prefix lengths, families, bits behind a prefix.
template <typename T>
void check_as_text(Findings& findings, const std::string& key, const T& value) {
  if (const Result<T> read = T::parse(value.to_string()); !read) findings.say(key, read.error().message);
}

void check_addresses(Findings& findings, const PortConfig& port, const std::string& key, Owners& addresses) {
  if (port.addresses.empty() && !port.slaac) findings.say(key + ".addresses", fmt::format("missing; {}", kAddressesRemedy));
  for (std::size_t i = 0; i < port.addresses.size(); ++i) {
    const InterfaceAddress& own = port.addresses[i];
    const std::string here = element(key + ".addresses", i);
    check_as_text(findings, here, own);
    if (findings.any()) return;
    findings.judge(here, judge_interface(own), own.to_string());
    findings.claim(addresses, own.address.to_string(), here, kAddressTwice);
  }
}

// `port.addresses` are good.
void check_routers(Findings& findings, const PortConfig& port, const std::string& key) {
  const std::span gateways(port.gateways);
  for (std::size_t i = 0; i < gateways.size(); ++i) {
    const std::string here = element(key + ".gateway", i);
    findings.judge(here, judge_second_gateway(gateways.first(i), gateways[i]), gateways[i].to_string());
    findings.judge(here, judge_gateway(port, key, gateways[i]), gateways[i].to_string());
  }
  const std::span routes(port.routes);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const std::string here = element(key + ".routes", i);
    check_as_text(findings, here, routes[i]);
    findings.judge(here, judge_second_route(routes.first(i), routes[i]), routes[i].to_string());
    findings.judge(here, judge_route(port, key, routes[i]), routes[i].to_string());
  }
}

struct Seen {
  Owners names, devices, addresses;
};

void check_port(Findings& findings, const PortConfig& port, const std::string& key, Seen& seen) {
  check_name(findings, seen.names, port.name, key + ".name", kNameOfPortTwice);
  if (port.device.empty()) findings.say(key + ".device", fmt::format("missing; {}", kDeviceRemedy));
  findings.text(key + ".device", port.device, judge_device);
  findings.claim(seen.devices, std::string(device_name(port.device)), key + ".device", kDeviceTwice);
  check_addresses(findings, port, key, seen.addresses);
  if (findings.any()) return;
  findings.number(key + ".mtu", port.mtu, limits::kMtu);
  findings.judge(key + ".mtu", judge_mtu(port), std::to_string(port.mtu));
  const std::span sources(port.sources);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string here = element(key + ".sources", i);
    findings.judge(here, judge_second_source(sources.first(i), sources[i]), sources[i].to_string());
    findings.judge(here, judge_source(port, key, sources[i]), sources[i].to_string());
  }
  check_routers(findings, port, key);
  if (!port.mac.empty()) findings.text(key + ".mac", port.mac, judge_mac);
  findings.number(key + ".vlan", port.vlan, limits::kVlan);
}

// `each` has more to say of an endpoint: (its key, the endpoint).
template <typename Each>
void check_service(Findings& findings, const ServiceConfig& service, const std::string& key, Each each) {
  for (std::size_t i = 0; i < service.listen.size(); ++i) {
    const std::string here = element(key + ".listen", i);
    findings.judge(here, judge_listen_port(service.listen[i]), service.listen[i].to_string());
    each(here, service.listen[i]);
  }
  findings.number(key + ".backlog", service.backlog, limits::kBacklog);
  findings.number_or_zero(key + ".rcvbuf", service.rcvbuf, limits::kBufferBytes);
  findings.number_or_zero(key + ".sndbuf", service.sndbuf, limits::kBufferBytes);
  check_keepalive(findings, service.keepalive, key);
  findings.number(key + ".congestion_control", static_cast<std::int64_t>(service.congestion_control), limits::kCongestion);
  if (service.ttl) findings.number(key + ".ttl", *service.ttl, limits::kTtl);
  if (service.dscp) findings.number(key + ".dscp", *service.dscp, limits::kDscp);
  findings.number(key + ".idle_timeout_s", service.idle_timeout_s, limits::kIdleTimeoutS);
}

void check_services(Findings& findings, const Config& config) {
  std::vector<InterfaceAddress> addresses;
  bool slaac = false;
  for (const PortConfig& port : config.ports) {
    addresses.insert(addresses.end(), port.addresses.begin(), port.addresses.end());
    slaac = slaac || port.slaac;
  }
  Owners names;
  Listening listening;
  for (std::size_t s = 0; s < config.services.size(); ++s) {
    const ServiceConfig& service = config.services[s];
    const std::string key = key_of("service", service.name, s);
    check_name(findings, names, service.name, key + ".name", kNameOfServiceTwice);
    check_service(findings, service, key, [&](const std::string& here, const Endpoint& endpoint) {
      findings.judge(here, judge_listen_address(addresses, slaac, endpoint), endpoint.to_string());
      findings.judge(here, listening.claim(endpoint, here), endpoint.to_string());
    });
  }
}

}  // namespace

Result<void> check_config(const Config& config) {
  Findings findings;
  findings.text("dpdk.instance", config.dpdk.instance, judge_instance, limits::kInstanceBytes.max);
  findings.text("dpdk.lcores", config.dpdk.lcores, judge_lcores);
  for (std::size_t i = 0; i < config.dpdk.eal_args.size(); ++i) {
    const std::string& argument = config.dpdk.eal_args[i];
    findings.judge(element("dpdk.eal_args", i), judge_eal_arg(argument), argument);
  }
  findings.number("engine.drain_s", config.drain_s, limits::kDrainS);
  check_tcp(findings, config.tcp);
  if (config.ports.empty()) findings.say("port", fmt::format("missing; {}", kPortsRemedy));
  Seen seen;
  for (std::size_t i = 0; i < config.ports.size() && !findings.any(); ++i) {
    check_port(findings, config.ports[i], key_of("port", config.ports[i].name, i), seen);
  }
  if (!findings.any()) check_services(findings, config);
  return std::move(findings).result();
}

Result<void> check_service(const ServiceConfig& service) {
  Findings findings;
  const std::string key = is_name(service.name) ? "service." + service.name : "service";
  if (!service.name.empty()) findings.text(key + ".name", service.name, judge_name);
  check_service(findings, service, key, [](const std::string&, const Endpoint&) {});
  return std::move(findings).result();
}

}  // namespace sluice::lib
