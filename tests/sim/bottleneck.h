// SPDX-License-Identifier: BSD-3-Clause
// One host that sends to another through a link with a rate and a queue: what congestion
// control is for. Everything in virtual time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "sim/network.h"
#include "sluice/listener.h"
#include "support/host.h"

namespace sluice::test {

struct Flow {
  CongestionControl algorithm;
  Instant start;
  std::uint32_t sndbuf = 2U << 20U;  // bytes: by default no limit
  bool pacing = false;
};

// Both hosts.
struct Ends {
  bool ecn = false;                  // offered
  std::uint32_t rcvbuf = 2U << 20U;  // bytes
  std::size_t buffers = 8192;        // of each host
  std::uint64_t seed = 1;            // of the link's chances
};

class Bottleneck {
 public:
  Bottleneck(const NetworkConfig& link, const std::vector<Flow>& flows, const Ends& ends = {});
  ~Bottleneck();
  Bottleneck(const Bottleneck&) = delete;
  Bottleneck& operator=(const Bottleneck&) = delete;

  void run_until(Instant end);
  // Bytes that the receiver's application has read, by flow.
  [[nodiscard]] std::vector<std::uint64_t> received() const;
  [[nodiscard]] const NetworkCounts& counts() const noexcept { return link_.counts(); }
  // The sending host's stack.
  [[nodiscard]] const stack::Stack& sender() const noexcept { return sender_->stack(); }
  // Null while every invariant of both hosts holds.
  [[nodiscard]] const char* broken();

 private:
  class Source;
  class Sink;
  void flush();
  [[nodiscard]] Instant next() const;

  Network link_;
  std::vector<Flow> flows_;
  std::uint32_t rcvbuf_;
  std::size_t started_ = 0;
  Instant now_{1'000'000'000};
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Host> sender_, receiver_;
};

// RFC 5166 2.2 and its source: (sum x)^2 / (n sum x^2); 1 is equal shares.
[[nodiscard]] double jain(const std::vector<std::uint64_t>& shares);

}  // namespace sluice::test
