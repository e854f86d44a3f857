// SPDX-License-Identifier: BSD-3-Clause
#include "cli/replay.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/registry.h"
#include "cli/exit_status.h"
#include "cli/replay_port.h"
#include "cli/talks.h"
#include "engine/group.h"
#include "lib/needs.h"
#include "port/dpdk/buffers.h"
#include "port/dpdk/eal.h"
#include "port/lcores.h"
#include "port/memory_port.h"
#include "wire/packet.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kSeedUnlessGiven = 1;
constexpr std::size_t kBuffers = 32768;
constexpr std::size_t kFewestBuffers = 4096;
// Longer frames than this do not fit a buffer (its length has 16 bits) with what surrounds them.
constexpr std::size_t kLongestFrame = 64'000;
// Services that poll get a turn this often, this long after the last frame or deadline: their own
// delays are no deadlines of the stack's.
constexpr Duration kPollEvery = Duration::milliseconds(100);
constexpr Duration kPollFor = Duration::seconds(10);
// Turns at one instant before the engine must have come to rest: it never needs nearly as many.
constexpr unsigned kTurnsAtOnce = 1'000'000;

int fail(const Error& error) {
  std::fprintf(stderr, "sluice: %s\n", error.message.c_str());
  return error.code == Errc::kInvalid ? kExitUsage : kExitFailed;
}

// "02:00:00:00:00:01": the configuration's check has passed it.
port::MacAddress read_mac(const std::string& text) {
  port::MacAddress mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) {
    mac[i] = static_cast<std::uint8_t>(std::stoul(text.substr(3 * i, 2), nullptr, 16));
  }
  return mac;
}

// The Ethernet address that the capture's packets for us were sent to: with it nothing
// needs to be configured.
std::optional<port::MacAddress> mac_in(const std::string& path, const PortConfig& port) {
  auto reader = port::PcapReader::open(path);
  if (!reader) return std::nullopt;
  for (;;) {
    const auto frame = (*reader)->next();
    if (!frame || !*frame) return std::nullopt;
    std::vector<std::uint8_t> bytes = (*frame)->bytes;
    Buf buf{};
    buf.data = bytes.data();
    buf.len = static_cast<std::uint32_t>(bytes.size());
    buf.flags = kRxIpCsumGood | kRxL4CsumGood;
    wire::Packet packet;
    if (wire::parse_frame(buf, wire::ParseContext{port.vlan}, packet) != wire::ParseError::kOk || packet.l2_group ||
        packet.kind == wire::PacketKind::kArp) {
      continue;
    }
    const bool ours = std::any_of(port.addresses.begin(), port.addresses.end(),
                                  [&](const InterfaceAddress& a) { return a.address == packet.dst; });
    if (!ours) continue;
    port::MacAddress mac;
    std::memcpy(mac.data(), bytes.data(), mac.size());
    return mac;
  }
}

// Not every path can stand in net_pcap's arguments, which have commas, equals signs, brackets and quotes of their own: one with
// more than these goes by another name.
constexpr std::string_view kPlainInPaths = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+~@%";

class DeviceName {
 public:
  explicit DeviceName(const std::string& path) {
    std::string name = path;
    if (path.find_first_not_of(kPlainInPaths) != std::string::npos) {
      link_ = fmt::format("/tmp/sluice-replay-{}.pcap", ::getpid());
      std::filesystem::remove(link_);
      std::filesystem::create_symlink(std::filesystem::absolute(path), link_);
      name = link_;
    }
    device_ = fmt::format("net_pcap_replay,rx_pcap={}", name);
  }
  ~DeviceName() {
    std::error_code ignored;
    if (!link_.empty()) std::filesystem::remove(link_, ignored);
  }
  DeviceName(const DeviceName&) = delete;
  DeviceName& operator=(const DeviceName&) = delete;
  [[nodiscard]] const std::string& device() const noexcept { return device_; }

 private:
  std::string link_, device_;
};

// What SIGINT and SIGTERM set; run() looks at it, so that what a replay has made is removed.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

class Signals {
 public:
  Signals() {
    struct sigaction end {};
    end.sa_handler = [](int) { interrupted.store(true); };
    end.sa_flags = SA_RESTART;
    sigemptyset(&end.sa_mask);
    for (std::size_t i = 0; i < kAll.size(); ++i) ::sigaction(kAll[i], &end, &before_[i]);
  }
  ~Signals() {
    for (std::size_t i = 0; i < kAll.size(); ++i) ::sigaction(kAll[i], &before_[i], nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  static constexpr std::array<int, 2> kAll = {SIGINT, SIGTERM};
  std::array<struct sigaction, 2> before_{};
};

// Whether a service with a connection may wait for nothing but the time of day.
bool wants_poll(engine::Group& group) {
  for (unsigned s = 0; s < group.shards(); ++s) {
    const stack::Stack& stack = group.shard(s).stack();
    if (stack.polls() && stack.live_connections() != 0) return true;
  }
  return false;
}

// The capture's clock: from event to event, until nothing is left to wait for.
Result<void> run(engine::Group& group, ReplayPort& port) {
  Instant now{};
  Instant event_at{};
  group.start(now);
  for (;;) {
    unsigned turns = 0;
    while (group.run_all_once(now)) {
      if (++turns < kTurnsAtOnce && !interrupted.load(std::memory_order_relaxed)) continue;
      if (interrupted.load(std::memory_order_relaxed)) break;
      return Error{Errc::kIo, "replay: the engine does not come to rest; this is a defect"};
    }
    if (interrupted.load(std::memory_order_relaxed)) return Error{Errc::kIo, "replay: interrupted; the output is not whole"};
    const Instant event = std::min(port.next_arrival(), group.next_deadline(now));
    if (port.lost_frames()) {
      return Error{Errc::kNoMemory, "replay: net_pcap lost frames for want of buffers; raise tcp.buffers"};
    }
    const bool poll = now - event_at < kPollFor && wants_poll(group);
    const Instant next = poll ? std::min(event, now + kPollEvery) : event;
    if (next == Instant::never()) return {};
    // A deadline is a lower bound: where it is due and nothing fired, time must still go on.
    now = std::max(next, now + Duration::nanoseconds(next <= now ? kTickNs : 0));
    if (next == event) event_at = now;
  }
}

void print_summary(const ReplayArguments& arguments, const ReplayPort& port, engine::Group& group) {
  for (unsigned s = 0; s < group.shards(); ++s) group.shard(s).publish();
  const Stats stats = group.stats();
  fmt::print("replay: {} frames of {}, {} answers in {}\n", port.received(), arguments.in, port.sent(), arguments.out);
  for (const VerdictCount& verdict : stats.verdicts) {
    if (verdict.frames == 0) continue;
    fmt::print("  {:>8}  {:<5}  {}: {}\n", verdict.frames, verdict.severity, verdict.name, verdict.text);
  }
  if (group.shards() == 1) return;
  std::uint64_t handed_over = 0;
  for (const ShardStats& shard : stats.shards) {
    for (const auto& counter : shard.counters) {
      if (std::string_view(counter.name) == "handed_over") handed_over += counter.value;
    }
  }
  fmt::print("  {:>8} of them handed to the shard of their flow\n", handed_over);
}

// `--learn-isn`: the recorded server's answers, and the engine's to the same clients.
struct Comparison {
  Talks recorded, ours;

  explicit Comparison(Talks all) : recorded(std::move(all)), ours(recorded.unanswered()) {}

  [[nodiscard]] stack::Recorded numbers() const {
    return [this](const tcp::FlowId& flow, const IpAddress& local, Instant now) -> std::optional<stack::RecordedNumbers> {
      const Talk* talk = recorded.find({flow.remote, flow.remote_port}, {local, flow.local_port}, now);
      if (talk == nullptr || !talk->syn_ack) return std::nullopt;
      return stack::RecordedNumbers{talk->syn_ack->iss, talk->syn_ack->tsval - static_cast<std::uint32_t>(talk->syn_ack->at.ms())};
    };
  }

  void listen_to(ReplayPort& port, std::uint16_t vlan) {
    port.on_sent([this, vlan, bytes = std::vector<std::uint8_t>()](std::span<const std::uint8_t> frame, Instant now) mutable {
      bytes.assign(frame.begin(), frame.end());
      if (const auto packet = tcp_packet(bytes, vlan)) ours.server_said(*packet, now);
    });
  }

  void print() const {
    const std::vector<const Talk*> theirs = recorded.all();
    const std::vector<const Talk*> mine = ours.all();  // the same clients in the same order
    std::size_t same = 0;
    std::string lines;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const std::vector<std::string> found = differences(*mine[i], *theirs[i]);
      same += found.empty() ? 1 : 0;
      lines += fmt::format("  {} -> {}: {}\n", theirs[i]->client.to_string(), theirs[i]->server.to_string(),
                           found.empty() ? "as recorded" : fmt::format("{}", fmt::join(found, "; ")));
    }
    fmt::print("learn-isn: {} connections, {} answered as recorded\n{}", theirs.size(), same, lines);
  }
};

// The input, read whole; an error is one of the arguments'.
Result<port::CaptureSummary> check_files(const ReplayArguments& arguments) {
  std::error_code ignored;
  // It is read three times: here, for our Ethernet address, and by net_pcap.
  if (std::filesystem::exists(arguments.in, ignored) && !std::filesystem::is_regular_file(arguments.in, ignored)) {
    return Error{Errc::kInvalid, arguments.in + ": is not a regular file; name a capture on disk"};
  }
  if (std::filesystem::equivalent(arguments.in, arguments.out, ignored)) {
    return Error{Errc::kInvalid, "--out: " + arguments.out + " is the input itself; name another file"};
  }
  auto capture = port::check_capture(arguments.in);
  if (capture && capture->longest > kLongestFrame) {
    return Error{Errc::kInvalid,
                 fmt::format("{}: its longest frame has {} bytes, at most {} can be replayed; capture with "
                             "segmentation offloads off (ethtool -K IFACE tso off gso off gro off)",
                             arguments.in, capture->longest, kLongestFrame)};
  }
  return capture;
}

// As many as the configuration says; else of about the same memory whatever the longest frame is.
port::BufferLimits plan_buffers(const Config& config, const port::CaptureSummary& capture) {
  port::BufferLimits limits;
  limits.mtu = std::max(config.ports.front().mtu, static_cast<std::uint16_t>(capture.longest));
  const std::size_t of_default_size = kBuffers * kBufRoom / port::buffer_room(limits.mtu);
  limits.buffers = std::max<std::size_t>(config.tcp.buffers != 0 ? config.tcp.buffers : of_default_size,
                                         kFewestBuffers);
  return limits;
}

// What a replay runs on is not the operator's to choose: memory, one thread, a clock and secrets that are the same every time.
void settle(Config& config, const DeviceName& name) {
  config.ports.front().device = name.device();
  config.dpdk.instance = fmt::format("sluice-replay-{}", ::getpid());
  config.dpdk.hugepages = Hugepages::kOff;
  config.dpdk.lcores = port::one_lcore_anywhere();  // lock-step on one thread, however many shards
  if (config.tcp.seed == 0) config.tcp.seed = kSeedUnlessGiven;
}

Result<std::vector<ServiceFactory>> make_factories(Config& config) {
  std::vector<ServiceFactory> factories;
  for (ServiceConfig& service : config.services) {
    // The capture's clock is the only one: the same input must give the same bytes.
    if (service.app == "daytime" || service.app == "http") service.options.try_emplace("time", "virtual");
    auto factory = app::make_factory(service);
    if (!factory) return factory.error();
    factories.push_back(std::move(*factory));
  }
  return factories;
}

int replay(Config config, const ReplayArguments& arguments) {
  const auto capture = check_files(arguments);
  if (!capture) {
    std::fprintf(stderr, "sluice: %s\n", capture.error().message.c_str());
    return kExitUsage;
  }
  auto factories = make_factories(config);
  if (!factories) return fail(factories.error());
  PortConfig& front = config.ports.front();
  const std::string configured_mac = std::exchange(front.mac, {});  // net_pcap's own stays as it is
  const unsigned shards = lib::count_lcores(config.dpdk.lcores);
  const Signals signals;
  const DeviceName name(arguments.in);
  settle(config, name);

  const port::BufferLimits limits = plan_buffers(config, *capture);
  auto eal = port::Eal::start(config.dpdk, port::DpdkBuffers::memory_needed(limits, 1), std::vector{front.device});
  if (!eal) return fail(eal.error());
  auto buffers = port::DpdkBuffers::create(limits);
  if (!buffers) return fail(buffers.error());
  const engine::Keys keys = engine::make_keys(config.tcp.seed);
  port::DpdkPortOptions options;
  options.rss_key = keys.rss;
  auto device = port::DpdkPort::create(front, options, **buffers);
  if (!device) return fail(device.error());
  auto writer = port::PcapWriter::open(arguments.out, capture->origin_us);
  if (!writer) return fail(writer.error());

  port::MacAddress mac = (*device)->mac();
  if (!configured_mac.empty()) {
    mac = read_mac(configured_mac);
  } else if (const auto seen = mac_in(arguments.in, front)) {
    mac = *seen;
  }
  ReplayPort port(std::move(*device), *capture, mac, **writer);
  std::vector<std::unique_ptr<port::MemoryPort>> others;  // ports that nothing arrives on
  std::vector<port::Port*> ports{&port};
  for (std::size_t i = 1; i < config.ports.size(); ++i) {
    others.push_back(std::make_unique<port::MemoryPort>(**buffers));
    ports.push_back(others.back().get());
  }
  std::optional<Comparison> comparison;
  engine::GroupOptions group_options;
  group_options.shards = std::max(shards, 1U);
  group_options.learn_next_hops = true;
  if (arguments.learn_isn) {
    auto talks = read_talks(arguments.in, front);
    if (!talks) return fail(talks.error());
    comparison.emplace(std::move(*talks));
    comparison->listen_to(port, front.vlan);
    group_options.recorded = comparison->numbers();
  }
  engine::Group group(config, group_options, keys, ports, **buffers);
  for (std::size_t i = 0; i < factories->size(); ++i) {
    if (auto added = group.add_service(config.services[i], (*factories)[i]); !added) return fail(added.error());
  }
  const auto ran = run(group, port);
  port.finish();
  if (!ran) return fail(ran.error());
  if (auto closed = (*writer)->close(); !closed) return fail(closed.error());
  print_summary(arguments, port, group);
  if (comparison) comparison->print();
  return kExitDone;
}

}  // namespace

int run_replay(const Config& config, const ReplayArguments& arguments) { return replay(config, arguments); }

}  // namespace sluice::cli
