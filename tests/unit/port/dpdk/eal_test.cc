// SPDX-License-Identifier: BSD-3-Clause
// DPDK's start and its errors, each start in a process of its own.
#include "port/dpdk/eal.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "port/dpdk/buffers.h"
#include "port/dpdk/launch.h"

namespace sluice::port {
namespace {

constexpr std::size_t kMiB = 1U << 20U;

std::string unique_instance() { return "sluice-test-" + std::to_string(::getpid()); }

DpdkConfig config() {
  DpdkConfig c;
  c.instance = unique_instance();
  c.hugepages = Hugepages::kOff;
  return c;
}

// Runs `body` in a child and returns what it wrote; the child's stderr and stdout too.
std::string in_child(const std::function<std::string()>& body) {
  std::array<int, 2> fds{};
  if (::pipe(fds.data()) != 0) return "pipe failed";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(fds[1], STDOUT_FILENO);
    ::dup2(fds[1], STDERR_FILENO);
    const std::string text = body();
    (void)!::write(fds[1], text.data(), text.size());
    ::close(fds[1]);
    std::exit(0);
  }
  ::close(fds[1]);
  std::string all;
  std::array<char, 1024> part{};
  ssize_t n = 0;
  while ((n = ::read(fds[0], part.data(), part.size())) > 0) all.append(part.data(), static_cast<std::size_t>(n));
  ::close(fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? all : all + " [status " + std::to_string(status) + "]";
}

std::string start_error(const DpdkConfig& c, std::size_t bytes = 32 * kMiB) {
  return in_child([&] {
    const auto eal = Eal::start(c, bytes, {});
    return eal.ok() ? std::string("started") : std::string(errno_name(eal.error().code)) + " " + eal.error().message;
  });
}

TEST(PciAddress, IsToldFromAVdevString) {
  EXPECT_TRUE(is_pci_address("0000:03:00.0"));
  EXPECT_TRUE(is_pci_address("af:1f.7"));
  EXPECT_TRUE(is_pci_address("0000:AF:1F.7,queues=4,x=03:00.0"));
  EXPECT_FALSE(is_pci_address("0000:03:00.8"));
  EXPECT_FALSE(is_pci_address("0000:03:00.0 ,queues=4"));
  EXPECT_FALSE(is_pci_address("net_ring0"));
  EXPECT_FALSE(is_pci_address("net_pcap0,rx_pcap=03:00.0"));
  EXPECT_FALSE(is_pci_address(""));
}

TEST(PciAddress, HasOneNameHoweverItIsWritten) {
  for (const char* device : {"0000:af:1f.7", "0000:AF:1F.7", "af:1f.7", "AF:1f.7,queues=4", "0000:aF:1F.7,a=B"}) {
    EXPECT_EQ(pci_name(device), "0000:af:1f.7") << device;
  }
  EXPECT_EQ(pci_name("BEEF:00:03.0"), "beef:00:03.0");
}

TEST(EalStart, WithoutHugepagesStartsQuietlyAndLeavesNothingBehind) {
  std::string dir;
  const DpdkConfig c = config();
  const std::string said = in_child([&] {
    auto eal = Eal::start(c, 32 * kMiB, {});
    if (!eal) return eal.error().message;
    if ((*eal)->hugepages() || (*eal)->lcores().size() != 1) return std::string("wrong plan");
    auto buffers = DpdkBuffers::create({.buffers = 1024, .fragments = 256});
    if (!buffers) return buffers.error().message;
    return std::string("started");
  });
  EXPECT_EQ(said, "started");
  for (const char* base : {"/var/run/dpdk/", "/tmp/dpdk/"}) EXPECT_FALSE(std::filesystem::exists(base + c.instance));
}

TEST(EalStart, RunsABodyOnEveryLcoreAndTheClockAdvances) {
  DpdkConfig c = config();
  c.lcores = "0@0,1@0";  // two lcores on one CPU: there may be only one
  const std::string said = in_child([&] {
    auto eal = Eal::start(c, 32 * kMiB, {});
    if (!eal) return eal.error().message;
    const TscClock clock;
    const Instant before = clock.now();
    std::array<std::atomic<int>, 2> ran{};
    run_on_lcores([&](unsigned index) { ran[index] += 1; });
    if (!(before < clock.now()) || clock.now() - before > Duration::seconds(10)) return std::string("bad clock");
    return std::to_string(ran[0]) + std::to_string(ran[1]);
  });
  EXPECT_EQ(said, "11");
}

TEST(EalStart, SaysThatHugepagesAreMissingAndHowToReserveThem) {
  DpdkConfig c = config();
  c.hugepages = Hugepages::kOn;
  const std::string said = start_error(c, std::size_t{1} << 50U);
  EXPECT_TRUE(said.starts_with("ENOBUFS dpdk.hugepages = true:")) << said;
  EXPECT_NE(said.find("/proc/sys/vm/nr_hugepages"), std::string::npos) << said;
}

TEST(EalStart, SaysThatMemoryIsTooSmallForTheLimits) {
  const std::string said = start_error(config(), std::size_t{1} << 50U);
  EXPECT_TRUE(said.starts_with("ENOBUFS the configured limits need 1073741824 MiB")) << said;
  EXPECT_NE(said.find("lower tcp.buffers or tcp.max_connections"), std::string::npos) << said;
}

TEST(EalStart, AutomaticHugepagesFallBackToOrdinaryMemory) {
  DpdkConfig c = config();
  c.hugepages = Hugepages::kAuto;
  EXPECT_EQ(start_error(c), "started");
}

TEST(EalStart, SaysWhichLcoresAreNotThere) {
  for (const char* lcores : {"4000", "", "1-0", "0,,", "x", "(0", "0@4000"}) {
    DpdkConfig c = config();
    c.lcores = lcores;
    const std::string said = start_error(c);
    EXPECT_TRUE(said.starts_with("EINVAL dpdk.lcores = \"" + std::string(lcores) + "\": not cores")) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
}

// EAL itself would end the process without a word.
TEST(EalStart, SaysThatACpuBehindAnAtIsNotAllowed) {
  const std::string said = in_child([] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::string("no affinity");
    unsigned first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    unsigned last = first;
    for (unsigned cpu = first; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) last = cpu;
    }
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(last, &only);
    if (::sched_setaffinity(0, sizeof only, &only) != 0) return std::string("cannot be bound");
    DpdkConfig c = config();
    c.lcores = "0@" + std::to_string(last == first ? last + 1 : first);
    const auto eal = Eal::start(c, 32 * kMiB, {});
    return eal.ok() ? std::string("started") : eal.error().message;
  });
  EXPECT_TRUE(said.starts_with("dpdk.lcores = \"0@")) << said;
  EXPECT_NE(said.find("not cores that this process may use"), std::string::npos) << said;
}

TEST(EalStart, LeavesNothingBehindWhereItFails) {
  DpdkConfig c = config();
  c.eal_args = {"--vdev=net_no_such_driver0"};
  EXPECT_NE(start_error(c), "started");
  for (const char* base : {"/var/run/dpdk/", "/tmp/dpdk/"}) EXPECT_FALSE(std::filesystem::exists(base + c.instance)) << base;
}

TEST(EalStart, SaysWhichEalArgumentIsWrong) {
  DpdkConfig c = config();
  c.eal_args = {"--no-such-thing"};
  const std::string said = start_error(c);
  EXPECT_EQ(said, "EINVAL dpdk.eal_args: unrecognized option '--no-such-thing'; correct it or leave it out");
}

TEST(EalStart, RefusesAnInstanceThatIsNoFileName) {
  for (const char* name : {"", "a/b", "..", ".hidden", "a b"}) {
    DpdkConfig c = config();
    c.instance = name;
    EXPECT_TRUE(start_error(c).starts_with("EINVAL dpdk.instance")) << name;
  }
}

TEST(EalStart, SaysThatTheInstanceRunsAlready) {
  const DpdkConfig c = config();
  const std::string said = in_child([&] {
    auto eal = Eal::start(c, 32 * kMiB, {});
    if (!eal) return eal.error().message;
    // A child of a process that runs DPDK would inherit it: start afresh from the executable.
    std::array<int, 2> fds{};
    if (::pipe(fds.data()) != 0) return std::string("pipe failed");
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(fds[1], STDOUT_FILENO);
      ::setenv("SLUICE_TEST_INSTANCE", c.instance.c_str(), 1);
      ::execl("/proc/self/exe", "unit_port_eal", "--gtest_filter=EalSecondStart.*", nullptr);
      std::_Exit(1);
    }
    ::close(fds[1]);
    std::string all;
    std::array<char, 1024> part{};
    ssize_t n = 0;
    while ((n = ::read(fds[0], part.data(), part.size())) > 0) all.append(part.data(), static_cast<std::size_t>(n));
    ::waitpid(child, nullptr, 0);
    return all;
  });
  EXPECT_NE(said.find("EBUSY dpdk.instance = \"" + c.instance + "\": another process runs under this name"),
            std::string::npos)
      << said;
}

// Run by the test above in a process of its own.
TEST(EalSecondStart, ReportsItsError) {
  const char* instance = std::getenv("SLUICE_TEST_INSTANCE");
  DpdkConfig c = config();
  if (instance != nullptr) c.instance = instance;
  const std::string said = start_error(c);
  std::printf("%s\n", said.c_str());
  EXPECT_EQ(said == "started", instance == nullptr);
}

}  // namespace
}  // namespace sluice::port
