// SPDX-License-Identifier: BSD-3-Clause
#include "engine/snapshot.h"

#include <gtest/gtest.h>

#include <thread>

namespace sluice::engine {
namespace {

struct Numbers {
  std::array<std::uint64_t, 100> all{};
};

TEST(SnapshotTest, AReaderNeverSeesAMixtureOfTwoPublications) {
  Snapshot<Numbers> snapshot;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    Numbers numbers;
    for (std::uint64_t i = 1; !stop.load(std::memory_order_relaxed); ++i) {
      numbers.all.fill(i);
      snapshot.publish(numbers);
    }
  });
  std::uint64_t last = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Numbers seen = snapshot.read();
    for (const std::uint64_t n : seen.all) ASSERT_EQ(n, seen.all[0]);
    ASSERT_GE(seen.all[0], last) << "never goes back";
    last = seen.all[0];
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace sluice::engine
