// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk_test.h"

#include <unistd.h>

#include "base/check.h"

namespace sluice::port {

DpdkBuffers* DpdkTest::buffers_ = nullptr;

namespace {

class DpdkEnvironment final : public testing::Environment {
 public:
  void start(const BufferLimits& limits) {
    if (eal_) return;
    DpdkConfig config;
    config.instance = "sluice-test-" + std::to_string(::getpid());
    config.hugepages = Hugepages::kOff;
    auto eal = Eal::start(config, DpdkBuffers::memory_needed(limits, 16), {});
    if (!eal) FAIL() << eal.error().message;
    eal_ = std::move(*eal);
    auto buffers = DpdkBuffers::create(limits);
    if (!buffers) FAIL() << buffers.error().message;
    buffers_ = std::move(*buffers);
  }
  void TearDown() override {
    buffers_.reset();
    eal_.reset();
  }
  DpdkBuffers* buffers() { return buffers_.get(); }

 private:
  std::unique_ptr<Eal> eal_;
  std::unique_ptr<DpdkBuffers> buffers_;
};

DpdkEnvironment* const environment = [] {
  auto* made = new DpdkEnvironment;  // gtest owns it
  testing::AddGlobalTestEnvironment(made);
  return made;
}();

}  // namespace

void DpdkTest::SetUpTestSuite() {
  environment->start({.buffers = kBuffers, .fragments = kFragments});
  buffers_ = environment->buffers();
}

void DpdkTest::SetUp() { ASSERT_NE(buffers_, nullptr); }

void DpdkTest::TearDown() {
  EXPECT_EQ(buffers_->outstanding(), 0U);
  EXPECT_EQ(buffers_->fragments_outstanding(), 0U);
}

}  // namespace sluice::port
