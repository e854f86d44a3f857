// SPDX-License-Identifier: BSD-3-Clause
#include "lib/machine_id.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace sluice::lib {
namespace {

TEST(MachineIdTest, IsReadAsTwoHalvesOfAKey) {
  const auto key = parse_machine_id("0123456789abcdeffedcba9876543210\n");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->k0, 0x0123456789abcdefU);
  EXPECT_EQ(key->k1, 0xfedcba9876543210U);
  EXPECT_TRUE(parse_machine_id("0123456789abcdeffedcba9876543210"));
}

TEST(MachineIdTest, WhatIsNoneIsNotTakenForOne) {
  for (const char* text : {"", "\n", "uninitialized\n", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
                           "0123456789abcdef-edcba9876543210", "0123456789abcdeg0123456789abcdef", "00000000000000000000000000000000"}) {
    EXPECT_FALSE(parse_machine_id(text)) << text;
  }
}

TEST(MachineIdTest, IsTheFirstLineOfItsFile) {
  const std::string path = testing::TempDir() + "machine-id-of-a-test";
  EXPECT_FALSE(read_machine_id(path + "-that-is-not-there"));
  std::ofstream(path) << "0123456789abcdeffedcba9876543210\n";
  EXPECT_TRUE(read_machine_id(path));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace sluice::lib
