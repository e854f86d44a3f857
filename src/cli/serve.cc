// SPDX-License-Identifier: BSD-3-Clause
// `sluice serve`: configuration, control socket, engine and signals put together.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/registry.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/control_socket.h"
#include "cli/exit_status.h"
#include "cli/log.h"
#include "cli/names.h"
#include "lib/machine_id.h"
#include "sluice/engine.h"
#include "sluice/version.h"

namespace sluice::cli {
namespace {

// What the signal handler touches: lock-free atomics and Engine::stop(), which is async-signal-safe.
std::atomic<bool> stop_asked{false};
std::atomic<Engine*> running{nullptr};
static_assert(std::atomic<Engine*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void ask_to_stop(int) {
  stop_asked.store(true);
  if (Engine* engine = running.load()) engine->stop();
}

// Signals as `serve` wants them, and as they were when it is done.
class Signals {
 public:
  Signals() {
    stop_asked.store(false);
    struct sigaction stop {};
    stop.sa_handler = ask_to_stop;
    sigfillset(&stop.sa_mask);
    stop.sa_flags = SA_RESTART;
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGTERM, &stop, &before_[0]);
    ::sigaction(SIGINT, &stop, &before_[1]);
    // A closed terminal or pipe must not cut connections short.
    ::sigaction(SIGHUP, &ignore, &before_[2]);
    ::sigaction(SIGPIPE, &ignore, &before_[3]);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    running.store(nullptr);
    ::sigaction(SIGTERM, &before_[0], nullptr);
    ::sigaction(SIGINT, &before_[1], nullptr);
    ::sigaction(SIGHUP, &before_[2], nullptr);
    ::sigaction(SIGPIPE, &before_[3], nullptr);
  }

 private:
  struct sigaction before_[4] = {};
};

// Forgets the engine before it dies, so that a late signal finds none.
class RunningEngine {
 public:
  explicit RunningEngine(Engine& engine) {
    running.store(&engine);
    // The signal may have come while the engine was made, with nobody to tell.
    if (stop_asked.load()) engine.stop();
  }
  RunningEngine(const RunningEngine&) = delete;
  RunningEngine& operator=(const RunningEngine&) = delete;
  ~RunningEngine() { running.store(nullptr); }
};

int fail(const Error& error) {
  std::fprintf(stderr, "sluice: %s\n", error.message.c_str());
  return error.code == Errc::kInvalid ? kExitUsage : kExitFailed;
}

// One factory a service, in order; empty if one cannot be made, which is then on stderr.
bool make_factories(const LoadedConfig& loaded, std::vector<ServiceFactory>& factories) {
  bool good = true;
  for (const ServiceConfig& service : loaded.config.services) {
    Result<ServiceFactory> factory = app::make_factory(service);
    if (factory.ok()) {
      factories.push_back(std::move(factory).value());
    } else {
      std::fprintf(stderr, "%s\n", loaded.placed(factory.error().message).c_str());
      good = false;
    }
  }
  return good;
}

void warn_of_seed(std::uint64_t seed) {
  // Not by the log, which may be off.
  std::fprintf(stderr,
               "sluice: WARNING: tcp.seed = %llu makes every random choice reproducible, sequence numbers and hash "
               "keys included: anyone can predict them. FOR TESTS ONLY.\n",
               static_cast<unsigned long long>(seed));
}

// As many open files as the administrator allows: 1024, what shells give, is for programs that call select().
void allow_all_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) spdlog::debug("the limit of open files stays as it is");
}

// Once, at start: nobody could know these addresses beforehand.
void warn_of_passing_addresses(const Config& config) {
  const bool slaac = std::any_of(config.ports.begin(), config.ports.end(), [](const PortConfig& port) { return port.slaac; });
  if (!slaac || config.tcp.seed != 0 || lib::read_machine_id()) return;
  spdlog::warn("{} has no machine id: addresses made by slaac will be others after the next start", lib::kMachineIdFile);
}

// A factory has no Result: it throws what keeps a service from starting on this machine.
Result<void> add_service(Engine& engine, const ServiceConfig& config, ServiceFactory factory) {
  try {
    return engine.add_service(config, std::move(factory));
  } catch (const std::exception& error) {
    return Error{Errc::kIo, fmt::format("service.{}: {}", config.name, error.what())};
  }
}

int serve(const Config& config, std::vector<ServiceFactory> factories, ControlServer& control) {
  Result<std::unique_ptr<Engine>> made = Engine::create(config);
  if (!made.ok()) return fail(made.error());
  Engine& engine = **made;
  for (std::size_t i = 0; i < factories.size(); ++i) {
    const Result<void> added = add_service(engine, config.services[i], std::move(factories[i]));
    if (!added.ok()) return fail(added.error());
  }
  const RunningEngine stoppable(engine);
  const Result<void> ran = engine.run([&] {
    control.start({[&engine] { return engine.stats(); },
                   [&engine](const auto& wanted, const auto& take) { return engine.for_each_connection(wanted, take); }},
                  config.dpdk.lcores);
    spdlog::info("ready: {} ports, {} services, lcores {}", config.ports.size(), config.services.size(),
                 config.dpdk.lcores);
    std::fputs("sluice: ready\n", stdout);
    std::fflush(stdout);
  });
  // The callbacks use the engine.
  control.stop();
  if (!ran.ok()) return fail(ran.error());
  spdlog::info("drained");
  return kExitDone;
}

}  // namespace

int run_serve(const ServeArguments& arguments, std::string_view run_directory) {
  const LoadedConfig loaded = load_config(arguments.config, arguments.sets);
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (!loaded.errors.empty()) return kExitUsage;
  const Config& config = loaded.config;
  std::vector<ServiceFactory> factories;
  if (!make_factories(loaded, factories)) return kExitUsage;
  if (arguments.check) {
    std::printf("sluice: %s is good\n", arguments.config.c_str());
    return kExitDone;
  }
  const Signals signals;
  start_logging(config.log_level);
  spdlog::info("sluice {} starts, instance {}", version(), config.dpdk.instance);
  if (config.tcp.seed != 0) warn_of_seed(config.tcp.seed);
  warn_of_passing_addresses(config);
  allow_all_files();
  const std::string socket = control_socket_path(config.dpdk.instance, run_directory);
  const Result<std::unique_ptr<ControlServer>> control = ControlServer::create(socket);
  if (!control.ok()) return fail(control.error());
  return serve(config, std::move(factories), **control);
}

}  // namespace sluice::cli
