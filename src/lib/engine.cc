// SPDX-License-Identifier: BSD-3-Clause
// The public Engine: DPDK started, buffers reserved, ports up, shards on their cores.
#include "sluice/engine.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "engine/group.h"
#include "lib/budget.h"
#include "lib/config_check.h"
#include "lib/machine_id.h"
#include "port/dpdk/buffers.h"
#include "port/dpdk/eal.h"
#include "port/dpdk/ethdev_port.h"
#include "port/dpdk/launch.h"
#include "port/dpdk/telemetry.h"

namespace sluice {

namespace {

class DpdkEngine final : public Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(const Config& config);

  Result<void> add_service(const ServiceConfig& config, ServiceFactory factory) override {
    if (const auto good = lib::check_service(config); !good) return good.error();
    return group_->add_service(config, factory);
  }

  Result<void> run(const std::function<void()>& ready) override {
    const port::TscClock clock;
    group_->start(clock.now());
    const port::Telemetry telemetry([this] { return group_->stats(); });
    if (ready) ready();
    port::run_on_lcores([&](unsigned index) { group_->run(index, [&clock] { return clock.now(); }); });
    return {};
  }

  void stop() noexcept override { group_->stop(); }
  [[nodiscard]] Stats stats() const override { return group_->stats(); }
  [[nodiscard]] Result<std::vector<ConnectionReport>> connections() override { return group_->connections(); }
  [[nodiscard]] Result<void> for_each_connection(const Wanted& wanted, const Take& take) override {
    return group_->for_each_connection(wanted, take);
  }

 private:
  // Each needs those before it for as long as it lives.
  std::unique_ptr<port::Eal> eal_;
  std::unique_ptr<port::DpdkBuffers> buffers_;
  std::vector<std::unique_ptr<port::DpdkPort>> ports_;
  std::unique_ptr<engine::Group> group_;
};

Result<std::unique_ptr<Engine>> DpdkEngine::create(const Config& config) {
  if (const auto good = lib::check_config(config); !good) return good.error();
  const auto limits = lib::plan_limits(config, port::memory_there());
  if (!limits) return limits.error();
  port::BufferLimits buffer_limits;
  buffer_limits.buffers = limits->buffers;
  buffer_limits.fragments = limits->fragments;
  buffer_limits.mtu = 0;
  std::vector<std::string> devices;
  for (const PortConfig& port : config.ports) {
    devices.push_back(port.device);
    buffer_limits.mtu = std::max(buffer_limits.mtu, port.mtu);
  }
  const std::size_t queues = config.ports.size() * limits->shards;

  auto engine = std::make_unique<DpdkEngine>();
  auto eal = port::Eal::start(config.dpdk, port::DpdkBuffers::memory_needed(buffer_limits, queues), devices);
  if (!eal) return eal.error();
  engine->eal_ = std::move(*eal);
  auto buffers = port::DpdkBuffers::create(buffer_limits);
  if (!buffers) return buffers.error();
  engine->buffers_ = std::move(*buffers);

  engine::Keys keys = engine::make_keys(config.tcp.seed);
  // docs/adr/0015-slaac.md: addresses that are the same after the next start.
  if (config.tcp.seed == 0) keys.addresses = lib::read_machine_id().value_or(keys.addresses);
  const auto shards = static_cast<unsigned>(engine->eal_->lcores().size());
  std::vector<port::Port*> ports;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    port::DpdkPortOptions options;
    options.index = static_cast<std::uint8_t>(i);
    options.shards = shards;
    options.rss_key = keys.rss;
    auto port = port::DpdkPort::create(config.ports[i], options, *engine->buffers_);
    if (!port) return port.error();
    ports.push_back(port->get());
    engine->ports_.push_back(std::move(*port));
  }
  engine::GroupOptions options;
  options.shards = shards;
  options.prefault = true;
  options.buffers = limits->buffers;
  try {
    engine->group_ = std::make_unique<engine::Group>(config, options, keys, ports, *engine->buffers_);
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, "tcp.max_connections: the kernel does not give the memory for " +
                                      std::to_string(config.tcp.max_connections) + " connections and a SYN cache of " +
                                      std::to_string(config.tcp.syn_cache) + "; lower them, or allow the process more (ulimit -v)"};
  }
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const Config& config) { return DpdkEngine::create(config); }

}  // namespace sluice
