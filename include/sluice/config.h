// SPDX-License-Identifier: BSD-3-Clause
// The whole configuration as plain values, with the defaults that the reference
// in docs/ states. Reading it from TOML is the command line's business; a program
// that embeds libsluice may fill it in directly, and is held to the same rules:
// Engine::create() and add_service() refuse what a configuration file may not hold.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.h"

namespace sluice {

// An IPv4 or IPv6 address, 16 bytes in network order; IPv4 is held mapped
// (::ffff:a.b.c.d). Value type, any thread.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  }
  // "10.0.0.1" or "fd00::1", without brackets, zone or prefix length.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr bool is_v4() const noexcept {
    // In whole words, because the packet path asks.
    constexpr auto kMapped = std::bit_cast<std::array<std::uint32_t, 2>>(std::array<std::uint8_t, 8>{0, 0, 0xff, 0xff});
    const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(bytes);
    return halves[0] == 0 && std::bit_cast<std::array<std::uint32_t, 2>>(halves[1])[0] == kMapped[0];
  }
  // 0.0.0.0 or ::
  [[nodiscard]] constexpr bool is_any() const noexcept {
    const std::size_t first = is_v4() ? 12 : 0;
    for (std::size_t i = first; i < 16; ++i) {
      if (bytes[i] != 0) return false;
    }
    return true;
  }
  // Of 224.0.0.0/4 or ff00::/8: many hosts', and no connection's.
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return is_v4() ? (bytes[12] & 0xf0U) == 0xe0 : bytes[0] == 0xff; }
  // Of fe80::/10 (RFC 4291 2.5.6). Never an IPv4 address: 169.254.0.0/16 is an ordinary network here.
  [[nodiscard]] constexpr bool is_link_local() const noexcept { return bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80; }
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    const auto x = std::bit_cast<std::array<std::uint64_t, 2>>(a.bytes);
    const auto y = std::bit_cast<std::array<std::uint64_t, 2>>(b.bytes);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
};

// "10.0.0.1:80", "[fd00::1]:80". The port is in host order.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

// "10.0.0.1/24": an interface's address with its on-link prefix.
struct InterfaceAddress {
  IpAddress address;
  std::uint8_t prefix_len = 0;  // limits::kPrefixV4 or kPrefixV6

  [[nodiscard]] static Result<InterfaceAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

// A destination and the router on the way to it: "10.9.0.0/16 via 10.77.0.254".
struct Route {
  InterfaceAddress to;  // its address is the network's: no bits behind the prefix
  IpAddress via;

  [[nodiscard]] static Result<Route> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

enum class RssMode : std::uint8_t { kAuto, kHardware, kSoftware };
enum class Hugepages : std::uint8_t { kAuto, kOn, kOff };
enum class SynCookies : std::uint8_t { kAuto, kAlways, kNever };
enum class CongestionControl : std::uint8_t { kNewReno, kCubic, kDctcp, kBbr };
inline constexpr int kCongestionControls = 4;
inline constexpr std::uint8_t kMaxDscp = 63;
// "cubic". Static storage.
[[nodiscard]] const char* congestion_control_name(CongestionControl algorithm) noexcept;
// By that name, or "reno" for "newreno". Nothing: no such algorithm.
[[nodiscard]] std::optional<CongestionControl> find_congestion_control(std::string_view name) noexcept;

// What the numbers of a configuration and of socket options may be: whoever takes one asks here.
namespace limits {
struct Range {
  std::int64_t min = 0;
  std::int64_t max = 0;
  [[nodiscard]] constexpr bool contains(std::int64_t value) const noexcept { return value >= min && value <= max; }
};
inline constexpr Range kDrainS{0, 3600};
inline constexpr Range kMslMs{1, 3'600'000};
inline constexpr Range kKeepaliveS{1, 32767};  // idle_s and interval_s
inline constexpr Range kKeepaliveProbes{1, 127};
inline constexpr Range kMaxConnections{1, 1 << 28};
inline constexpr Range kSynCache{1, 1 << 24};
inline constexpr Range kPacketBuffers{256, 1 << 28};  // or 0
inline constexpr Range kBufferBytes{1024, 65535 << 14};  // rcvbuf and sndbuf; RFC 7323 2.2
inline constexpr Range kTtl{1, 255};
inline constexpr Range kDscp{0, kMaxDscp};
inline constexpr Range kCongestion{0, kCongestionControls - 1};
inline constexpr Range kMtu{104, 9600};  // below it no segment takes the longest options and some text
inline constexpr Range kMtuV6{1280, kMtu.max};  // RFC 8200 5
inline constexpr Range kVlan{0, 4094};
inline constexpr Range kPrefixV4{0, 32};
inline constexpr Range kPrefixV6{0, 128};
inline constexpr Range kListenPort{1, 65535};
inline constexpr Range kBacklog{1, 1 << 20};
inline constexpr Range kIdleTimeoutS{0, 86'400};
inline constexpr Range kInstanceBytes{1, 64};
inline constexpr Range kNameBytes{1, 63};  // of a port, of a service
// Of socket options alone.
inline constexpr Range kSocketBufferBytes{256, 1 << 30};
inline constexpr Range kMss{88, 65495};
inline constexpr Range kUserTimeoutMs{0, 0x7fff'ffff};
inline constexpr Range kLingerS{-1, 32767};
}  // namespace limits

struct KeepaliveConfig {
  bool enabled = false;
  std::uint32_t idle_s = 7200;
  std::uint32_t interval_s = 75;
  std::uint32_t probes = 10;
};

struct DpdkConfig {
  std::string instance = "sluice";
  std::string lcores = "0";
  Hugepages hugepages = Hugepages::kAuto;
  std::vector<std::string> eal_args;
};

struct PortConfig {
  std::string name;                         // "" or a name of its own
  std::string device;                       // a vdev string or a PCI address
  std::vector<InterfaceAddress> addresses;
  std::vector<IpAddress> sources;           // of `addresses`: those that connections we open take in turn; none: the first that fits
  std::vector<IpAddress> gateways;          // at most one of each family
  std::vector<Route> routes;                // before the gateways, the longest prefix first
  bool dad = true;                          // IPv6 addresses are tried for duplicates at start
  bool router_advertisements = true;        // where `gateways` has no IPv6 one, routers make themselves known
  bool slaac = false;                       // addresses of prefixes that routers advertise as well; `addresses` may be empty then
  std::uint16_t mtu = 1500;                 // bytes of IP packet
  std::string mac;                          // "": the device's own
  RssMode rss = RssMode::kAuto;
  std::uint16_t vlan = 0;                   // 0: untagged
};

struct TcpConfig {
  std::uint32_t msl_ms = 60000;
  KeepaliveConfig keepalive;
  SynCookies syn_cookies = SynCookies::kAuto;
  CongestionControl congestion_control = CongestionControl::kCubic;
  bool pacing = false;                        // segments leave at a rate, not a window at a time
  std::uint32_t max_connections = 1'000'000;  // of all shards together
  std::uint32_t syn_cache = 65536;            // half-open connections, of all shards together
  std::uint32_t buffers = 0;                  // packet buffers in all; 0: "auto"
  std::uint32_t rcvbuf = 262144;              // bytes
  std::uint32_t sndbuf = 262144;              // bytes
  bool ecn = false;                           // RFC 3168, offered and accepted
  bool fastopen = false;                      // RFC 7413, for listeners and for connections with text of their own
  std::uint8_t ttl = 64;                      // of IPv4 packets, hop limit of IPv6 ones; not 0
  std::uint8_t dscp = 0;                      // 0 to kMaxDscp (RFC 2474)
  std::uint64_t seed = 0;                     // not 0: every random choice is reproducible
};

// What [[service]] holds beside name, listen and app, for the app alone
// ("body_bytes", "file", "does", "socket"...). Numbers are kept as text.
using AppOptions = std::map<std::string, std::string, std::less<>>;

struct ServiceConfig {
  std::string name;
  std::vector<Endpoint> listen;
  std::string app;
  std::uint32_t backlog = 65535;   // half-open connections of this service
  bool nodelay = false;            // true: no Nagle
  std::uint32_t rcvbuf = 0;        // 0: [tcp]'s
  std::uint32_t sndbuf = 0;        // 0: [tcp]'s
  KeepaliveConfig keepalive;       // [tcp]'s unless set
  CongestionControl congestion_control = CongestionControl::kCubic;
  bool pacing = false;
  std::optional<std::uint8_t> ttl{};   // nothing: [tcp]'s
  std::optional<std::uint8_t> dscp{};  // nothing: [tcp]'s
  std::uint32_t idle_timeout_s = 0;  // of http; 0: none
  AppOptions options;
};

struct Config {
  DpdkConfig dpdk;
  std::uint32_t drain_s = 10;
  std::string log_level = "info";
  std::vector<PortConfig> ports;
  TcpConfig tcp;
  std::vector<ServiceConfig> services;
};

}  // namespace sluice
