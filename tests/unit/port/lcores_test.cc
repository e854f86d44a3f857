// SPDX-License-Identifier: BSD-3-Clause
#include "port/lcores.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <thread>

namespace sluice::port {
namespace {

using Items = std::vector<std::vector<unsigned>>;

cpu_set_t cpus(std::initializer_list<unsigned> list) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned cpu : list) CPU_SET(cpu, &set);
  return set;
}

TEST(Lcores, RunOnTheCpusOfTheirNumberOrThoseBehindTheAt) {
  EXPECT_EQ(cpus_of_lcores("0"), (Items{{0}}));
  EXPECT_EQ(cpus_of_lcores("0-2,5"), (Items{{0}, {1}, {2}, {5}}));
  EXPECT_EQ(cpus_of_lcores("0@1,1@0"), (Items{{1}, {0}}));
  EXPECT_EQ(cpus_of_lcores("(0-3)@(4-7)"), (Items{{4, 5, 6, 7}}));
  EXPECT_EQ(cpus_of_lcores("(0,2-3),4,5@(1,6-7)"), (Items{{0, 2, 3}, {4}, {1, 6, 7}}));
}

TEST(Lcores, WhatIsNoListHasNoCpus) {
  for (const char* text : {"", ",", "0,", ",0", "0,,1", "x", "1-0", "(0", "0)", "()", "0@", "@0", "(0-1)@", "0@(1", "1024", "0 1"}) {
    EXPECT_FALSE(cpus_of_lcores(text)) << text;
    EXPECT_FALSE(can_run_on(text, cpus({0, 1}))) << text;
  }
}

TEST(Lcores, EachNeedsOneCpuThatIsAllowed) {
  const cpu_set_t allowed = cpus({1, 2});
  for (const char* good : {"1", "1-2", "0@1", "0@(0-1)", "(0-5)@2", "(0,1)", "0@2,1@2"}) EXPECT_TRUE(can_run_on(good, allowed)) << good;
  for (const char* bad : {"0", "0-2", "1@0", "1,2@3", "1@(3-9)", "(0,3)"}) EXPECT_FALSE(can_run_on(bad, allowed)) << bad;
}

TEST(Lcores, OthersHaveWhatIsLeftOrAll) {
  const cpu_set_t allowed = cpus({0, 1, 2});
  const auto expect = [&](const char* list, std::initializer_list<unsigned> left) {
    const cpu_set_t beside = cpus_beside(list, allowed);
    const cpu_set_t wanted = cpus(left);
    EXPECT_TRUE(CPU_EQUAL(&beside, &wanted)) << list;
  };
  expect("0", {1, 2});
  expect("0,1", {2});
  expect("5@2", {0, 1});
  expect("0-2", {0, 1, 2});
  expect("(0-7)", {0, 1, 2});
  expect("7", {0, 1, 2});
}

TEST(Lcores, OneAnywhereHasEveryCpuOfTheCallingThread) {
  const auto all = allowed_cpus();
  ASSERT_TRUE(all);
  std::string text;
  unsigned last = 0;
  std::thread([&] {
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &*all)) last = cpu;
    }
    const cpu_set_t only = cpus({last});
    ASSERT_EQ(::sched_setaffinity(0, sizeof only, &only), 0);
    text = one_lcore_anywhere();
  }).join();
  EXPECT_EQ(text, "0@(" + std::to_string(last) + ")");
  EXPECT_TRUE(can_run_on(one_lcore_anywhere(), *all));
  EXPECT_EQ(cpus_of_lcores(one_lcore_anywhere())->at(0).size(), static_cast<std::size_t>(CPU_COUNT(&*all)));
}

}  // namespace
}  // namespace sluice::port
