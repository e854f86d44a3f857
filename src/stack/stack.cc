// SPDX-License-Identifier: BSD-3-Clause
#include "stack/stack.h"

#include <algorithm>

namespace sluice::stack {

namespace {
std::uint32_t side_blocks(const StackConfig& config) noexcept {
  return config.side_blocks != 0 ? config.side_blocks : std::max(64U, config.max_connections / 8);
}
// An index of 16 bits names them.
std::uint32_t congestion_blocks(const StackConfig& config) noexcept {
  return std::clamp<std::uint32_t>(config.max_connections, 64, tcp::kNoCongestionState);
}
std::uint32_t send_maps(const StackConfig& config) noexcept {
  return config.send_maps != 0 ? config.send_maps : std::max(64U, config.max_connections / 8);
}
std::uint32_t long_send_maps(const StackConfig& config) noexcept {
  return std::clamp(send_maps(config) / 8, 256U, tcp::kMostSendMores);
}
std::uint32_t table_entries(const StackConfig& config) noexcept {
  return 2 * config.max_connections + config.syn_cache;
}
Prefault prefault(const StackConfig& config) noexcept { return config.prefault ? Prefault::kYes : Prefault::kNo; }
constexpr std::uint32_t kMaxParams = 0xfff0;
constexpr std::uint64_t kReassemblyTweak = 0x66726167;  // keys of their own
constexpr std::uint64_t kIpIdTweak = 0x6970696e;
constexpr std::uint64_t kPathTweak = 0x70617468;
constexpr std::uint64_t kPortTweak = 0x706f7274;
}  // namespace

Stack::Stack(const StackConfig& config, BufSource& buffers)
    : config_(config),
      addresses_(config.interfaces),
      bufs_(buffers),
      slabs_{Slab<tcp::Tcb>(config.max_connections, prefault(config)), Slab<tcp::HalfOpen>(config.syn_cache),
             Slab<tcp::TimeWait>(config.max_connections), Slab<tcp::Side>(side_blocks(config)),
             Slab<tcp::CongestionState>(congestion_blocks(config)), Slab<tcp::BbrModel>(congestion_blocks(config)),
             Slab<tcp::SendMap>(send_maps(config)), Slab<tcp::SendMore>(long_send_maps(config)), config.table_key},
      opened_ms_(std::size_t{config.max_connections} * sizeof(std::uint32_t)),
      table_(table_entries(config), Records{&slabs_}),
      wheel_(Records{&slabs_}, Tick{}),
      local_ports_({config.table_key.k0 ^ kPortTweak, config.table_key.k1}),
      neighbours_(config.neighbour_sets, !config.learn_next_hops, rng_, bufs_),
      reassembly_(config.reassembly, {config.table_key.k0 ^ kReassemblyTweak, config.table_key.k1}, bufs_),
      defend_from_(addresses_.size()),
      mld_reports_(config.interfaces.size()),
      routers_(config.interfaces, config.learn_next_hops),
      slaac_(config.interfaces, config.address_key, config.learn_next_hops),
      autoconfigured_(config.interfaces.size()),
      paths_(config.path_sets, {config.table_key.k0 ^ kPathTweak, config.table_key.k1}),
      mtu_search_(config.mtu_searches, {config.table_key.k0 ^ kPathTweak, config.table_key.k1}),
      params_(kMaxParams),
      tx_(config.interfaces.size()),
      rng_(config.seed),
      ip_ids_({config.table_key.k0 ^ kIpIdTweak, config.table_key.k1 ^ config.seed}),
      cookie_keys_(config.secrets.cookies),
      fast_open_keys_(config.secrets.fast_open),
      fast_open_cache_(config.fastopen),
      rst_limit_(200'000),
      time_wait_limit_(200'000),
      icmp_limit_(20'000),
      icmp_error_limit_(1'000),
      env_{Instant{}, Tick{}, outbox_, bufs_, slabs_.sides, slabs_.congestion, slabs_.models, slabs_.maps, slabs_.more_sends, &params_[0],
           addresses_.mss(), counters_} {
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    secrets_.emplace_back(config.secrets, addresses_[static_cast<std::uint16_t>(i)].address);
  }
  recent_params_.fill(kNoParams);
  mld_groups_.reserve(addresses_.size());
  // A quarter is for what arrives and for answers; more than the pool itself may keep in stock, or it is no use.
  constexpr std::size_t kSpareMin = 640;
  const std::size_t spare = std::max(config.buffers / 4, kSpareMin);
  if (config.buffers > spare) bufs_.spare_beyond(config.buffers - spare);
  if (config.buffers != 0) env_.ooo_bufs_max = static_cast<std::uint32_t>(config.buffers / 4);
}

Stack::~Stack() {
  for (std::uint32_t i = 0; i < slabs_.tcbs.high_water(); ++i) {
    if (slabs_.tcbs[i].generation != 0) tcp::release(slabs_.tcbs[i], env_);
  }
}

std::size_t Stack::bytes_needed(const StackConfig& config) noexcept {
  return std::size_t{config.max_connections} * (sizeof(tcp::Tcb) + sizeof(tcp::TimeWait) + sizeof(std::uint32_t)) +
         std::size_t{config.syn_cache} * sizeof(tcp::HalfOpen) + std::size_t{side_blocks(config)} * sizeof(tcp::Side) +
         std::size_t{congestion_blocks(config)} * (sizeof(tcp::CongestionState) + sizeof(tcp::BbrModel)) +
         std::size_t{send_maps(config)} * sizeof(tcp::SendMap) +
         std::size_t{long_send_maps(config)} * sizeof(tcp::SendMore) +
         ConnTableCore::bytes_reserved(table_entries(config)) + Reassembly::bytes_needed(config.reassembly);
}

std::uint16_t Stack::add_service(Service& service, std::string name) {
  CHECK(services_.size() < kMaxServices);
  services_.push_back({&service, std::move(name)});
  if (service.wants_poll()) pollers_.push_back(&service);
  return static_cast<std::uint16_t>(services_.size() - 1);
}

void Stack::remove_last_service() noexcept {
  std::erase(pollers_, services_.back().service);
  services_.pop_back();
}

std::uint16_t Stack::service_index(const Service& service) const noexcept {
  for (std::size_t i = 0; i < services_.size(); ++i) {
    if (services_[i].service == &service) return static_cast<std::uint16_t>(i);
  }
  CHECK(false);  // a Service that add_service() never saw
  __builtin_unreachable();
}

void Stack::set_now(Instant now) noexcept {
  if (now - advanced_to_ > kLongestStep) [[unlikely]] catch_up(now);
  env_.set_now(now);
}

// Ticks are modular: a clock that jumps by days (a capture with a long pause, a machine that slept) is followed
// in steps, before anything happens at its new time.
void Stack::catch_up(Instant now) noexcept {
  while (now - advanced_to_ > kLongestStep) {
    advanced_to_ = advanced_to_ + kLongestStep;
    env_.set_now(advanced_to_);
    wheel_.advance(env_.tick, 0, [this](Handle handle) { on_timer(handle); });
    remove_expired();
  }
}

void Stack::poll(Instant now) noexcept {
  set_now(now);
  for (Service* service : pollers_) service->on_poll(now);
}

}  // namespace sluice::stack
