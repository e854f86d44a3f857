// SPDX-License-Identifier: BSD-3-Clause
// Control path of a DPDK port: finding or making the device, negotiating what it can
// do, saying clearly what it cannot.
#include "port/dpdk/ethdev_port.h"

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

#include <net/if.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "port/dpdk/eal.h"
#include "port/dpdk/eal_log.h"

namespace sluice::port {

namespace {

constexpr std::uint64_t kRssTcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

// The value of `key` in "name,key=value,...".
std::string device_argument(const std::string& device, std::string_view key) {
  std::size_t at = device.find(',');
  while (at != std::string::npos) {
    const std::size_t next = device.find(',', at + 1);
    const std::string item = device.substr(at + 1, next == std::string::npos ? next : next - at - 1);
    if (item.starts_with(key) && item.size() > key.size() && item[key.size()] == '=')
      return item.substr(key.size() + 1);
    at = next;
  }
  return {};
}

bool parse_mac(std::string_view text, MacAddress& mac) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const std::string_view digits = text.substr(3 * i, 2);
    const auto [end, wrong] = std::from_chars(digits.begin(), digits.end(), mac[i], 16);
    if (wrong != std::errc{} || end != digits.end() || (i < 5 && text[3 * i + 2] != ':')) return false;
  }
  return (mac[0] & 1U) == 0;  // a station's own address is never a group's
}

// A locally administered address, always the same for one device string.
MacAddress made_up_mac(const std::string& device) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : device) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  MacAddress mac{0x02};
  for (std::size_t i = 1; i < mac.size(); ++i) mac[i] = static_cast<std::uint8_t>(hash >> (8 * i));
  return mac;
}

}  // namespace

struct DpdkPort::Setup {
  const PortConfig& config;
  const DpdkPortOptions& options;
  DpdkPort& port;
  rte_eth_dev_info info{};
  rte_eth_conf conf{};
  std::uint16_t queues = 1;
  std::vector<std::uint8_t> hash_key{};  // as long as the device wants it

  [[nodiscard]] Error error(Errc code, const std::string& text) const {
    return {code, "port." + config.name + " (device \"" + config.device + "\"): " + text};
  }
  [[nodiscard]] std::string driver_says(int code) const {
    const std::string reason = dpdk_log_reason();
    return reason.empty() ? std::string(std::strerror(code < 0 ? -code : code)) : reason;
  }
  [[nodiscard]] bool driver_is(std::string_view name) const {
    return info.driver_name != nullptr && name == info.driver_name;
  }

  [[nodiscard]] Result<void> check_arguments() const;
  Result<void> claim_interface();
  [[nodiscard]] Error refused(const std::string& step, int code) const;
  Result<void> find_pci();
  Result<void> find_or_make_vdev();
  Result<void> negotiate();
  Result<void> negotiate_queues();
  Result<void> check_mtu();
  Result<void> configure();
  Result<void> spread() const;
  Result<void> set_mac();
  Result<void> start();
};

// What a vdev's arguments name must be there: drivers say it less clearly.
Result<void> DpdkPort::Setup::check_arguments() const {
  for (const char* argument : {"iface", "rx_iface", "rx_iface_in", "tx_iface"}) {
    const std::string interface = device_argument(config.device, argument);
    if (interface.empty() || config.device.starts_with("net_tap") || config.device.starts_with("net_vhost")) continue;
    if (::if_nametoindex(interface.c_str()) == 0) {
      return error(Errc::kNoDevice, "there is no interface \"" + interface +
                                        "\" in this network namespace; make it first, or correct the device");
    }
  }
  // A second opener of a tap would silently take a part of the first one's frames.
  const std::string tap = config.device.starts_with("net_tap") ? device_argument(config.device, "iface") : "";
  if (!tap.empty() && ::if_nametoindex(tap.c_str()) != 0) {
    char carrier = '0';
    std::ifstream("/sys/class/net/" + tap + "/carrier") >> carrier;
    if (carrier == '1') {
      return error(Errc::kBusy, "the interface \"" + tap + "\" is in use; stop what holds it, or choose another name");
    }
  }
  const std::string capture = device_argument(config.device, "rx_pcap");
  std::error_code ignored;
  if (!capture.empty() && !std::filesystem::exists(capture, ignored)) {
    return error(Errc::kNoDevice, "there is no file \"" + capture + "\"; correct the device");
  }
  return {};
}

// Any number of packet sockets may share an interface, and each would answer the same segments. An abstract
// socket's name is taken in this network namespace for as long as the process lives, however it ends.
Result<void> DpdkPort::Setup::claim_interface() {
  const std::string interface = config.device.starts_with("net_af_packet") ? device_argument(config.device, "iface") : "";
  if (interface.empty()) return {};
  const std::string claim = "sluice/net_af_packet/" + interface;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (claim.size() >= sizeof(name.sun_path)) return {};  // no interface is called so
  std::copy(claim.begin(), claim.end(), name.sun_path + 1);
  port.claim_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (port.claim_ < 0) return error(Errc::kIo, std::string("no socket to be had: ") + std::strerror(errno));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + claim.size());
  if (::bind(port.claim_, reinterpret_cast<const sockaddr*>(&name), size) == 0) return {};
  return error(Errc::kBusy, "the interface \"" + interface + "\" is in use by another sluice; stop it, or choose another");
}

// A step that the driver refused, by what it says and what can be true.
Error DpdkPort::Setup::refused(const std::string& step, int code) const {
  const std::string said = driver_says(code);
  for (const char* words : {"busy", "Busy", "in use", "Failed to create xsk socket"}) {
    if (code == -EBUSY || code == -EEXIST || dpdk_log_mentions(words)) {
      return error(Errc::kBusy, "the device is in use (" + said + "); stop what holds it, or choose another");
    }
  }
  // Many drivers fail with -1, which reads as EPERM: believe it only where it can be true.
  const bool root = ::geteuid() == 0;
  const bool interface = config.device.starts_with("net_af_") || config.device.starts_with("net_tap") ||
                         config.device.find("iface") != std::string::npos;
  if (dpdk_log_mentions("not permitted") || dpdk_log_mentions("ermission denied") ||
      (!root && (interface || code == -EPERM || code == -EACCES))) {
    return error(Errc::kPermission, "no permission to use it (" + said + "); run as root");
  }
  if (code == -ENOMEM) {
    return error(Errc::kNoMemory, step + " failed for want of memory (" + said + "); lower tcp.buffers");
  }
  return error(step == "opening it" ? Errc::kNoDevice : Errc::kIo, step + " failed (" + said + "); correct the device");
}

Result<void> DpdkPort::Setup::find_pci() {
  const std::string address = pci_name(config.device);
  if (rte_eth_dev_get_port_by_name(address.c_str(), &port.id_) == 0) return {};
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path sysfs = fs::path("/sys/bus/pci/devices") / address;
  if (!fs::exists(sysfs, ignored)) {
    return error(Errc::kNoDevice, "there is no PCI device at this address; lspci -D lists what there is");
  }
  const std::string driver = fs::read_symlink(sysfs / "driver", ignored).filename();
  if (driver != "vfio-pci" && driver != "uio_pci_generic" && driver != "igb_uio") {
    return error(Errc::kBusy, (driver.empty() ? "no driver holds the device"
                                              : "the kernel's driver " + driver + " holds the device") +
                                  std::string("; give it to DPDK: dpdk-devbind.py -b vfio-pci ") + address);
  }
  return refused("opening it", -ENODEV);
}

Result<void> DpdkPort::Setup::find_or_make_vdev() {
  const std::size_t comma = config.device.find(',');
  const std::string name = config.device.substr(0, comma);
  if (rte_eth_dev_get_port_by_name(name.c_str(), &port.id_) == 0) return {};  // by eal_args, or by a test
  if (Result<void> there = check_arguments(); !there) return there;
  if (Result<void> claimed = claim_interface(); !claimed) return claimed;
  const std::string arguments = comma == std::string::npos ? "" : config.device.substr(comma + 1);
  clear_dpdk_log();
  int made = 0;
  {
    const OutputCapture capture;
    made = rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str());
  }
  if (made != 0) return refused("opening it", made);
  port.made_vdev_ = name;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &port.id_) != 0) {
    return error(Errc::kNoDevice, "the driver made no Ethernet port; correct the device");
  }
  return {};
}

Result<void> DpdkPort::Setup::negotiate() {
  if (const int failed = rte_eth_dev_info_get(port.id_, &info); failed != 0) {
    return refused("asking what it can do", failed);
  }
  const std::uint64_t rx = info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                                                   RTE_ETH_RX_OFFLOAD_VLAN_STRIP);
  std::uint64_t tx = info.tx_offload_capa &
                     (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
  // net_tap sums up in software, fragment by fragment, and wrongly behind one of odd length: the stack does it right.
  if (driver_is("net_tap")) tx &= ~(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
  // memif's zero-copy mode lends the peer what it is handed: direct mbufs only.
  if (device_argument(config.device, "zero-copy") == "yes") tx &= ~RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  conf.rxmode.offloads = rx;
  conf.txmode.offloads = tx;
  Capabilities& can = port.capabilities_;
  can.rx_ip_csum = (rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
  can.rx_tcp_csum = (rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
  can.tx_ip_csum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  can.tx_tcp_csum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
  can.multi_segment = (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
  port.tx_prepare_ = can.tx_ip_csum || can.tx_tcp_csum;
  port.max_segments_ = 1;
  if (can.multi_segment) {
    const std::uint16_t most = info.tx_desc_lim.nb_mtu_seg_max;
    port.max_segments_ = most == 0 ? kMaxFragments + 1 : most;
  }
  if (Result<void> mtu = check_mtu(); !mtu) return mtu;
  return negotiate_queues();
}

Result<void> DpdkPort::Setup::check_mtu() {
  // As ethdev itself reckons the bytes around a packet.
  const std::uint32_t overhead = info.max_mtu != UINT16_MAX && info.max_rx_pktlen > info.max_mtu
                                     ? info.max_rx_pktlen - info.max_mtu
                                     : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  const auto most = std::min<std::uint32_t>(
      {info.max_mtu, info.max_rx_pktlen > overhead ? info.max_rx_pktlen - overhead : 0U, port.buffers_->max_mtu()});
  if (config.mtu > most || config.mtu < info.min_mtu) {
    return error(Errc::kInvalid, "mtu = " + std::to_string(config.mtu) + " is not possible; choose " +
                                     std::to_string(info.min_mtu) + " to " + std::to_string(most));
  }
  conf.rxmode.mtu = config.mtu;
  port.capabilities_.mtu = config.mtu;
  return {};
}

Result<void> DpdkPort::Setup::negotiate_queues() {
  const auto wanted = static_cast<std::uint16_t>(std::max(1U, options.shards));
  const std::uint16_t most = std::min(info.max_rx_queues, info.max_tx_queues);
  // net_null and net_tap list RSS, but neither computes a hash with a key of ours.
  const bool can_spread = (info.flow_type_rss_offloads & kRssTcp) == kRssTcp &&
                          info.hash_key_size >= options.rss_key.size() && info.reta_size != 0 &&
                          !driver_is("net_null") && !driver_is("net_tap");
  if (config.rss == RssMode::kHardware) {
    if (!can_spread) {
      return error(Errc::kInvalid,
                   "rss = \"hardware\", but the device cannot spread TCP flows over queues with our key; "
                   "use rss = \"auto\" or \"software\"");
    }
    if (most < wanted) {
      return error(Errc::kInvalid, "rss = \"hardware\" needs " + std::to_string(wanted) +
                                       " queues, one a core, the device has " + std::to_string(most) +
                                       "; use fewer dpdk.lcores, or rss = \"auto\" or \"software\"");
    }
  }
  if (config.rss == RssMode::kSoftware || !can_spread || most < wanted) return {};
  // Even with one queue: the hash that comes with a frame saves computing it.
  Capabilities& can = port.capabilities_;
  queues = wanted;
  can.rss = wanted > 1;
  can.rss_entries = info.reta_size;
  can.rx_hash = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0;
  if (can.rx_hash) conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
  // A longer key is hashed over longer tuples than TCP's: its tail does not matter.
  hash_key.assign(info.hash_key_size, 0);
  std::copy(options.rss_key.begin(), options.rss_key.end(), hash_key.begin());
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  conf.rx_adv_conf.rss_conf.rss_key = hash_key.data();
  conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
  conf.rx_adv_conf.rss_conf.rss_hf = kRssTcp;
  return {};
}

Result<void> DpdkPort::Setup::configure() {
  clear_dpdk_log();
  if (const int failed = rte_eth_dev_configure(port.id_, queues, queues, &conf); failed != 0) {
    if (failed == -EBUSY)
      return error(Errc::kBusy, "the device is in use by another port of this process; name each device once");
    return refused("configuring it", failed);
  }
  std::uint16_t rx_size = info.default_rxportconf.ring_size != 0 ? info.default_rxportconf.ring_size : 1024;
  std::uint16_t tx_size = info.default_txportconf.ring_size != 0 ? info.default_txportconf.ring_size : 1024;
  rte_eth_dev_adjust_nb_rx_tx_desc(port.id_, &rx_size, &tx_size);
  const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(port.id_));
  for (std::uint16_t q = 0; q < queues; ++q) {
    int failed = rte_eth_rx_queue_setup(port.id_, q, rx_size, socket, nullptr, port.buffers_->pool());
    if (failed == 0) failed = rte_eth_tx_queue_setup(port.id_, q, tx_size, socket, nullptr);
    if (failed != 0) return refused("setting up queue " + std::to_string(q), failed);
  }
  port.queues_ = std::vector<Queue>(queues);
  port.capabilities_.queues = queues;
  // ENOTSUP: the driver has no limit of its own beside what configure checked.
  const int failed = rte_eth_dev_set_mtu(port.id_, config.mtu);
  if (failed != 0 && failed != -ENOTSUP) {
    return error(Errc::kInvalid, "mtu = " + std::to_string(config.mtu) + " is refused (" + driver_says(failed) +
                                     "); choose a smaller one");
  }
  return {};
}

// Entry e of the indirection table is queue e % queues: the rule that Capabilities::rss promises.
Result<void> DpdkPort::Setup::spread() const {
  if (!port.capabilities_.rss) return {};
  std::vector<rte_eth_rss_reta_entry64> table((info.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1U) /
                                              RTE_ETH_RETA_GROUP_SIZE);
  for (std::size_t e = 0; e < info.reta_size; ++e) {
    auto& group = table[e / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= 1ULL << (e % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[e % RTE_ETH_RETA_GROUP_SIZE] = static_cast<std::uint16_t>(e % queues);
  }
  if (const int failed = rte_eth_dev_rss_reta_update(port.id_, table.data(), info.reta_size); failed != 0) {
    return error(Errc::kIo, "the device refuses its RSS table (" + driver_says(failed) + "); use rss = \"software\"");
  }
  return {};
}

Result<void> DpdkPort::Setup::set_mac() {
  rte_ether_addr own{};
  rte_eth_macaddr_get(port.id_, &own);
  std::copy(std::begin(own.addr_bytes), std::end(own.addr_bytes), port.mac_.begin());
  port.device_mac_ = port.mac_;
  if (rte_is_zero_ether_addr(&own) != 0) port.mac_ = made_up_mac(config.device);  // net_ring, net_null
  // A tap's address is the one that the kernel's side answers to: ours must differ.
  const bool kernels = driver_is("net_tap");
  bool all = false;
  if (!config.mac.empty()) {
    if (!parse_mac(config.mac, port.mac_)) {
      return error(Errc::kInvalid,
                   "mac = \"" + config.mac + "\" is not the address of one station, for example \"02:00:00:00:77:01\"");
    }
    std::copy(port.mac_.begin(), port.mac_.end(), std::begin(own.addr_bytes));
    // Where the device cannot take our address it must pass everything on.
    port.set_mac_ = !kernels && rte_eth_dev_default_mac_addr_set(port.id_, &own) == 0;
    all = !kernels && !port.set_mac_;
  } else if (kernels) {
    port.mac_[0] = static_cast<std::uint8_t>(port.mac_[0] | 2U);
    port.mac_[5] = static_cast<std::uint8_t>(port.mac_[5] ^ 0x80U);
  }
  // Neighbour solicitations come to multicast addresses.
  if (!kernels && rte_eth_allmulticast_enable(port.id_) != 0) all = true;
  if (all) {
    port.promiscuous_ = rte_eth_promiscuous_enable(port.id_) == 0;
  } else if (!kernels) {
    rte_eth_promiscuous_disable(port.id_);
  }
  return {};
}

Result<void> DpdkPort::Setup::start() {
  clear_dpdk_log();
  if (const int failed = rte_eth_dev_start(port.id_); failed != 0) {
    return refused("starting it", failed);
  }
  port.started_ = true;
  const int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
  const int offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr);
  if (flag >= 0 && offset >= 0) {
    port.timestamp_flag_ = 1ULL << static_cast<unsigned>(flag);
    port.timestamp_offset_ = offset;
  }
  return {};
}

Result<std::unique_ptr<DpdkPort>> DpdkPort::create(const PortConfig& config, const DpdkPortOptions& options,
                                                   DpdkBuffers& buffers) {
  std::unique_ptr<DpdkPort> port(new DpdkPort);
  port->id_ = RTE_MAX_ETHPORTS;
  port->buffers_ = &buffers;
  port->index_ = options.index;
  port->copy_break_ = options.copy_break;
  port->name_ = config.name;
  port->device_ = config.device;
  Setup setup{config, options, *port};
  const OutputCapture capture;  // af_xdp's libraries print what DPDK does not ask for
  Result<void> step = is_pci_address(config.device) ? setup.find_pci() : setup.find_or_make_vdev();
  if (step) step = setup.negotiate();
  if (step) step = setup.configure();
  if (step) step = setup.set_mac();
  if (step) step = setup.start();
  if (step) step = setup.spread();
  if (!step) return step.error();
  return port;
}

DpdkPort::~DpdkPort() {
  std::optional<OutputCapture> capture;
  if (device_.starts_with("net_af_xdp")) capture.emplace();
  if (started_) {
    if (promiscuous_) rte_eth_promiscuous_disable(id_);
    if (set_mac_) {  // net_af_packet's is the interface's own: as we found it
      rte_ether_addr own{};
      std::copy(device_mac_.begin(), device_mac_.end(), std::begin(own.addr_bytes));
      rte_eth_dev_default_mac_addr_set(id_, &own);
    }
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }
  if (!made_vdev_.empty()) rte_eal_hotplug_remove("vdev", made_vdev_.c_str());
  if (claim_ >= 0) ::close(claim_);
}

bool DpdkPort::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

PortStats DpdkPort::stats() const {
  PortStats out;
  out.name = name_;
  out.device = device_;
  out.link_up = link_up();
  rte_eth_stats device{};
  if (rte_eth_stats_get(id_, &device) == 0) {
    out.rx_frames = device.ipackets;
    out.rx_bytes = device.ibytes;
    out.tx_frames = device.opackets;
    out.tx_bytes = device.obytes;
    out.rx_missed = device.imissed + device.ierrors;
    out.rx_no_buffer = device.rx_nombuf;
  }
  for (const Queue& queue : queues_) {
    out.rx_missed += queue.rx_unusable.load(std::memory_order_relaxed);
    out.rx_no_buffer += queue.rx_no_buffer.load(std::memory_order_relaxed);
    out.tx_dropped += queue.tx_dropped.load(std::memory_order_relaxed);
  }
  return out;
}

}  // namespace sluice::port
