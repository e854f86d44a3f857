// SPDX-License-Identifier: BSD-3-Clause
// What a configuration may hold besides numbers (limits in sluice/config.h): for the command line, which asks while
// it reads and knows the place, and for Engine::create(), which asks of the values. No DPDK. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/config.h"

namespace sluice::lib {

// Why a value cannot be: "a loopback address", and what would help: "write the address of a host, ...".
struct Fault {
  std::string what;
  std::string remedy;
};
using Judgement = std::optional<Fault>;  // nothing: it can

inline constexpr std::size_t kTextMax = 4095;  // bytes of any text
// Not empty, without a zero byte, not too long.
[[nodiscard]] Judgement judge_text(std::string_view text, std::size_t max = kTextMax);
// `text` on one line and about `max` bytes long, whatever it holds.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max = 80);
// As it stands in brackets behind what is wrong with it.
[[nodiscard]] std::string quoted_if_empty(std::string_view text);

// Letters, digits, '-' and '_', 1 to 63: a port's, a service's.
[[nodiscard]] bool is_name(std::string_view text) noexcept;
[[nodiscard]] Judgement judge_name(std::string_view text);
// An instance names the control socket and DPDK's runtime directory: letters, digits, '-', '_' and '.', not '.'
// first, 1 to 64.
[[nodiscard]] bool is_instance_name(std::string_view text) noexcept;
[[nodiscard]] Judgement judge_instance(std::string_view text);
// "0", "0-3", "1,4-5", each perhaps with "@" and a CPU. DPDK's sets in brackets are for EAL to judge.
[[nodiscard]] Judgement judge_lcores(std::string_view text);

// One of dpdk.eal_args: not one that asks DPDK for its help, after which DPDK ends the process.
[[nodiscard]] Judgement judge_eal_arg(std::string_view text);

// A vdev, "net_...", or a PCI address.
inline constexpr std::string_view kDeviceRemedy =
    "write a DPDK device like \"net_af_packet0,iface=veth-s\" or a PCI address like \"0000:00:03.0\"";
[[nodiscard]] Judgement judge_device(std::string_view text);
// What no two ports may share of it: its name without arguments.
[[nodiscard]] std::string_view device_name(std::string_view device) noexcept;
[[nodiscard]] Judgement judge_mac(std::string_view text);
// One that is in limits::kMtu may still be too small for the port's addresses.
[[nodiscard]] Judgement judge_mtu(const PortConfig& port);

// Its prefix length is one of its family.
[[nodiscard]] Judgement judge_interface(const InterfaceAddress& address);

// One more of a list: `earlier` are those before it. `port.addresses` are known, `key` is the port's: "port.front".
[[nodiscard]] Judgement judge_second_source(std::span<const IpAddress> earlier, const IpAddress& source);
[[nodiscard]] Judgement judge_source(const PortConfig& port, std::string_view key, const IpAddress& source);
[[nodiscard]] Judgement judge_second_gateway(std::span<const IpAddress> earlier, const IpAddress& gateway);
[[nodiscard]] Judgement judge_gateway(const PortConfig& port, std::string_view key, const IpAddress& gateway);
[[nodiscard]] Judgement judge_second_route(std::span<const Route> earlier, const Route& route);
[[nodiscard]] Judgement judge_route(const PortConfig& port, std::string_view key, const Route& route);

// Where a service listens: a port that is not 0, at one of the addresses of all ports or at any of a family. `slaac`: there is a port
// that makes itself IPv6 addresses; nobody listens at one of those by name.
[[nodiscard]] Judgement judge_listen_port(const Endpoint& endpoint);
[[nodiscard]] Judgement judge_listen_address(std::span<const InterfaceAddress> addresses, bool slaac, const Endpoint& endpoint);
// Endpoints that services listen at: no two may be the same, or any address of a family beside one of it on the same port.
class Listening {
 public:
  // From now on it is `key`'s, unless another has it.
  [[nodiscard]] Judgement claim(const Endpoint& endpoint, const std::string& key);

 private:
  struct Owner {
    IpAddress address;
    std::string key;
  };
  std::map<std::pair<std::uint16_t, bool>, std::vector<Owner>> owners_;  // by port and family
};

// What is said of a list that must not be empty, of a name, device, address or endpoint that another has already.
inline constexpr std::string_view kPortsRemedy = "add a [[port]] with a name, a device and addresses";
inline constexpr std::string_view kAddressesRemedy = "write addresses = [\"10.77.0.1/24\", \"fd77::1/64\"]";
inline constexpr std::string_view kNameOfPortTwice = "give every port a name of its own";
inline constexpr std::string_view kNameOfServiceTwice = "give every service a name of its own";
inline constexpr std::string_view kDeviceTwice = "give every port a device of its own";
inline constexpr std::string_view kAddressTwice = "write every address once";
inline constexpr std::string_view kEndpointTwice = "listen on another address or port";

}  // namespace sluice::lib
