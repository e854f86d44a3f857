// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: started once a process from [dpdk] and the memory that the
// configuration needs, ended and cleaned up after. Control path, the starting thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/config.h"
#include "sluice/error.h"

namespace sluice::port {

// How the memory will be had.
struct MemoryPlan {
  bool hugepages = false;
  std::size_t mib = 0;
};

// Bytes that there are now: free hugepages, and what the kernel calls available within the limits of our control group.
// For sizing limits; reserves nothing.
struct MemoryThere {
  std::size_t huge = 0;
  std::size_t ordinary = 0;
};
[[nodiscard]] MemoryThere memory_there();

// Chooses between hugepages and ordinary memory. Errors: kNoMemory, naming what is
// there, what is needed and what would help.
[[nodiscard]] Result<MemoryPlan> plan_memory(Hugepages mode, std::size_t bytes);

// A PCI address, "0000:03:00.0" or "03:00.0", perhaps with ",arguments" of its driver, rather than a vdev string.
[[nodiscard]] bool is_pci_address(std::string_view device) noexcept;
// As DPDK and the kernel call such a device: "0000:af:00.0" of "AF:00.0,arguments".
[[nodiscard]] std::string pci_name(std::string_view device);

class Eal {
 public:
  // `memory_bytes`: for buffers and rings (DpdkBuffers::memory_needed). `devices`: the
  // ports' device strings; PCI addresses among them are allowed on the bus with their arguments, nothing
  // else is touched. Errors: kNoMemory (hugepages missing, too little memory),
  // kPermission, kBusy (the instance runs already), kInvalid (lcores, eal_args).
  [[nodiscard]] static Result<std::unique_ptr<Eal>> start(const DpdkConfig& config, std::size_t memory_bytes,
                                                          std::span<const std::string> devices);
  // Ports and buffers must be gone. Removes this instance's runtime directory.
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  [[nodiscard]] bool hugepages() const noexcept { return plan_.hugepages; }
  // Cores that run loops, in the order of the shards.
  [[nodiscard]] const std::vector<unsigned>& lcores() const noexcept { return lcores_; }

 private:
  explicit Eal(MemoryPlan plan) : plan_(plan) {}
  MemoryPlan plan_;
  std::vector<unsigned> lcores_;
  std::string runtime_dir_;
};

}  // namespace sluice::port
