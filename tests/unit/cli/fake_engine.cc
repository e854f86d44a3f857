// SPDX-License-Identifier: BSD-3-Clause
#include "fake_engine.h"

#include <atomic>
#include <memory>
#include <stdexcept>

#include "app/registry.h"
#include "reports.h"
#include "sluice/engine.h"

namespace sluice {
namespace {

class Fake final : public Engine {
 public:
  Result<void> add_service(const ServiceConfig& config, ServiceFactory) override {
    if (cli::fake_engine().factory_throws) throw std::runtime_error(*cli::fake_engine().factory_throws);
    if (cli::fake_engine().add_error) return *cli::fake_engine().add_error;
    cli::fake_engine().services.push_back(config.name);
    return {};
  }
  Result<void> run(const std::function<void()>& ready) override {
    if (cli::fake_engine().run_error) return *cli::fake_engine().run_error;
    ready();
    if (cli::fake_engine().while_running) cli::fake_engine().while_running();
    stop_.wait(false);
    cli::fake_engine().stopped = true;
    return {};
  }
  void stop() noexcept override {
    stop_.store(true);
    stop_.notify_all();
  }
  Stats stats() const override { return cli::sample_stats(); }
  Result<std::vector<ConnectionReport>> connections() override { return std::vector{cli::sample_connection()}; }
  Result<void> for_each_connection(const Wanted& wanted, const Take& take) override {
    if (wanted(cli::sample_connection())) take({cli::sample_connection()});
    return {};
  }

 private:
  std::atomic<bool> stop_{false};
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const Config& config) {
  cli::FakeEngine& fake = cli::fake_engine();
  fake.config = config;
  if (fake.while_created) fake.while_created();
  if (fake.create_error) return *fake.create_error;
  return std::unique_ptr<Engine>(new Fake);
}

namespace app {

Result<ServiceFactory> make_factory(const ServiceConfig&) {
  if (cli::fake_engine().factory_error) return *cli::fake_engine().factory_error;
  return ServiceFactory{};
}

}  // namespace app

namespace cli {

FakeEngine& fake_engine() {
  static FakeEngine fake;
  return fake;
}

int run_replay(const Config& config, const ReplayArguments& arguments) {
  fake_engine().config = config;
  fake_engine().replayed = arguments;
  return fake_engine().replay_status;
}

}  // namespace cli
}  // namespace sluice
