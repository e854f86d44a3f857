// SPDX-License-Identifier: BSD-3-Clause
// Control groups made of files in a directory.
#include "port/cgroup.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::port {
namespace {

class CgroupTest : public testing::Test {
 protected:
  CgroupTest() {
    std::array<char, 32> name{"/tmp/sluice-cgroup-XXXXXX"};
    dir_ = ::mkdtemp(name.data());
  }
  ~CgroupTest() override { std::filesystem::remove_all(dir_); }
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((dir_ / file).parent_path());
    std::ofstream(dir_ / file) << text << "\n";
  }
  void group(const std::string& path, const std::string& max, const std::string& current, const std::string& cache = "0") const {
    write("fs" + path + "/memory.max", max);
    write("fs" + path + "/memory.current", current);
    write("fs" + path + "/memory.stat", "anon 5\nfile 77\nkernel 1\ninactive_anon 4\ninactive_file " + cache + "\nactive_file 3");
  }
  [[nodiscard]] std::optional<std::size_t> room(const std::string& ours) const {
    write("proc", ours);
    return cgroup_room(dir_ / "proc", dir_ / "fs");
  }
  std::filesystem::path dir_;
};

TEST_F(CgroupTest, OurOwnGroupsLimitCounts) {
  group("/system.slice/sluice.service", "1000", "300");
  EXPECT_EQ(room("0::/system.slice/sluice.service"), 700U);
  group("/system.slice/sluice.service", "max", "300");
  EXPECT_EQ(room("0::/system.slice/sluice.service"), std::nullopt);
  group("/system.slice/sluice.service", "200", "300");
  EXPECT_EQ(room("0::/system.slice/sluice.service"), 0U) << "over it already";
}

TEST_F(CgroupTest, TheTightestOfThoseAboveUsCounts) {
  group("", "max", "900");
  group("/a", "1000", "900");
  group("/a/b", "5000", "300");
  group("/a/b/c", "max", "10");
  group("/other", "1", "1");
  EXPECT_EQ(room("0::/a/b/c"), 100U);
  group("/a", "9000", "900");
  EXPECT_EQ(room("0::/a/b/c"), 4700U);
}

TEST_F(CgroupTest, CacheThatCanBeDroppedIsNoUse) {
  group("/a", "1000", "900", "600");
  EXPECT_EQ(room("0::/a"), 700U);
  group("/a", "1000", "100", "600");
  EXPECT_EQ(room("0::/a"), 1000U) << "the two are not read at one instant";
}

// In a container the path may be one of outside.
TEST_F(CgroupTest, WhatCanBeSeenCountsWhereThePathCannot) {
  group("", "1000", "400");
  group("/sibling", "10", "1");
  EXPECT_EQ(room("0::/docker/0123"), 600U);
  EXPECT_EQ(room("0::/../../sibling"), 600U);
  EXPECT_EQ(room("0::/"), 600U);
}

TEST_F(CgroupTest, TheFirstVersionHasNamesOfItsOwn) {
  write("fs/memory/a/memory.limit_in_bytes", "1000");
  write("fs/memory/a/memory.usage_in_bytes", "900");
  write("fs/memory/a/memory.stat", "inactive_file 1\ntotal_inactive_file 500");
  write("fs/memory/memory.limit_in_bytes", "9223372036854771712");
  write("fs/memory/memory.usage_in_bytes", "5000");
  EXPECT_EQ(room("12:cpu,cpuacct:/z\n5:memory:/a\n1:name=systemd:/a\n0::/a"), 600U);
  EXPECT_EQ(room("12:cpu,cpuacct:/a\n3:memoryless:/a"), std::nullopt);
}

TEST_F(CgroupTest, WithoutControlGroupsThereIsNoLimit) {
  EXPECT_EQ(cgroup_room(dir_ / "nothing", dir_ / "fs"), std::nullopt);
  EXPECT_EQ(room("nonsense\n0:"), std::nullopt);
  EXPECT_EQ(room("0::/a"), std::nullopt);
}

}  // namespace
}  // namespace sluice::port
