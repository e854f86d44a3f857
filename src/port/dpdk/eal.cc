// SPDX-License-Identifier: BSD-3-Clause
#include "port/dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "port/cgroup.h"
#include "port/dpdk/eal_log.h"
#include "port/lcores.h"

namespace sluice::port {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMiB = 1U << 20U;

std::optional<std::size_t> read_number(const fs::path& file) {
  std::ifstream in(file);
  std::size_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

std::size_t free_hugepage_bytes() {
  std::size_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    const std::string name = entry.path().filename();  // hugepages-2048kB
    const std::size_t kib = std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10);
    bytes += read_number(entry.path() / "free_hugepages").value_or(0) * kib * 1024;
  }
  return bytes;
}

std::size_t available_bytes() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  std::size_t kib = 0;
  std::size_t available = 0;
  std::string rest;
  while (in >> key >> kib && std::getline(in, rest)) {
    if (key == "MemAvailable:") available = kib * 1024;
  }
  // A container or a service may have less than its machine.
  return std::min(available, cgroup_room().value_or(available));
}

std::string mib_text(std::size_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

std::string online_cpus() {
  std::ifstream in("/sys/devices/system/cpu/online");
  std::string text;
  std::getline(in, text);
  return text.empty() ? "?" : text;
}

// The log-level options in eal_args ask for output: give it.
bool wants_echo(const std::vector<std::string>& args) {
  return std::any_of(args.begin(), args.end(), [](const std::string& a) { return a.starts_with("--log-level"); });
}

std::vector<std::string> arguments(const DpdkConfig& config, const MemoryPlan& plan,
                                   std::span<const std::string> devices) {
  std::vector<std::string> args = {"sluice", "--lcores=" + config.lcores, "--file-prefix=" + config.instance, "-m",
                                   std::to_string(plan.mib)};
  // EAL refuses --in-memory together with --no-huge.
  args.emplace_back(plan.hugepages ? "--in-memory" : "--no-huge");
  bool any_pci = false;
  for (const std::string& device : devices) {
    if (!is_pci_address(device)) continue;
    args.insert(args.end(), {"-a", device});
    any_pci = true;
  }
  if (!any_pci) args.emplace_back("--no-pci");
  if (!wants_echo(config.eal_args)) args.emplace_back("--log-level=error");
  args.insert(args.end(), config.eal_args.begin(), config.eal_args.end());
  return args;
}

// What EAL's failure means to the person who wrote the configuration.
Error start_error(const DpdkConfig& config, const MemoryPlan& plan, int code) {
  const std::string reason = dpdk_log_reason();
  const std::string said = reason.empty() ? std::string(rte_strerror(code)) : reason;
  for (const char* complaint : {"unrecognized option", "invalid option", "requires an argument"}) {
    if (const std::string line = dpdk_log_line(complaint); !line.empty()) {
      return {Errc::kInvalid, "dpdk.eal_args: " + line.substr(line.find(": ") + 2) + "; correct it or leave it out"};
    }
  }
  if (dpdk_log_mentions("coremap") || dpdk_log_mentions("lcore") || dpdk_log_mentions("core mask")) {
    return {Errc::kInvalid, "dpdk.lcores = \"" + config.lcores +
                                "\": not cores that this process may use (CPUs online: " + online_cpus() +
                                "); name cores of this machine, for example \"0\" or \"0-1\" (DPDK: " + said + ")"};
  }
  if (dpdk_log_mentions("another primary")) {
    return {Errc::kBusy, "dpdk.instance = \"" + config.instance +
                             "\": another process runs under this name; stop it or choose another name"};
  }
  if (code == EACCES || code == EPERM || dpdk_log_mentions("Permission denied") || dpdk_log_mentions("not permitted")) {
    return {Errc::kPermission, "DPDK may not start (" + said + "); run as root"};
  }
  if (code == ENOMEM || dpdk_log_mentions("emory") || dpdk_log_mentions("hugepage")) {
    return {Errc::kNoMemory, "DPDK got no " + std::to_string(plan.mib) + " MiB of " +
                                 (plan.hugepages ? "hugepages" : "memory") + " (" + said +
                                 "); lower tcp.buffers or tcp.max_connections, or give the machine more" +
                                 (plan.hugepages ? " hugepages (/proc/sys/vm/nr_hugepages)" : "")};
  }
  return {Errc::kInvalid, "DPDK does not start: " + said + "; check [dpdk] lcores and eal_args"};
}

// EAL ends the process without a word where it cannot bind a thread, so every lcore's CPUs are looked at before.
bool lcores_can_run(const std::string& lcores) {
  const auto allowed = allowed_cpus();
  return allowed ? can_run_on(lcores, *allowed) : cpus_of_lcores(lcores).has_value();
}

bool valid_instance(const std::string& name) {
  return limits::kInstanceBytes.contains(static_cast<std::int64_t>(name.size())) &&
         name.find_first_of("/ %") == std::string::npos && name.front() != '.';
}

std::string runtime_dir_to_remove;  // NOLINT: atexit handlers take no argument

// Runs after telemetry's own handler has removed its socket; only ever removes an empty directory.
void remove_empty_runtime_dir() {
  std::error_code ignored;
  if (!runtime_dir_to_remove.empty()) fs::remove(runtime_dir_to_remove, ignored);
}

// What a start that failed half-way left, but not what another process of this name holds.
void remove_leavings(const fs::path& dir) {
  const int config = ::open((dir / "config").c_str(), O_RDWR | O_CLOEXEC);
  if (config < 0) return;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool free = ::fcntl(config, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
  ::close(config);
  std::error_code ignored;
  if (free) fs::remove_all(dir, ignored);
}

}  // namespace

bool is_pci_address(std::string_view device) noexcept {
  const auto hex = [](std::string_view part, std::size_t digits) {
    return part.size() == digits &&
           std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  };
  device = device.substr(0, device.find(','));
  if (device.size() == 12 && hex(device.substr(0, 4), 4) && device[4] == ':') device.remove_prefix(5);
  return device.size() == 7 && hex(device.substr(0, 2), 2) && device[2] == ':' && hex(device.substr(3, 2), 2) &&
         device[5] == '.' && device[6] >= '0' && device[6] <= '7';
}

std::string pci_name(std::string_view device) {
  device = device.substr(0, device.find(','));
  std::string name = device.size() == 7 ? "0000:" : "";
  for (const unsigned char c : device) name += static_cast<char>(std::tolower(c));
  return name;
}

MemoryThere memory_there() { return {free_hugepage_bytes(), available_bytes()}; }

Result<MemoryPlan> plan_memory(Hugepages mode, std::size_t bytes) {
  const std::size_t mib = (bytes + kMiB - 1) / kMiB;
  const std::size_t huge = free_hugepage_bytes();
  const bool enough_huge = huge >= mib * kMiB && huge > 0;
  if (mode == Hugepages::kOn && !enough_huge) {
    return Error{Errc::kNoMemory, "dpdk.hugepages = true: " + std::to_string(mib) + " MiB of hugepages are needed, " +
                                      mib_text(huge) + " are free; reserve them (echo " +
                                      std::to_string((mib + 1) / 2) +
                                      " >/proc/sys/vm/nr_hugepages), or set hugepages = \"auto\""};
  }
  if (mode != Hugepages::kOff && enough_huge) return MemoryPlan{true, mib};
  const std::size_t available = available_bytes();
  if (mib * kMiB > available) {
    return Error{Errc::kNoMemory, "the configured limits need " + std::to_string(mib) + " MiB for packet buffers, " +
                                      mib_text(available) + " are available; lower tcp.buffers or tcp.max_connections"};
  }
  return MemoryPlan{false, mib};
}

Result<std::unique_ptr<Eal>> Eal::start(const DpdkConfig& config, std::size_t memory_bytes,
                                        std::span<const std::string> devices) {
  if (!valid_instance(config.instance)) {
    return Error{Errc::kInvalid,
                 "dpdk.instance = \"" + config.instance + "\": must be a plain file name of 1 to " +
                     std::to_string(limits::kInstanceBytes.max) + " characters"};
  }
  const Result<MemoryPlan> plan = plan_memory(config.hugepages, memory_bytes);
  if (!plan) return plan.error();
  capture_dpdk_log(wants_echo(config.eal_args));
  clear_dpdk_log();
  if (!lcores_can_run(config.lcores)) {
    return Error{Errc::kInvalid, "dpdk.lcores = \"" + config.lcores +
                                     "\": not cores that this process may use (CPUs online: " + online_cpus() +
                                     "); name cores of this machine, for example \"0\" or \"0-1\""};
  }

  // EAL keeps pointers into its arguments and reorders them.
  static std::vector<std::string> args;
  args = arguments(config, *plan, devices);
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);

  static const bool registered = std::atexit(remove_empty_runtime_dir) == 0;
  (void)registered;
  int started = 0;
  int code = 0;
  if (wants_echo(config.eal_args)) {
    started = rte_eal_init(static_cast<int>(args.size()), argv.data());
    code = rte_errno;
  } else {
    const OutputCapture capture;
    started = rte_eal_init(static_cast<int>(args.size()), argv.data());
    code = rte_errno;
  }
  runtime_dir_to_remove = rte_eal_get_runtime_dir();  // also of a start that failed half-way
  if (started < 0) {
    remove_leavings(runtime_dir_to_remove);
    return start_error(config, *plan, code);
  }

  std::unique_ptr<Eal> eal(new Eal(*plan));
  unsigned lcore = 0;
  RTE_LCORE_FOREACH(lcore) eal->lcores_.push_back(lcore);
  eal->runtime_dir_ = runtime_dir_to_remove;
  return eal;
}

Eal::~Eal() {
  rte_eal_cleanup();
  // With hugepages (--in-memory) EAL leaves nothing but the directory.
  if (plan_.hugepages) return;
  std::error_code ignored;
  fs::remove_all(runtime_dir_, ignored);
}

}  // namespace sluice::port
