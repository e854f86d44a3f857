// SPDX-License-Identifier: BSD-3-Clause
// One EAL without hugepages for all tests of the executable, and what they share.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buf_pool.h"
#include "port/dpdk/buffers.h"
#include "port/dpdk/eal.h"
#include "port/dpdk/ethdev_port.h"

namespace sluice::port {

class DpdkTest : public testing::Test {
 protected:
  static constexpr std::size_t kBuffers = 4096;
  static constexpr std::size_t kFragments = 1024;

  static void SetUpTestSuite();
  void SetUp() override;
  // Every test ends with all buffers and fragments at home.
  void TearDown() override;

  static PortConfig config(const std::string& device) {
    PortConfig c;
    c.name = "front";
    c.device = device;
    return c;
  }
  Result<std::unique_ptr<DpdkPort>> open(const PortConfig& c, unsigned shards = 1) {
    return DpdkPort::create(c, {.index = 2, .shards = shards, .rss_key = make_rss_key(1, 2)}, *buffers_);
  }
  std::string error_of(const PortConfig& c, unsigned shards = 1) {
    const auto port = open(c, shards);
    return port.ok() ? "no error" : std::string(errno_name(port.error().code)) + " " + port.error().message;
  }
  // A frame of `len` bytes that count up from `first`.
  static Buf* frame(BufPool& pool, std::uint32_t len, std::uint8_t first) {
    Buf* buf = pool.take();
    for (std::uint32_t i = 0; i < len; ++i) buf->data[i] = static_cast<std::uint8_t>(first + i);
    buf->len = len;
    buf->len_total = len;
    return buf;
  }
  static void add_fragment(BufPool& pool, Buf* frame, Buf* owner, std::uint32_t offset, std::uint32_t len) {
    pool.retain(owner);
    frame->fragments()[frame->n_fragments++] = {owner, owner->data + offset, len};
    frame->len_total += len;
  }
  // Receives all there is, adopted by `pool`.
  static std::vector<Buf*> receive_all(DpdkPort& port, BufPool& pool, unsigned queue = 0) {
    std::vector<Buf*> all;
    std::array<Buf*, 32> burst{};
    std::size_t n = 0;
    while ((n = port.receive(queue, burst, Instant{})) != 0) {
      for (Buf* buf : std::span(burst).first(n)) {
        pool.adopt(buf);
        all.push_back(buf);
      }
    }
    return all;
  }
  static std::string bytes(const Buf* buf) { return {reinterpret_cast<const char*>(buf->data), buf->len}; }

  static DpdkBuffers* buffers_;  // as long-lived as the EAL
};

}  // namespace sluice::port
